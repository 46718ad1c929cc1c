package sfu

import "github.com/rotunda-rtc/rotunda/internal/packet"

// cut is which part of a layer a forwarder passes on. It changes only where a decoder can follow.
type cut struct {
	spatial, temporal             int8 // up to these layers flow
	wantedSpatial, wantedTemporal int8 // up to these from the next point on where that is possible

	picture uint32 // VP9: timestamp of the latest picture
	holes   uint8  // VP9: spatial layers of which something was left out since the last keyframe; a bit each

	frames frameLog // with dependency descriptors: what was passed on
}

// restart begins with a keyframe, from which on everything is possible.
func (c *cut) restart() {
	c.spatial, c.temporal, c.holes = c.wantedSpatial, c.wantedTemporal, 0
	c.frames = frameLog{}
}

// passes reports whether a packet is passed on. What is not the newest so far changes nothing.
func (c *cut) passes(p *onward, newest bool) bool {
	switch {
	case p.described:
		return c.passesFrame(p, newest)
	case p.format.codec == vp9:
		return c.passesVP9(p, newest)
	}
	return c.passesVP8(&p.vp8, newest)
}

// ends reports whether a packet is the last of its picture as it is passed on.
func (c *cut) ends(p *onward) bool {
	if p.header.Marker || !p.ends {
		return p.header.Marker
	}
	top := min(c.spatial, p.layer.made.spatial)
	if p.described {
		top, _ = p.layer.structure.Layers(p.layer.structure.Target(c.spatial, c.temporal))
	}
	return int8(p.spatial) == top
}

// passesVP8 takes a higher temporal layer up where a picture of it needs the base layer only.
func (c *cut) passesVP8(v *packet.VP8, newest bool) bool {
	tid := int8(v.TemporalID)
	if newest && v.Start {
		switch {
		case c.wantedTemporal < c.temporal:
			c.temporal = c.wantedTemporal
		case tid == c.temporal+1 && tid <= c.wantedTemporal && v.Sync:
			c.temporal = tid
		}
	}
	return tid <= c.temporal
}

// passesVP9 takes a higher spatial layer up at keyframes, and goes down where nothing of the lower one was left out. A layer below
// the one that is shown is passed on if that needs it.
func (c *cut) passesVP9(p *onward, newest bool) bool {
	if newest && p.header.Timestamp != c.picture {
		c.picture = p.header.Timestamp
		c.temporal = min(c.temporal, c.wantedTemporal)
		if c.wantedSpatial < c.spatial && c.holes&(1<<c.wantedSpatial) == 0 {
			c.spatial = c.wantedSpatial
		}
	}
	if newest && p.keyframe {
		c.spatial, c.temporal, c.holes = c.wantedSpatial, c.wantedTemporal, 0
	}
	top := min(c.spatial, p.layer.made.spatial)
	sid, tid := int8(p.spatial), int8(p.temporal)
	if tid > c.temporal {
		return false
	}
	if newest && p.vp9.SwitchUp {
		c.temporal = c.wantedTemporal
	}
	if sid == top || sid < top && p.above {
		return true
	}
	if sid < top {
		c.holes |= 1 << sid
	}
	return false
}

// passesFrame goes by decode targets. To another one it changes at a frame that says so, if what that frame needs was passed on; to
// one of fewer pictures a second at any frame.
func (c *cut) passesFrame(p *onward, newest bool) bool {
	d, s := &p.dependency, p.layer.structure
	if passed, known := c.frames.passed(d.Frame); known {
		return passed
	}
	current := s.Target(c.spatial, c.temporal)
	if wanted := s.Target(c.wantedSpatial, c.wantedTemporal); newest && wanted != current && wanted >= 0 {
		from, _ := s.Layers(max(current, 0))
		to, temporal := s.Layers(wanted)
		fewer := current >= 0 && from == to && temporal < c.temporal
		if fewer || d.For(wanted) == packet.SwitchPoint && c.frames.decodable(d) {
			c.spatial, c.temporal = c.wantedSpatial, c.wantedTemporal
			current = wanted
		}
	}
	passes := d.For(current) != packet.NotPresent
	c.frames.note(d.Frame, passes)
	return passes
}

// loggedFrames is how many frames back it is known what was passed on.
const loggedFrames = 256

// frameLog says of the latest frames whether they are passed on, by their numbers.
type frameLog struct {
	begun        bool
	newest       uint16
	known, taken [loggedFrames / 64]uint64
}

func (l *frameLog) passed(frame uint16) (passed, known bool) {
	if !l.begun || l.newest-frame >= loggedFrames {
		return false, false
	}
	word, bit := frame%loggedFrames/64, uint64(1)<<(frame%64)
	return l.taken[word]&bit != 0, l.known[word]&bit != 0
}

// note notes a frame. One that is too old is not noted.
func (l *frameLog) note(frame uint16, passed bool) {
	switch ahead := int16(frame - l.newest); {
	case !l.begun || ahead >= loggedFrames:
		*l = frameLog{begun: true, newest: frame}
	case ahead > 0:
		for n := l.newest + 1; n != frame+1; n++ {
			word, bit := n%loggedFrames/64, uint64(1)<<(n%64)
			l.known[word] &^= bit
			l.taken[word] &^= bit
		}
		l.newest = frame
	case ahead <= -loggedFrames:
		return
	}
	word, bit := frame%loggedFrames/64, uint64(1)<<(frame%64)
	l.known[word] |= bit
	if passed {
		l.taken[word] |= bit
	}
}

// decodable reports whether all that a frame is predicted from was passed on.
func (l *frameLog) decodable(d *packet.Dependency) bool {
	for _, diff := range d.Needs() {
		if passed, _ := l.passed(d.Frame - diff); !passed {
			return false
		}
	}
	return true
}
