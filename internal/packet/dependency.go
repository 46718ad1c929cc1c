package packet

import "encoding/binary"

// Limits of the dependency descriptor (AV1 RTP payload specification, appendix A). They follow from the sizes of its fields, but for
// maxFrameDiffs: encoders refer to eight frames at the most.
const (
	maxTemplates     = 64
	maxDecodeTargets = 32
	maxFrameDiffs    = 8
	// MaxSpatialLayers and MaxTemporalLayers are what AV1 has.
	MaxSpatialLayers  = 4
	MaxTemporalLayers = 8
)

// Indication is what a frame is to a decode target.
type Indication uint8

// What a frame can be to a decode target.
const (
	NotPresent  Indication = iota // the target does without it
	Discardable                   // no other frame of the target needs it
	SwitchPoint                   // whoever can decode it can decode all of the target that follows
	Required
)

// DependencyStructure is the template structure that a stream's dependency descriptors refer to. It comes with keyframes. The zero
// value knows no template.
type DependencyStructure struct {
	Targets int // how many decode targets there are
	Spatial int // how many spatial layers
	// Width and Height of the picture of each spatial layer, 0 if unknown.
	Width, Height [MaxSpatialLayers]int

	offset, templates uint8
	chains            int
	template          [maxTemplates]frameDependencies
	layers            [maxDecodeTargets][2]uint8                // spatial and temporal, of each decode target
	target            [MaxSpatialLayers][MaxTemporalLayers]int8 // the best up to these layers, -1 for none
}

// frameDependencies are what is known of a frame.
type frameDependencies struct {
	spatial, temporal uint8
	indications       uint64 // two bits for each decode target, the first lowest
	diffs             [maxFrameDiffs]uint16
	diffCount         uint8
}

// Dependency is what the dependency descriptor of a packet says of its frame.
type Dependency struct {
	Start, End        bool   // first and last packet of the frame
	Frame             uint16 // its number
	Spatial, Temporal uint8
	Structure         bool // the descriptor brought the structure, which keyframes do
	// HasActive says that Active holds: which decode targets the encoder makes, the first one lowest.
	HasActive bool
	Active    uint32

	indications uint64
	diffs       [maxFrameDiffs]uint16
	diffCount   uint8
}

// For returns what the frame is to this decode target.
func (d *Dependency) For(target int8) Indication {
	if target < 0 || target >= maxDecodeTargets {
		return NotPresent
	}
	return Indication(d.indications >> (2 * target) & 3)
}

// Needs returns how far back in numbers the frames are that this one is predicted from.
func (d *Dependency) Needs() []uint16 { return d.diffs[:d.diffCount] }

// Target returns the best decode target that goes up to these layers at the most, or -1.
func (s *DependencyStructure) Target(spatial, temporal int8) int8 {
	if s.Targets == 0 || spatial < 0 || temporal < 0 {
		return -1
	}
	return s.target[min(spatial, MaxSpatialLayers-1)][min(temporal, MaxTemporalLayers-1)]
}

// Layers returns the highest spatial and temporal layer of a decode target, -1 of none.
func (s *DependencyStructure) Layers(target int8) (spatial, temporal int8) {
	if target < 0 {
		return -1, -1
	}
	return int8(s.layers[target][0]), int8(s.layers[target][1])
}

// NeededAbove reports whether a decode target of a higher spatial layer needs the frame.
func (s *DependencyStructure) NeededAbove(d *Dependency) bool {
	for t := range s.Targets {
		if s.layers[t][0] > d.Spatial && d.For(int8(t)) != NotPresent {
			return true
		}
	}
	return false
}

// Parse reads a dependency descriptor, and takes the structure over that it brings. It reports false if the descriptor is broken or
// refers to a template that is not known, and then the structure is as before.
func (s *DependencyStructure) Parse(b []byte) (Dependency, bool) {
	var d Dependency
	if len(b) < 3 {
		return d, false
	}
	d.Start, d.End = b[0]&0x80 != 0, b[0]&0x40 != 0
	d.Frame = binary.BigEndian.Uint16(b[1:])
	id := b[0] & 0x3f
	if len(b) == 3 {
		return d, d.take(s, id)
	}
	r := bitReader{data: b[3:], plain: true}
	flags := r.bits(5)
	const structure, active, indications, diffs, chains = 16, 8, 4, 2, 1
	known := s
	if flags&structure != 0 {
		var fresh DependencyStructure
		if !fresh.read(&r) {
			return d, false
		}
		known, d.Structure = &fresh, true
		d.HasActive, d.Active = true, uint32(1<<fresh.Targets-1)
	}
	if flags&active != 0 {
		d.HasActive, d.Active = true, r.bits(known.Targets)
	}
	if !d.take(known, id) {
		return d, false
	}
	if flags&indications != 0 {
		d.indications = readIndications(&r, known.Targets)
	}
	if flags&diffs != 0 {
		d.diffCount = 0
		for size := r.bits(2); size > 0 && !r.failed; size = r.bits(2) {
			if d.diffCount == maxFrameDiffs {
				return d, false
			}
			d.diffs[d.diffCount] = uint16(r.bits(4*int(size)) + 1)
			d.diffCount++
		}
	}
	if flags&chains != 0 {
		r.skip(8 * known.chains)
	}
	if r.failed {
		return d, false
	}
	if known != s {
		*s = *known
	}
	return d, true
}

// take fills in what the template says.
func (d *Dependency) take(s *DependencyStructure, id uint8) bool {
	index := (id - s.offset) & 0x3f
	if index >= s.templates {
		return false
	}
	t := &s.template[index]
	d.Spatial, d.Temporal = t.spatial, t.temporal
	d.indications, d.diffs, d.diffCount = t.indications, t.diffs, t.diffCount
	return true
}

// read reads template_dependency_structure().
func (s *DependencyStructure) read(r *bitReader) bool {
	s.offset = uint8(r.bits(6))
	s.Targets = int(r.bits(5)) + 1
	if !s.readLayers(r) {
		return false
	}
	for i := range s.templates {
		s.template[i].indications = readIndications(r, s.Targets)
	}
	for i := range s.templates {
		t := &s.template[i]
		for r.bit() == 1 {
			if t.diffCount == maxFrameDiffs || r.failed {
				return false
			}
			t.diffs[t.diffCount] = uint16(r.bits(4) + 1)
			t.diffCount++
		}
	}
	s.readChains(r)
	if r.bit() == 1 {
		for i := range s.Spatial {
			s.Width[i], s.Height[i] = int(r.bits(16))+1, int(r.bits(16))+1
		}
	}
	s.findTargets()
	return !r.failed
}

// readLayers reads template_layers().
func (s *DependencyStructure) readLayers(r *bitReader) bool {
	spatial, temporal := uint8(0), uint8(0)
	for {
		if s.templates == maxTemplates || spatial == MaxSpatialLayers || temporal == MaxTemporalLayers || r.failed {
			return false
		}
		s.template[s.templates].spatial, s.template[s.templates].temporal = spatial, temporal
		s.templates++
		switch r.bits(2) {
		case 1:
			temporal++
		case 2:
			temporal = 0
			spatial++
		case 3:
			s.Spatial = int(spatial) + 1
			return true
		}
	}
}

// readChains reads template_chains(). What chains say follows from the frames' own dependencies, so it is not kept.
func (s *DependencyStructure) readChains(r *bitReader) {
	s.chains = int(nonSymmetric(r, uint32(s.Targets)+1))
	if s.chains == 0 {
		return
	}
	for range s.Targets {
		nonSymmetric(r, uint32(s.chains))
	}
	r.skip(4 * s.chains * int(s.templates))
}

// findTargets finds out what layers the decode targets have.
func (s *DependencyStructure) findTargets() {
	for t := range s.Targets {
		for i := range s.templates {
			f := &s.template[i]
			if f.indications>>(2*t)&3 != 0 {
				s.layers[t][0] = max(s.layers[t][0], f.spatial)
				s.layers[t][1] = max(s.layers[t][1], f.temporal)
			}
		}
	}
	for spatial := range s.target {
		for temporal := range s.target[spatial] {
			best := int8(-1)
			for t := range int8(s.Targets) {
				l := s.layers[t]
				if int(l[0]) > spatial || int(l[1]) > temporal {
					continue
				}
				if best < 0 || l[0] > s.layers[best][0] || l[0] == s.layers[best][0] && l[1] > s.layers[best][1] {
					best = t
				}
			}
			s.target[spatial][temporal] = best
		}
	}
}

func readIndications(r *bitReader, targets int) uint64 {
	all := uint64(0)
	for t := range targets {
		all |= uint64(r.bits(2)) << (2 * t)
	}
	return all
}

// nonSymmetric reads a number below n (AV1 bitstream specification section 4.10.7).
func nonSymmetric(r *bitReader, n uint32) uint32 {
	width := 0
	for x := n; x != 0; x >>= 1 {
		width++
	}
	m := uint32(1)<<width - n
	v := r.bits(width - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.bit()
}
