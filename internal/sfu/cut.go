package sfu

// cut is which part of a layer a forwarder passes on. It changes only where a decoder can follow.
type cut struct {
	temporal int8 // up to this temporal layer flows
	wanted   int8 // up to this one from the next point on where that is possible
}

// restart begins with a keyframe, from which on everything is possible.
func (c *cut) restart() { c.temporal = c.wanted }

// passes reports whether a packet is passed on. What is not the newest so far changes nothing.
func (c *cut) passes(p *onward, newest bool) bool {
	v := &p.vp8
	tid := int8(v.TemporalID)
	if newest && v.Start {
		switch {
		case c.wanted < c.temporal:
			c.temporal = c.wanted
		case tid == c.temporal+1 && tid <= c.wanted && v.Sync:
			c.temporal = tid
		}
	}
	return tid <= c.temporal
}
