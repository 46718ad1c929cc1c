package sfu

// rememberedGaps is how many gaps in what is forwarded are remembered: some seconds of one in every other picture.
const rememberedGaps = 64

// numbering gives the packets of one run of a source numbers without holes, although not all of them are sent on. What was left
// out is remembered as gaps, so that a packet that was overtaken still gets the number that was kept for it.
type numbering struct {
	base     uint64 // first number of the run; older packets are not forwarded
	next     uint64 // one more than the highest number that came
	offset   uint64 // added to the number of a packet to give the outgoing one, from the last gap on
	picture  uint16 // likewise for VP8 picture ids
	gaps     []gap  // a ring; nil for audio, where nothing is left out
	count    int    // gaps of the run so far
	left     uint16 // picture id of the last packet left out
	leftTime uint32 // its timestamp
	first    gap    // what was added before the first gap
}

// gap is a row of packets that were not sent on, and what is added from there on.
type gap struct {
	from, to uint64 // the numbers of the packets: from this one, up to but not that one
	offset   uint64
	picture  uint16
}

// restart begins a run.
func (n *numbering) restart(number, offset uint64, picture uint16) {
	n.base, n.next, n.offset, n.picture, n.count = number, number, offset, picture, 0
	n.first = gap{offset: offset, picture: picture}
}

// skip leaves out a packet that is the newest so far. Packets of the same picture that are missing before it are left out with it.
// closes says that the ids of pictures may have no hole either; those of VP9 may, and tell what needs what.
func (n *numbering) skip(number uint64, picture uint16, timestamp uint32, closes bool) {
	from := n.next
	newest := n.newest()
	joins := newest != nil && newest.to == n.next && (number == n.next || n.leftTime == timestamp)
	if !joins {
		from = number // what is missing before it may have to be sent
	}
	n.offset -= number + 1 - from
	if closes && (newest == nil || n.left != picture || n.leftTime != timestamp) {
		n.picture--
	}
	n.left, n.leftTime, n.next = picture, timestamp, number+1
	if !joins {
		newest = &n.gaps[n.count%rememberedGaps]
		newest.from = from
		n.count++
	}
	newest.to, newest.offset, newest.picture = n.next, n.offset, n.picture
}

func (n *numbering) newest() *gap {
	if n.count == 0 {
		return nil
	}
	return &n.gaps[(n.count-1)%rememberedGaps]
}

// place returns what to add to the number and the picture id of a packet. It reports false for one that was left out, and
// for one so old that this is not known any more.
func (n *numbering) place(number uint64) (offset uint64, picture uint16, ok bool) {
	if newest := n.newest(); newest == nil || number >= newest.to {
		return n.offset, n.picture, number >= n.base
	}
	for i := n.count - 1; i >= max(n.count-rememberedGaps, 0); i-- {
		switch g := &n.gaps[i%rememberedGaps]; {
		case number >= g.to:
			return g.offset, g.picture, true
		case number >= g.from:
			return 0, 0, false
		}
	}
	return n.first.offset, n.first.picture, n.count <= rememberedGaps && number >= n.base
}
