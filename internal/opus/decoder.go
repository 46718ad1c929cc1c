package opus

import "fmt"

// Decoder makes sound out of packets. It puts stereo into one channel, or mono into two, as its own number of channels needs.
type Decoder struct {
	instance *Instance
	at       uint32
	channels int
}

// NewDecoder makes a decoder in the instance, for 1 or 2 channels.
func (i *Instance) NewDecoder(channels int) (*Decoder, error) {
	at, err := i.create(i.decoderSize, i.decoderInit, channels)
	if err != nil {
		return nil, fmt.Errorf("make decoder: %w", err)
	}
	return &Decoder{instance: i, at: at, channels: channels}, nil
}

// Decode decodes a packet, and returns how many samples per channel it held. pcm must have room for them; MaxFrame always
// suffices. Samples may be beyond full scale.
func (d *Decoder) Decode(packet []byte, pcm []float32) (int, error) {
	if len(packet) == 0 {
		return 0, CodeError(-4)
	}
	return d.decode(packet, pcm, false)
}

// Conceal fills pcm with what might have been in a packet that did not come. The length must be a multiple of 2.5 ms, up to 120 ms.
func (d *Decoder) Conceal(pcm []float32) error {
	_, err := d.decode(nil, pcm, false)
	return err
}

// Recover fills pcm with the sound just before a packet, which got lost: the end of it from the coarse copy in that packet
// if there is one, the rest as Conceal does. The packet is to be decoded afterwards.
func (d *Decoder) Recover(next []byte, pcm []float32) error {
	if len(next) == 0 {
		return d.Conceal(pcm)
	}
	_, err := d.decode(next, pcm, true)
	return err
}

func (d *Decoder) decode(packet []byte, pcm []float32, fec bool) (int, error) {
	if len(pcm) == 0 || len(pcm)%d.channels != 0 {
		return 0, errRoom
	}
	if len(packet) > maxInput {
		return 0, CodeError(-4)
	}
	i := d.instance
	if to, ok := i.memory.Read(i.packet, uint32(len(packet))); ok {
		copy(to, packet)
	}
	room := min(len(pcm)/d.channels, MaxFrame)
	n, err := i.call(i.decode, d.at, i.packet, uint32(len(packet)), i.pcm, uint32(room), bit(fec))
	if err != nil {
		return 0, err
	}
	i.takePCM(pcm[:min(n, room)*d.channels])
	return n, nil
}

// Reset makes it as if nothing had been decoded.
func (d *Decoder) Reset() error {
	_, err := d.instance.call(d.instance.decoderReset, d.at)
	return err
}

// Close frees the decoder. It must not be used afterwards.
func (d *Decoder) Close() { d.instance.free(d.at) }
