package sfu

// Layers within one RTP source are told apart up to these. What has more counts as the last.
const (
	maxSpatial  = 4
	maxTemporal = 4
)

// rateMemory is the time over which bit rates are evened out (ns).
const rateMemory = 1e9

// composition is what a layer is made of: how much of it belongs to which spatial and temporal layer. It is guarded by router.media.
type composition struct {
	parts   [maxSpatial][maxTemporal]part
	spatial int8             // the highest spatial layer there was
	highest [maxSpatial]int8 // the highest temporal layer of each there was
	at      int64            // when the rates were taken (ns)
}

// part is one spatial and temporal layer.
type part struct {
	octets int64 // since the rates were taken
	rate   int64 // bit/s
}

// count adds a packet of these layers.
func (c *composition) count(spatial, temporal uint8, octets int) {
	s, t := min(spatial, maxSpatial-1), min(temporal, maxTemporal-1)
	c.parts[s][t].octets += int64(octets)
	if int8(t) > c.highest[s] {
		c.highest[s] = int8(t)
	}
	if int8(s) > c.spatial {
		c.spatial = int8(s)
	}
}

// measure brings the rates up to date.
func (c *composition) measure(now int64) {
	passed := now - c.at
	if c.at == 0 || passed <= 0 {
		c.at = now
		return
	}
	weight := min(float64(passed)/rateMemory, 1)
	for s := range c.parts[:c.spatial+1] {
		for t := range c.parts[s] {
			p := &c.parts[s][t]
			current := float64(p.octets) * 8e9 / float64(passed)
			p.rate += int64((current - float64(p.rate)) * weight)
			p.octets = 0
		}
	}
	c.at = now
}

// bitrate returns what it takes to send a spatial layer up to this temporal layer (bit/s).
func (c *composition) bitrate(spatial, temporal int8) int64 {
	sum := int64(0)
	for t := range temporal + 1 {
		sum += c.parts[spatial][t].rate
	}
	return sum
}
