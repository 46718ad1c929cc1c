package packet

// vp9Frames puts pictures together: of spatial layers the highest, with those it needs. Several frames of one picture become a superframe
// (VP9 bitstream specification, annex B).
type vp9Frames struct {
	starts []int // where the frames of the picture begin
	alone  bool  // the last of them is needed by none above it
	open   bool  // and its end has not come
}

func (*vp9Frames) begins(p []byte) (can, certain bool) {
	v, ok := ParseVP9(p)
	can = ok && v.Start && v.SpatialID == 0
	return can, can
}

func (n *vp9Frames) add(p []byte, f *Frame) bool {
	v, ok := ParseVP9(p)
	if !ok || v.Start == n.open || len(n.starts) == maxVP9Layers && v.Start {
		return false
	}
	if v.Start {
		if last := len(n.starts) - 1; last >= 0 && n.alone {
			f.Data, n.starts = f.Data[:n.starts[last]], n.starts[:last]
		}
		n.starts = append(n.starts, len(f.Data))
	}
	n.alone, n.open = v.Alone, !v.End
	if v.Keyframe {
		f.Keyframe, f.Width, f.Height = true, v.Width, v.Height
		if v.Layers > 0 && v.Sizes[v.Layers-1][0] != 0 {
			f.Width, f.Height = int(v.Sizes[v.Layers-1][0]), int(v.Sizes[v.Layers-1][1])
		}
	}
	f.Data = append(f.Data, p[v.frameAt:]...)
	return true
}

// end writes the index of a superframe.
func (n *vp9Frames) end(f *Frame) bool {
	whole := !n.open
	if whole && len(n.starts) > 1 {
		const sizeBytes = 4
		head := 0xc0 | (sizeBytes-1)<<3 | byte(len(n.starts)-1)
		frames := len(f.Data)
		f.Data = append(f.Data, head)
		for i, start := range n.starts {
			end := frames
			if i+1 < len(n.starts) {
				end = n.starts[i+1]
			}
			size := end - start
			f.Data = append(f.Data, byte(size), byte(size>>8), byte(size>>16), byte(size>>24))
		}
		f.Data = append(f.Data, head)
	}
	n.starts, n.open, n.alone = n.starts[:0], false, false
	return whole
}
