package quality

import (
	"math"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// longest is the longest time that anything measured can be.
const longest = 24 * time.Hour

// A track's figures are written as a word whose bits say which of them are not 0, and those. Their order is part of the format:
// add at the end only.

// numbers are the figures that are plain numbers.
func numbers(t *video.TrackQuality) [8]*int64 {
	return [8]*int64{&t.Octets, &t.Packets, &t.Lost, &t.Repaired, &t.Width, &t.Height, &t.Frames, &t.Freezes}
}

// times are the figures that are times, and the units they are kept in.
func times(t *video.TrackQuality) [5]*time.Duration {
	return [5]*time.Duration{&t.Frozen, &t.Concealed, &t.Paused, &t.Jitter, &t.RoundTrip}
}

var timeUnits = [5]time.Duration{time.Millisecond, time.Millisecond, time.Millisecond, connectionUnit, connectionUnit}

func (p *packer) figures(t *video.TrackQuality) {
	numbers, times, limit := numbers(t), times(t), placeOf(limitations, t.LimitedBy)
	bits, bit := uint64(0), uint64(1)
	for _, n := range numbers {
		bits, bit = bits|bit*boolWord(*n > 0), bit<<1
	}
	for _, d := range times {
		bits, bit = bits|bit*boolWord(*d > 0), bit<<1
	}
	p.word(bits | bit*boolWord(limit != 0))
	for _, n := range numbers {
		if *n > 0 {
			p.word(uint64(*n))
		}
	}
	for i, d := range times {
		if *d > 0 {
			p.span(*d, timeUnits[i])
		}
	}
	if limit != 0 {
		p.word(limit)
	}
}

func (u *unpacker) figures(t *video.TrackQuality) {
	bits := u.word()
	next := func() bool {
		is := bits&1 != 0
		bits >>= 1
		return is
	}
	for _, n := range numbers(t) {
		if next() {
			*n = int64(min(u.word(), math.MaxInt64))
		}
	}
	for i, d := range times(t) {
		if next() {
			*d = u.span(timeUnits[i])
		}
	}
	if next() {
		t.LimitedBy = wordAt(u, limitations)
	}
}
