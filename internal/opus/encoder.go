package opus

import (
	"errors"
	"fmt"
)

// Application says what an encoder is good for (RFC 6716 section 2.1.1).
type Application uint32

// Voice keeps speech clear at low rates, and has error correction in its packets. Music is true to the sound.
const (
	Voice Application = 2048
	Music Application = 2049
)

// EncoderConfig describes an encoder.
type EncoderConfig struct {
	Channels    int // 1 or 2
	Application Application
	Bitrate     int  // bit/s, 6,000 to 510,000
	Complexity  int  // 0 to 10: how much time goes into quality
	FEC         bool // a packet holds a coarse copy of the one before (RFC 6716 section 2.1.7), if Loss makes it worth it
	Loss        int  // percent of packets that is expected to get lost
	DTX         bool // silence becomes packets of at most 2 bytes, which need not be sent
}

// Requests of opus_defines.h.
const (
	setBitrate            = 4002
	setComplexity         = 4010
	setFEC                = 4012
	setLoss               = 4014
	setDTX                = 4016
	setPredictionDisabled = 4046
)

// Encoder makes packets out of sound.
type Encoder struct {
	instance    *Instance
	at          uint32
	channels    int
	independent bool
}

// NewEncoder makes an encoder in the instance.
func (i *Instance) NewEncoder(c EncoderConfig) (*Encoder, error) {
	at, err := i.create(i.encoderSize, i.encoderInit, c.Channels, uint32(c.Application))
	if err != nil {
		return nil, fmt.Errorf("make encoder: %w", err)
	}
	e := &Encoder{instance: i, at: at, channels: c.Channels}
	for _, set := range [][2]uint32{
		{setBitrate, uint32(c.Bitrate)},
		{setComplexity, uint32(c.Complexity)},
		{setFEC, bit(c.FEC)},
		{setLoss, uint32(c.Loss)},
		{setDTX, bit(c.DTX)},
	} {
		if _, err := i.call(i.encoderSet, at, set[0], set[1]); err != nil {
			e.Close()
			return nil, fmt.Errorf("set up encoder (%d to %d): %w", set[0], set[1], err)
		}
	}
	return e, nil
}

// Encode makes a packet of 2.5, 5, 10, 20, 40 or 60 ms of sound, and returns its length. MaxPacket bytes always suffice for up
// to 20 ms; in less room it makes a shorter packet.
func (e *Encoder) Encode(pcm []float32, packet []byte) (int, error) {
	if len(pcm) == 0 || len(pcm) > MaxFrame*e.channels || len(pcm)%e.channels != 0 {
		return 0, CodeError(-1)
	}
	e.instance.putPCM(pcm)
	n, err := e.instance.call(e.instance.encode, e.at, e.instance.pcm, uint32(len(pcm)/e.channels), e.instance.packet,
		uint32(min(len(packet), maxInput)))
	if err != nil {
		return 0, err
	}
	if made, ok := e.instance.memory.Read(e.instance.packet, uint32(n)); ok {
		copy(packet, made)
	}
	return n, nil
}

// SetIndependent makes packets that a decoder understands without those before (true), or shorter ones (false, as at first).
func (e *Encoder) SetIndependent(independent bool) error {
	if independent == e.independent {
		return nil
	}
	e.independent = independent
	_, err := e.instance.call(e.instance.encoderSet, e.at, setPredictionDisabled, bit(independent))
	return err
}

// Reset makes it as if nothing had been encoded.
func (e *Encoder) Reset() error {
	_, err := e.instance.call(e.instance.encoderReset, e.at)
	return err
}

// Close frees the encoder. It must not be used afterwards.
func (e *Encoder) Close() { e.instance.free(e.at) }

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// errRoom is returned for a buffer that sound does not fit in.
var errRoom = errors.New("opus: buffer for sound has a wrong length")
