// Package packettest writes dependency descriptors, for tests of those that read them.
package packettest

import "strings"

// Template is what a structure says of some of its frames. Targets has a letter for each decode target: - D S R.
type Template struct {
	Spatial, Temporal int
	Targets           string
	Diffs             []int
}

// Structure is a template dependency structure. The templates are in order of their layers.
type Structure struct {
	Offset    int
	Templates []Template
	Sizes     [][2]int // of each spatial layer; may be nil
	Chains    int      // one for each decode target at the most
}

// Descriptor is the dependency descriptor of one packet. Structure, Active, Targets and Diffs are written if they are not nil or
// empty; Of is the structure that holds.
type Descriptor struct {
	Start, End bool
	Template   int // its place in the structure
	Frame      uint16
	Of         *Structure
	Structure  bool
	Active     *uint32
	Targets    string
	Diffs      []int
}

type bits struct {
	data []byte
	n    int
}

func (b *bits) put(value, width int) {
	for i := width - 1; i >= 0; i-- {
		if b.n%8 == 0 {
			b.data = append(b.data, 0)
		}
		b.data[b.n/8] |= byte(value>>i&1) << (7 - b.n%8)
		b.n++
	}
}

func (b *bits) flag(on bool) {
	if on {
		b.put(1, 1)
		return
	}
	b.put(0, 1)
}

func (b *bits) targets(s string) {
	for _, letter := range s {
		b.put(strings.IndexRune("-DSR", letter), 2)
	}
}

// below writes a number below n (AV1 bitstream specification section 4.10.7).
func (b *bits) below(value, n int) {
	width := 0
	for x := n; x != 0; x >>= 1 {
		width++
	}
	if m := 1<<width - n; value < m {
		b.put(value, width-1)
	} else {
		b.put((value+m)>>1, width-1)
		b.put((value+m)&1, 1)
	}
}

// Bytes writes the descriptor (AV1 RTP payload specification section A.8.2).
func (d Descriptor) Bytes() []byte {
	var b bits
	b.flag(d.Start)
	b.flag(d.End)
	b.put((d.Of.Offset+d.Template)%64, 6)
	b.put(int(d.Frame), 16)
	if !d.Structure && d.Active == nil && d.Targets == "" && d.Diffs == nil {
		return b.data
	}
	targets := len(d.Of.Templates[0].Targets)
	for _, flag := range []bool{d.Structure, d.Active != nil, d.Targets != "", d.Diffs != nil, false} {
		b.flag(flag)
	}
	if d.Structure {
		d.Of.write(&b, targets)
	}
	if d.Active != nil {
		b.put(int(*d.Active), targets)
	}
	b.targets(d.Targets)
	if d.Diffs != nil {
		for _, diff := range d.Diffs {
			b.put(3, 2)
			b.put(diff-1, 12)
		}
		b.put(0, 2)
	}
	return b.data
}

func (s *Structure) write(b *bits, targets int) {
	b.put(s.Offset, 6)
	b.put(targets-1, 5)
	for i, t := range s.Templates {
		next := 3
		if i+1 < len(s.Templates) {
			switch following := s.Templates[i+1]; {
			case following.Spatial != t.Spatial:
				next = 2
			case following.Temporal != t.Temporal:
				next = 1
			default:
				next = 0
			}
		}
		b.put(next, 2)
	}
	for _, t := range s.Templates {
		b.targets(t.Targets)
	}
	for _, t := range s.Templates {
		for _, diff := range t.Diffs {
			b.put(1, 1)
			b.put(diff-1, 4)
		}
		b.put(0, 1)
	}
	b.below(s.Chains, targets+1)
	if s.Chains > 0 {
		for target := range targets {
			b.below(target%s.Chains, s.Chains)
		}
		b.put(0, 4*s.Chains*len(s.Templates))
	}
	b.flag(s.Sizes != nil)
	for _, size := range s.Sizes {
		b.put(size[0]-1, 16)
		b.put(size[1]-1, 16)
	}
}

// L2T2Key is two sizes that need each other at keyframes only, in two temporal layers. Every picture has a frame of each size. Its
// templates are KeySmall and those that follow.
func L2T2Key() *Structure {
	return &Structure{
		Offset: 7,
		Templates: []Template{
			KeySmall: {0, 0, "SSSS", nil}, BaseSmall: {0, 0, "SS--", []int{4}}, UpperSmall: {0, 1, "-D--", []int{2}},
			KeyLarge: {1, 0, "--SS", []int{1}}, BaseLarge: {1, 0, "--SS", []int{4}}, UpperLarge: {1, 1, "---D", []int{2}},
		},
		Sizes: [][2]int{{320, 180}, {640, 360}}, Chains: 2,
	}
}

// The templates of L2T2Key.
const (
	KeySmall = iota
	BaseSmall
	UpperSmall
	KeyLarge
	BaseLarge
	UpperLarge
)
