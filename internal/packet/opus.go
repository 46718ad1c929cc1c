package packet

import "time"

// opusFrames: each packet is a frame (RFC 7587 section 4.2), and a decoder can start at any.
type opusFrames struct{}

func (opusFrames) begins([]byte) (can, certain bool) { return true, true }

func (opusFrames) add(p []byte, f *Frame) bool {
	f.Data = append(f.Data, p...)
	f.Keyframe = true
	return true
}

func (opusFrames) end(*Frame) bool { return true }

// OpusDuration reads how much sound a packet of Opus holds (RFC 6716 section 3.1), or 0 if it is none.
func OpusDuration(p []byte) time.Duration {
	if len(p) == 0 {
		return 0
	}
	var one time.Duration
	switch config := p[0] >> 3; {
	case config < 12: // SILK
		one = [...]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16: // hybrid
		one = [...]time.Duration{10, 20}[config&1] * time.Millisecond
	default: // CELT
		one = 2500 * time.Microsecond << (config & 3)
	}
	frames := 2
	switch p[0] & 3 {
	case 0:
		frames = 1
	case 3:
		if len(p) < 2 {
			return 0
		}
		frames = int(p[1] & 0x3f)
	}
	if whole := one * time.Duration(frames); whole <= 120*time.Millisecond {
		return whole
	}
	return 0
}
