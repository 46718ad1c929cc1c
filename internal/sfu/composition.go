package sfu

// Layers within one RTP source are told apart up to these. What has more counts as the last.
const (
	maxSpatial  = 4
	maxTemporal = 4
)

const (
	// rateMemory is the time over which bit rates are evened out (ns).
	rateMemory = 1e9
	// missingPictures is in how many pictures a layer may be missing before it counts as not sent.
	missingPictures = 4
)

// composition is what a layer is made of: how much of it belongs to which spatial and temporal layer. It is guarded by router.media.
type composition struct {
	parts    [maxSpatial][maxTemporal]part
	spatial  int8               // the highest spatial layer
	highest  [maxSpatial]int8   // the highest temporal layer of each there was
	width    [maxSpatial]int    // of its picture, 0 if unknown
	height   [maxSpatial]int    //
	pictures uint32             // how many came
	seen     [maxSpatial]uint32 // with which of them each spatial layer came last
	apart    bool               // spatial layers need each other at keyframes only
	at       int64              // when the rates were taken (ns)
}

// part is one spatial and temporal layer. Of some of it higher spatial layers are predicted.
type part struct {
	octets, octetsAbove int64 // since the rates were taken
	rate, rateAbove     int64 // bit/s
}

// count adds a packet.
func (c *composition) count(p *onward, octets int) {
	s, t := min(p.spatial, maxSpatial-1), min(p.temporal, maxTemporal-1)
	part := &c.parts[s][t]
	part.octets += int64(octets)
	if p.above {
		part.octetsAbove += int64(octets)
	}
	c.highest[s], c.spatial = max(c.highest[s], int8(t)), max(c.spatial, int8(s))
	c.seen[s] = c.pictures
	if c.spatial > 0 && s == 0 && p.starts && !p.keyframe {
		c.apart = !p.above
	}
	if p.header.Marker {
		c.pictures++
	}
}

// resize takes over how many spatial layers there are, and how large. 0 is unknown.
func (c *composition) resize(layers int, size func(layer int) (width, height int)) {
	c.spatial = int8(min(layers, maxSpatial) - 1)
	for s := range c.spatial + 1 {
		width, height := size(int(s))
		if width != 0 && height != 0 && (width != c.width[s] || height != c.height[s]) {
			clear(c.width[s:]) // what is larger will be of another size too
			clear(c.height[s:])
			c.width[s], c.height[s] = width, height
		}
	}
}

// sends reports whether a spatial layer is sent at present.
func (c *composition) sends(spatial int8) bool {
	return spatial <= c.spatial && c.pictures-c.seen[spatial] <= missingPictures
}

// measure brings the rates up to date.
func (c *composition) measure(now int64) {
	passed := now - c.at
	if c.at == 0 || passed <= 0 {
		c.at = now
		return
	}
	weight := min(float64(passed)/rateMemory, 1)
	even := func(rate *int64, octets *int64) {
		*rate += int64((float64(*octets)*8e9/float64(passed) - float64(*rate)) * weight)
		*octets = 0
	}
	for s := range c.parts {
		for t := range c.parts[s] {
			p := &c.parts[s][t]
			even(&p.rate, &p.octets)
			even(&p.rateAbove, &p.octetsAbove)
		}
	}
	c.at = now
}

// bitrate returns what it takes to send a spatial layer up to this temporal layer, with what it needs of the layers below (bit/s).
func (c *composition) bitrate(spatial, temporal int8) int64 {
	sum := int64(0)
	for t := range temporal + 1 {
		sum += c.parts[spatial][t].rate
		for below := range spatial {
			sum += c.parts[below][t].rateAbove
		}
	}
	return sum
}
