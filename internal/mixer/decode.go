package mixer

import (
	"errors"

	"github.com/rotunda-rtc/rotunda/internal/opus"
)

// fill decodes, or makes up, until there are so many samples.
func (s *source) fill(samples int64) error {
	for {
		missing := samples - int64(len(s.pcm)-reach)
		if missing <= 0 {
			return nil
		}
		s.dropLate()
		var err error
		switch gap := s.gap(); {
		case gap < 0:
			err = s.starve(missing)
		case gap == 0:
			err = s.decode()
		case s.decoded && s.held[0].number > s.number+1:
			err = s.bridge(gap)
		default:
			s.pause(min(gap, missing)) // nothing was sent (DTX)
		}
		if err != nil {
			return err
		}
	}
}

// gap is how far the first packet held is from what is decoded, or below 0 if there is none.
func (s *source) gap() int64 {
	if len(s.held) == 0 {
		return -1
	}
	return max(s.held[0].from-s.next(), 0)
}

// dropLate lets go of packets whose time is over. But what comes late when there was nothing else to play, is played late.
func (s *source) dropLate() {
	for len(s.held) > 0 && s.held[0].from < s.next() {
		p := s.held[0]
		if s.starved > 0 && p.from+s.starved >= s.next() {
			s.head -= s.next() - p.from
			return
		}
		if p.until() > s.next() {
			return
		}
		s.counts.Late.Add(1)
		s.drop()
	}
}

// decode decodes the first packet held. Of one that overlaps what was played, as after a jump, only the rest is used.
func (s *source) decode() error {
	p := s.held[0]
	overlap := s.next() - p.from
	defer s.drop()
	s.number, s.decoded = p.number, true
	got, err := s.decoder.Decode(p.payload(), s.extend(int(p.duration)))
	if err != nil {
		s.shorten(int(p.duration))
		return s.patch(err, p.duration)
	}
	s.shorten(int(p.duration) - got)
	s.counts.Decoded.Add(1)
	s.tame(got)
	s.starved = 0
	if overlap := min(int(overlap), got); overlap > 0 {
		n := len(s.pcm)
		copy(s.pcm[n-got:], s.pcm[n-got+overlap:])
		s.shorten(overlap)
	}
	return nil
}

// patch conceals a packet that cannot be decoded, and passes on what is worse.
func (s *source) patch(err error, duration int64) error {
	var code opus.CodeError
	if !errors.As(err, &code) {
		return err
	}
	s.counts.Broken.Add(1)
	return s.conceal(duration)
}

// bridge fills the gap that lost packets leave before the first packet held: the end of it from the copy that packet has of the one before.
func (s *source) bridge(gap int64) error {
	p := s.held[0]
	if gap > p.duration {
		return s.conceal(min(gap-p.duration, frameSize))
	}
	if gap < granularity || s.starved >= concealed {
		s.pause(gap)
		return nil
	}
	n := int(gap - gap%granularity)
	err := s.decoder.Recover(p.payload(), s.extend(n))
	if err != nil {
		s.shorten(n)
		return s.patch(err, int64(n))
	}
	s.counts.Recovered.Add(1)
	s.tame(n)
	s.starved = 0
	return nil
}

// starve makes up for what did not come.
func (s *source) starve(missing int64) error {
	if s.next() >= s.heardOver+quietAfter || !s.decoded {
		s.pause(missing)
		return nil
	}
	return s.conceal(missing)
}

// conceal makes up sound like what was before, which fades away.
func (s *source) conceal(samples int64) error {
	if s.starved >= concealed {
		s.pause(samples)
		return nil
	}
	n := int(samples+granularity-1) / granularity * granularity
	if err := s.decoder.Conceal(s.extend(n)); err != nil {
		s.shorten(n)
		var code opus.CodeError
		if !errors.As(err, &code) {
			return err
		}
		s.pause(samples)
		return nil
	}
	s.counts.Concealed.Add(1)
	s.tame(n)
	s.starved += int64(n)
	return nil
}

// pause adds silence.
func (s *source) pause(samples int64) {
	clear(s.extend(int(samples)))
	s.starved += samples
}

func (s *source) extend(samples int) []float32 {
	n := len(s.pcm)
	if cap(s.pcm) < n+samples {
		s.pcm = append(make([]float32, 0, 2*(n+samples)), s.pcm...)
	}
	s.pcm = s.pcm[:n+samples]
	return s.pcm[n:]
}

func (s *source) shorten(samples int) { s.pcm = s.pcm[:len(s.pcm)-samples] }

// tame makes numbers within reason of the last samples. What a peer made up can decode to anything.
func (s *source) tame(samples int) {
	for i, v := range s.pcm[len(s.pcm)-samples:] {
		if !(v >= -2 && v <= 2) {
			s.pcm[len(s.pcm)-samples+i] = tamed(v)
		}
	}
}

func tamed(v float32) float32 {
	switch {
	case v > 2:
		return 2
	case v < -2:
		return -2
	default:
		return 0 // not a number
	}
}
