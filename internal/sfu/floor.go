package sfu

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// floorHold is how long a source keeps the floor at least, so that two that are equally loud do not take turns (ns).
	floorHold = 1e9
	// floorLead is how much louder one must be to take the floor from somebody who speaks, in dB.
	floorLead = 6

	// Where a source tells no levels a packet counts as sound, as loud as a voice close by (-dBov), if it is longer than Opus makes in
	// silence (bytes) and not much shorter than the longest so far. That one is forgotten by a part for each packet: half in two minutes.
	soundLevel  = 36
	dtxSize     = 2
	soundPart   = 0.4
	sizeForgets = 1.0 / 8192
)

// floor decides whose audio is forwarded in a large session: only so many sources, those that are heard most. Whoever makes a
// sound that stands out gets in with that very packet while there is room, that is, while fewer speak; so no beginning is
// cut off. When all places are taken by people who speak, one must be clearly louder than the quietest of them. Once in, a source stays
// until the place is needed. Of sources that tell no levels the size of their packets is taken for one. It is guarded by router.media.
type floor struct {
	places  int      // 0: everybody is forwarded
	large   int      // up to so many sources everybody is
	crowded bool     // there are more
	holders []*layer // who has the floor
}

// admits hears a packet of audio whose gate is open, and reports whether it is to be forwarded.
func (f *floor) admits(p *onward) bool {
	l := p.layer
	level := p.level
	switch {
	case p.hasLevel:
		l.tellsLevels = true
	case !l.tellsLevels:
		level = l.guessLevel(len(p.payload))
	}
	loud := (p.hasLevel || !l.tellsLevels) && l.voice.Hear(level, p.number, p.header.Timestamp, p.format.clockRate, p.now)
	if !f.crowded || l.since != 0 || loud && f.takes(l, p.now) {
		l.track.held = false
		return true
	}
	if !l.track.held {
		l.track.held = true
		for _, s := range *l.track.sinks.Load() {
			s.interrupt()
		}
	}
	return false
}

// guessLevel returns the level (-dBov) that a packet of so many bytes is taken for: encoders spend less on silence, or send nothing.
// One of a constant bit rate always sounds.
func (l *layer) guessLevel(size int) uint8 {
	l.longest = max(float64(size), l.longest*(1-sizeForgets))
	if size > dtxSize && float64(size) >= soundPart*l.longest {
		return soundLevel
	}
	return packet.Silence
}

// takes gives the floor to a source that is loud, if it can have it.
func (f *floor) takes(l *layer, now int64) bool {
	if len(f.holders) >= f.places {
		quietest := slices.MinFunc(f.holders, func(a, b *layer) int { return a.standing(now) - b.standing(now) })
		speaks := quietest.voice.Speaks(now)
		if speaks && (now-quietest.since < floorHold || l.voice.Loudness() < quietest.voice.Loudness()+floorLead) {
			return false
		}
		f.drop(quietest)
	}
	f.holders = append(f.holders, l)
	l.since = now
	return true
}

// standing orders those who have the floor: first who does not speak, then by loudness.
func (l *layer) standing(now int64) int {
	if l.voice.Speaks(now) {
		return 1000 + l.voice.Loudness()
	}
	return l.voice.Loudness()
}

func (f *floor) drop(l *layer) {
	l.since = 0
	f.holders = slices.DeleteFunc(f.holders, func(other *layer) bool { return other == l })
}

// count counts the open audio of the session, and takes the floor from what is not open any more. Called with router.mu held, and
// router.media.
func (r *router) count() {
	f := &r.floor
	if f.places == 0 {
		return
	}
	open := 0
	for _, s := range r.streams {
		if s.audio != nil && s.audio.open.Load() {
			open++
		}
	}
	f.crowded = open > max(f.large, f.places)
	for _, l := range slices.Clone(f.holders) {
		if !f.crowded || !l.track.open.Load() || !slices.Contains(*l.track.order.Load(), l) {
			f.drop(l)
		}
	}
}

// Voices appends what is heard on the open audio of a session's streams at this moment. Streams whose publisher tells no audio levels
// (RFC 6464) are left out.
func (e *Engine) Voices(session video.SessionID, into []video.Voice) []video.Voice {
	e.mu.RLock()
	r := e.routers[session]
	e.mu.RUnlock()
	if r == nil {
		return into
	}
	now := e.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.media.Lock()
	defer r.media.Unlock()
	for _, s := range r.streams {
		if s.audio == nil || !s.audio.open.Load() {
			continue
		}
		for _, l := range *s.audio.order.Load() {
			if l.tellsLevels && l.voice.Heard() {
				into = append(into, video.Voice{StreamID: s.id, Speaks: l.voice.Speaks(now), Loudness: l.voice.Loudness()})
			}
		}
	}
	return into
}
