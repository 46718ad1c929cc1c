package sfu

import "github.com/rotunda-rtc/rotunda/internal/packet"

func (p *onward) describeVP8() (ok bool) {
	if p.vp8, ok = packet.ParseVP8(p.payload); !ok {
		return false
	}
	p.picture, p.keyframe, p.width, p.height = p.vp8.PictureNumbers, p.vp8.Keyframe, p.vp8.Width, p.vp8.Height
	p.temporal, p.layered = p.vp8.TemporalID, p.vp8.TemporalID > 0
	return true
}

func (p *onward) describeVP9() bool {
	v, ok := packet.ParseVP9(p.payload)
	if !ok {
		return false
	}
	p.vp9, p.picture, p.keyframe, p.width, p.height = v, v.PictureNumbers, v.Keyframe, v.Width, v.Height
	p.spatial, p.temporal, p.above, p.starts, p.ends = v.SpatialID, v.TemporalID, !v.Alone, v.Start, v.End
	p.layered = true
	if v.Layers > 0 && p.layer.shapes(p.number) {
		p.layer.made.resize(v.Layers, func(i int) (int, int) { return int(v.Sizes[i][0]), int(v.Sizes[i][1]) })
		if top := v.Sizes[v.Layers-1]; p.keyframe && top[0] != 0 {
			p.width, p.height = int(top[0]), int(top[1])
		}
	}
	return true
}

// describeFrame reads the dependency descriptor, if there is one. One that cannot be understood is passed on all the same: the
// receiver may have what we lack.
func (p *onward) describeFrame(raw []byte) {
	l := p.layer
	if p.descriptor = p.header.Extension(raw, l.track.transport.in.depends); len(p.descriptor) < 3 {
		p.descriptor = nil
		return
	}
	if l.structure == nil {
		l.structure = new(packet.DependencyStructure)
	}
	known := l.structure
	if p.number < l.shapedAt { // it came late, and what it brings holds for itself alone
		past := *l.structure
		known = &past
	}
	d, ok := known.Parse(p.descriptor)
	p.picture = packet.PictureNumbers{HasPictureID: true, PictureID: d.Frame}
	if !ok || known.Targets != l.structure.Targets {
		return
	}
	p.dependency, p.described, p.layered = d, true, true
	p.spatial, p.temporal, p.starts, p.ends = d.Spatial, d.Temporal, d.Start, d.End
	p.above = known.NeededAbove(&d)
	if !d.Structure {
		return
	}
	p.keyframe = p.keyframe || d.Start && d.Spatial == 0 && len(d.Needs()) == 0
	if !l.shapes(p.number) {
		return
	}
	s := l.structure
	l.made.resize(s.Spatial, func(i int) (int, int) { return s.Width[i], s.Height[i] })
	if top := s.Spatial - 1; p.width == 0 && s.Width[top] != 0 {
		p.width, p.height = s.Width[top], s.Height[top]
	}
}

// shapes reports whether the packet with this number, which tells what the layer is made of, is the newest to do so. One that was sent
// again comes behind newer ones.
func (l *layer) shapes(number uint64) bool {
	if number < l.shapedAt {
		return false
	}
	l.shapedAt = number
	return true
}
