package packet

// Silence is the lowest audio level (RFC 6464), in -dBov: digital silence.
const Silence = 127

// ParseLevel reads the audio level extension (RFC 6464 section 3): how loud the packet is, in -dBov from 0 (loudest) to
// Silence. Its voice activity flag is not used: browsers set it on almost every packet.
func ParseLevel(extension []byte) (level uint8, ok bool) {
	if len(extension) == 0 {
		return 0, false
	}
	return extension[0] & 0x7f, true
}

// How speech is told from noise. Levels are in 1/256 dB above digital silence, times in ms.
const (
	decibel = 256

	speechFrom = (Silence - 50) * decibel // a packet this loud may be speech
	speechOn   = (Silence - 56) * decibel // may still be, while somebody speaks
	aboveNoise = 10 * decibel             // and it must be so much above the background
	aboveOn    = 6 * decibel
	noiseMin   = (Silence - 66) * decibel // what the background is taken for at least, and at first
	noiseMax   = (Silence - 46) * decibel // at most: what is 10 dB louder is heard whatever was before
	noiseRise  = 3 * decibel              // how fast it is believed to rise, per second

	speechStarts = 200  // evidence that makes somebody a speaker
	speechEnds   = 1000 // silence after which one no longer is

	longestPacket = 120       // of Opus; a longer step of time is a pause in which nothing was sent
	packetJitter  = 100 * 1e6 // ns that a packet may come late without being missed
)

// Voice tells from the audio levels of one source whether somebody speaks there, and how loud. Loud packets are evidence
// for it, others against it: it takes about 200 ms of sound to become a speaker, so that a click or a short cough makes
// none, and a second of silence to be one no more, so that the pauses in speech end nothing. The zero value is silent.
type Voice struct {
	heard     bool
	speaks    bool
	score     int32 // ms of evidence
	noise     int32 // level of the background
	loudness  int32 // level of the sound, quick to rise and slow to fall
	number    uint64
	timestamp uint32
	at        int64 // when the last packet came (ns)
}

// Hear takes the level (-dBov) of a packet that came at now (ns), whose timestamp runs at rate (Hz). It reports whether the
// packet is loud enough to be speech. Packets that come late or twice change nothing.
func (v *Voice) Hear(level uint8, number uint64, timestamp, rate uint32, now int64) (loud bool) {
	sound := (Silence - int32(level)) * decibel
	if !v.heard {
		*v = Voice{heard: true, noise: noiseMin, number: number - 1, timestamp: timestamp - rate/50}
	}
	if number <= v.number {
		return false
	}
	// The time since the last packet is shared out among those that got lost, which are neither for nor against.
	step := int32(min(uint64(timestamp-v.timestamp)*1000/uint64(rate)/(number-v.number), 10_000))
	v.number, v.timestamp, v.at = number, timestamp, now
	if step > longestPacket { // nothing was sent meanwhile (DTX)
		v.count(false, step)
		v.loudness = 0
		step = 20
	}
	loud = v.judge(sound, step)
	v.count(loud, step)
	return loud
}

// judge follows the background and the loudness, and says whether the sound stands out.
func (v *Voice) judge(sound, step int32) bool {
	from, above := int32(speechFrom), int32(aboveNoise)
	if v.speaks {
		from, above = speechOn, aboveOn
	}
	loud := sound >= from && sound >= v.noise+above
	if sound < v.noise {
		v.noise -= (v.noise - sound) / 4
	} else {
		v.noise += noiseRise * step / 1000
	}
	v.noise = min(max(v.noise, noiseMin), noiseMax)
	if sound > v.loudness {
		v.loudness += (sound - v.loudness) / 2
	} else {
		v.loudness -= (v.loudness - sound) / 32
	}
	return loud
}

func (v *Voice) count(loud bool, step int32) {
	switch {
	case v.speaks && loud:
		v.score = min(v.score+2*step, speechEnds)
	case v.speaks:
		v.score -= step
	case loud:
		v.score += step
	default:
		v.score = max(v.score-step*3/4, 0)
	}
	switch {
	case !v.speaks && v.score >= speechStarts:
		v.speaks, v.score = true, speechEnds
	case v.score <= 0:
		v.speaks, v.score = false, 0
	}
}

// Speaks reports whether somebody speaks at this moment (ns). Packets that do not come are silence.
func (v *Voice) Speaks(now int64) bool {
	return v.speaks && int64(v.score)*1e6 > now-v.at-packetJitter
}

// Loudness is how loud the source is, in dB above digital silence: quick to rise, slow to fall.
func (v *Voice) Loudness() int { return int(v.loudness / decibel) }

// Heard reports whether a level was ever told.
func (v *Voice) Heard() bool { return v.heard }
