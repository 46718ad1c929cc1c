package sfu

import (
	"encoding/binary"
	"math"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What is shed goes by rank: each track has one, and each line among those that take the same track, drawn when they are made.
// The lines are given up track by track as the level rises, those of one track one after another. A track that all its lines
// have given up is passed over before it is decrypted: where few share a publisher that is a good part of what it costs.
const (
	// allRanks is one more than the highest rank, and the level at which nobody gets any video.
	allRanks = math.MaxUint8 + 1
	// skipAtMost is for how long the packets of a layer are passed over at most (ns); then one is decrypted, which tells the
	// rollover counter (RFC 3711 section 3.3.1) and that the layer is still sent.
	skipAtMost = 250e6
	// censusTime is the time over which tracks are counted (ns).
	censusTime = 500e6
)

// shedding says which lines get no video at present. The zero value gives none up.
type shedding struct {
	level  int // of allRanks
	spread int // levels from the first to the last line of a track
}

// line reports whether a line of this rank is given up, of a track of that rank.
func (s shedding) line(track, line int) bool {
	return s.level > 0 && (track*(allRanks-s.spread)+line*s.spread)/allRanks < s.level
}

// track reports whether all lines are given up that there may be of a track of this rank.
func (s shedding) track(track int) bool { return s.line(track, allRanks-1) }

// census counts the video tracks that arrive at one reader.
type census struct {
	since  int64 // also what tells one census from the next
	tracks int   // so far
	last   int   // of the one before
}

// count counts a track, once in each census.
func (c *census) count(t *track) {
	if t.census != c.since && t.kind == video.Video {
		t.census = c.since
		c.tracks++
	}
}

// shedding returns what is given up at a level.
func (c *census) shedding(level int, now int64) shedding {
	if now-c.since >= censusTime {
		c.since, c.last, c.tracks = now, c.tracks, 0
	}
	return shedding{level: level, spread: allRanks / max(c.last, 1)}
}

// skip passes over an encrypted packet of a track that nobody gets at present, and reports whether it did. All it reads is in the
// clear, and nobody has vouched for it: whoever can forge that could as well take the packets off the wire. The client's bandwidth
// estimator is told that the packet came, as it did. A track that is recorded is not passed over, and neither are retransmissions,
// which are few. Called with router.media held.
func (in *inbound) skip(b []byte, a *arrival, now int64) bool {
	h, ok := packet.ParseHeader(b)
	if !ok {
		return false
	}
	src, ok := in.sources[h.SSRC]
	if !ok || src.repair {
		return false
	}
	l := src.layer
	if l.track.kind != video.Video || !a.batch.shedding.track(l.track.shedRank) || l.track.tap.Load() != nil || now-l.heard.Load() >= skipAtMost {
		return false
	}
	if in.twcc != nil {
		if ext := h.Extension(b, in.seq); len(ext) >= 2 {
			in.twcc.Record(h.SSRC, binary.BigEndian.Uint16(ext), (now-a.waited)/1000)
		}
	}
	a.census.count(l.track)
	l.skip()
	a.batch.received++
	a.batch.shed += l.misses
	return true
}

// skip notes that a packet of the layer is passed over. Those who were watching it go on with a keyframe.
func (l *layer) skip() {
	l.reception.Skip()
	l.skipped++
	if l.skipped > 1 {
		return
	}
	l.keyNumber, l.misses = 0, 0 // what follows the keyframe has a hole
	for _, f := range *l.track.sinks.Load() {
		f.shed = true
		if f.current == l {
			f.fresh = true
			l.misses++
		}
	}
}
