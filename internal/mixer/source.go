package mixer

import (
	"time"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

const (
	quietLevel = 60                // -dBov from which on a packet is not worth decoding
	quietAfter = 300 * millisecond // of quiet packets, after which they are no longer decoded
	concealed  = 100 * millisecond // what is made up at most for what does not come
	starvedFor = 200 * millisecond // after which a source is taken for silent

	jumpOver    = 500 * millisecond // of timestamps against arrivals, from which on the source is taken to have begun anew
	excess      = 100 * millisecond // of delay, from which on sound is left out
	steerFrom   = 10 * millisecond  // of too much delay, from which on it is corrected
	steerEarly  = 2 * millisecond   // of too little
	steerUntil  = millisecond
	granularity = opus.SampleRate / 400 // concealment is made in steps of 2.5 ms
)

// source turns the packets of one track into frames of the mix. It belongs to the mix loop.
type source struct {
	queue   *queue
	counts  *Counts
	decoder *opus.Decoder
	on      bool
	refused bool // it broke the instance: nothing of this track is decoded any more

	// The jitter buffer.
	held      []*slot // by timestamp
	track     int     // which of the queue's tracks
	begun     bool    // a packet of it came
	extended  int64   // timestamp of the latest
	highest   int64   // number of the latest
	delay     delay
	heardOver int64 // timestamp up to which there is something to hear

	// What is played.
	playing  bool
	pcm      []float32 // reach samples that were played, and those to be played next
	head     int64     // timestamp of the first of these
	number   int64     // of the packet decoded last
	decoded  bool      // there is such a packet
	starved  int64     // samples since then
	steering bool
	loudness float32 // gain at the end of the last frame: goes to 0 or 1 within a frame
}

func newSource(c *Counts) *source {
	return &source{queue: newQueue(), counts: c, on: true, pcm: make([]float32, reach, reach+opus.MaxFrame+2*frameSize), held: make([]*slot, 0, slots)}
}

// receive takes what came since the last frame. epoch is when the time of the mix began (ns).
func (s *source) receive(epoch int64) {
	first, dropped := s.queue.takeAll()
	s.counts.Dropped.Add(dropped)
	for p := first; p != nil; {
		next := p.next
		s.insert(p, epoch)
		p = next
	}
}

// insert puts a packet in its place, unless it is there already.
func (s *source) insert(p *slot, epoch int64) {
	p.duration = int64(packet.OpusDuration(p.payload()) * opus.SampleRate / time.Second)
	if p.duration == 0 || s.refused && p.source == s.track {
		s.queue.release(p)
		return
	}
	arrived := (p.arrived - epoch) * 6 / 125_000
	p.from = s.extended + int64(int32(p.timestamp-uint32(s.extended)))
	if s.isAnother(p, arrived) {
		s.restart()
		s.track, s.begun, s.refused = p.source, true, false
		s.extended, s.highest = p.from, p.number-1
	}
	if s.decoded && p.number <= s.number || s.has(p.number) {
		s.queue.release(p)
		return
	}
	s.measure(p, arrived)
	p.audible = p.size > 2 && (!p.hasLevel || p.level < quietLevel) // up to 2 bytes are DTX
	if p.audible {
		s.heardOver = max(s.heardOver, p.until())
	}
	for len(s.held) >= slots-spare {
		s.counts.Dropped.Add(1)
		s.drop()
	}
	s.held = append(s.held, p)
	for i := len(s.held) - 1; i > 0 && s.held[i-1].from > p.from; i-- {
		s.held[i-1], s.held[i] = s.held[i], s.held[i-1]
	}
}

// isAnother reports whether a packet has nothing to do with those before: the track was replaced, or its sender began anew.
func (s *source) isAnother(p *slot, arrived int64) bool {
	if !s.begun || p.source != s.track {
		return true
	}
	off := arrived - p.from - s.delay.base()
	return off > jumpOver || off < -jumpOver || p.number-s.highest > 1000 || p.number-s.highest < -1000
}

func (s *source) has(number int64) bool {
	for _, h := range s.held {
		if h.number == number {
			return true
		}
	}
	return false
}

// measure tells the delay of a packet. One that got lost comes, in a way, with its successor, which holds a copy of it.
func (s *source) measure(p *slot, arrived int64) {
	transit := arrived - p.from
	if p.number > s.highest {
		if p.number > s.highest+1 {
			s.delay.hear(arrived, transit, p.duration)
		}
		s.highest, s.extended = p.number, p.from
	}
	s.delay.hear(arrived, transit, 0)
}

func (s *source) drop() {
	s.queue.release(s.held[0])
	s.held = s.held[:copy(s.held, s.held[1:])]
}

// restart forgets the track so far.
func (s *source) restart() {
	for len(s.held) > 0 {
		s.drop()
	}
	s.rest()
	s.delay, s.decoded, s.begun = delay{}, false, false
	s.heardOver = -never
}

// rest ends playing, until there is something to hear.
func (s *source) rest() {
	s.playing, s.steering, s.starved, s.loudness = false, false, 0, 0
	s.pcm = s.pcm[:reach]
	clear(s.pcm)
}

// play makes the frame of the mix that begins at now, and reports whether there is anything to hear in it.
func (s *source) play(instance *opus.Instance, now int64, heard bool, frame []float32) (bool, error) {
	if !s.begun || !heard && s.loudness == 0 {
		s.discard(now)
		return false, nil
	}
	if !s.playing && !s.begin(now) {
		return false, nil
	}
	if err := s.ready(instance); err != nil {
		return false, err
	}
	if late := now - s.head - s.delay.target(); late > excess {
		s.skip(late)
	}
	step, err := s.steer(now)
	if err == nil {
		err = s.fill(int64(len(frame) + step))
	}
	if err != nil {
		return false, err
	}
	if step == 0 {
		copy(frame, s.pcm[reach:])
	} else {
		stretch(frame, s.pcm, step)
	}
	s.consume(len(frame) + step)
	s.fade(frame, heard)
	if s.starved >= starvedFor || s.head >= s.heardOver+quietAfter {
		s.rest()
	}
	return true, nil
}

// discard lets go of what is over while nothing is played.
func (s *source) discard(now int64) {
	if s.playing {
		s.rest()
	}
	for len(s.held) > 0 && s.held[0].until() <= now-s.delay.target() {
		s.number, s.decoded = max(s.number, s.held[0].number), true
		s.drop()
	}
}

// begin starts playing if something that can be heard is there and its time has come. What comes before it in the buffer is
// played too, so the beginning of a word is not cut off.
func (s *source) begin(now int64) bool {
	s.head = now - s.delay.target()
	first := -1
	for i, p := range s.held {
		if p.audible {
			first = i
			break
		}
	}
	if first < 0 {
		s.discard(now)
		return false
	}
	for len(s.held) > 1 && s.held[0].until() <= s.head {
		s.drop()
	}
	if s.held[0].from >= s.head+frameSize {
		return false
	}
	if s.held[0].until() <= s.head {
		s.head = s.held[0].from // what is late is heard as well
	}
	s.playing = true
	s.number, s.decoded = s.held[0].number-1, true // what was missed before is no loss
	return true
}

func (s *source) ready(instance *opus.Instance) (err error) {
	if s.decoder == nil {
		s.decoder, err = instance.NewDecoder(1)
	} else if s.loudness == 0 {
		err = s.decoder.Reset()
	}
	return err
}

// skip leaves out sound, because it would be heard much later than it must.
func (s *source) skip(samples int64) {
	s.counts.Skipped.Add(1)
	s.head += samples
	s.starved = 0
	if n := int64(len(s.pcm) - reach); n > samples {
		s.pcm = s.pcm[:copy(s.pcm, s.pcm[samples:])]
	} else {
		s.pcm = s.pcm[:reach]
		clear(s.pcm)
	}
}

// steer says by how many samples the sound of the next frame is to be shortened (or, below 0, stretched), so that delay becomes what it should be:
// the sender's clock may run differently, and networks change.
func (s *source) steer(now int64) (int, error) {
	off := now - s.head - s.delay.target()
	far := max(off, -off)
	s.steering = off > steerFrom || -off > steerEarly || s.steering && far > steerUntil
	if !s.steering {
		return 0, nil
	}
	step := int(min(far/(3*millisecond)+1, maxStep))
	if off < 0 {
		step = -step
	}
	// The filter looks ahead, at what is not worth making up.
	for wanted := frameSize + step + reach; len(s.pcm)-reach < wanted; {
		if len(s.held) == 0 || s.held[0].from != s.next() {
			return 0, nil
		}
		if err := s.decode(); err != nil {
			return 0, err
		}
	}
	return step, nil
}

// next is the timestamp of the first sample that is still to be decoded.
func (s *source) next() int64 { return s.head + int64(len(s.pcm)-reach) }

func (s *source) consume(samples int) {
	s.pcm = s.pcm[:copy(s.pcm, s.pcm[samples:])]
	s.head += int64(samples)
}

// fade avoids clicks where a source is switched on or off.
func (s *source) fade(frame []float32, heard bool) {
	from, to := s.loudness, float32(0)
	if heard {
		to = 1
	}
	s.loudness = to
	if from == to {
		return
	}
	// A beginning must not be softened more than needed.
	steps := 5 * millisecond
	if !heard {
		steps = len(frame)
	}
	for i := range steps {
		frame[i] *= from + (to-from)*float32(i)/float32(steps)
	}
}

// close lets go of the decoder.
func (s *source) close() {
	if s.decoder != nil {
		s.decoder.Close()
		s.decoder = nil
	}
}
