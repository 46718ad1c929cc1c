package mixer

import "github.com/rotunda-rtc/rotunda/internal/opus"

const (
	trailing = 5  // frames of silence that are sent after the last sound
	reminder = 20 // of those after them, one in so many is sent: every 400 ms, as with DTX
)

// output is one mix and its encoder. All listeners who hear the same share one. It belongs to the mix loop.
type output struct {
	config  opus.EncoderConfig
	counts  *Counts
	encoder *opus.Encoder
	limiter limiter
	sound   [frameSize]float32 // of the last frame, as it was encoded
	silence int                // frames since the last sound
	idle    bool               // nothing was encoded in the last frame
	packet  [opus.MaxPacket]byte
	size    int  // of the packet of this frame, 0 if nothing is sent
	marker  bool // it is the first after a pause
}

// follow makes o go on where another one is, so that who listened to that hears no seam: decoders expect what follows to fit.
func (o *output) follow(instance *opus.Instance, other *output) error {
	o.limiter, o.sound, o.silence, o.idle = other.limiter, other.sound, other.silence, other.idle
	if err := o.ready(instance); err != nil {
		return err
	}
	if err := o.encoder.Reset(); err != nil {
		return err
	}
	_, err := o.encode()
	return err
}

func (o *output) ready(instance *opus.Instance) (err error) {
	if o.encoder == nil {
		o.encoder, err = instance.NewEncoder(o.config)
	}
	return err
}

// mix makes the packet of a frame out of all sound but that of one participant (nil: of nobody). If the listeners
// changed, it makes one that can be decoded without those before.
func (o *output) mix(instance *opus.Instance, all *[frameSize]float32, but *participant, changed bool) error {
	o.sound = *all
	if but != nil && but.sounds {
		for i, v := range but.sound {
			o.sound[i] -= v
		}
	}
	if o.limiter.limit(o.sound[:]) {
		o.silence++
	} else {
		o.silence = 0
	}
	if o.silence > trailing && (o.silence-trailing)%reminder != 0 {
		o.size, o.idle = 0, true
		return nil
	}
	o.marker, o.idle = o.idle, false
	if err := o.ready(instance); err != nil {
		return err
	}
	if err := o.encoder.SetIndependent(changed); err != nil {
		return err
	}
	size, err := o.encode()
	o.size = size
	return err
}

func (o *output) encode() (int, error) {
	o.counts.Encoded.Add(1)
	return o.encoder.Encode(o.sound[:], o.packet[:])
}
