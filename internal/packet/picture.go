package packet

import "encoding/binary"

// PictureNumbers are the numbers of pictures that VP8 and VP9 have in their payload descriptors, and where they stand.
type PictureNumbers struct {
	HasPictureID bool
	PictureID    uint16
	HasTL0       bool
	TL0PicIdx    uint8

	pictureAt   int // offset of the picture id in the payload
	pictureWide bool
	tl0At       int
}

// readPictureID reads the picture id at this offset, of one byte or two, and returns what comes after it.
func (n *PictureNumbers) readPictureID(p []byte, at int) (int, bool) {
	if len(p) <= at {
		return 0, false
	}
	n.HasPictureID, n.pictureAt = true, at
	if p[at]&0x80 == 0 {
		n.PictureID = uint16(p[at])
		return at + 1, true
	}
	if len(p) < at+2 {
		return 0, false
	}
	n.pictureWide = true
	n.PictureID = binary.BigEndian.Uint16(p[at:]) & 0x7fff
	return at + 2, true
}

// readTL0 reads the TL0PICIDX at this offset, and returns what comes after it.
func (n *PictureNumbers) readTL0(p []byte, at int) (int, bool) {
	if len(p) <= at {
		return 0, false
	}
	n.HasTL0, n.TL0PicIdx, n.tl0At = true, p[at], at
	return at + 1, true
}

// Renumber writes another picture id and TL0PICIDX into the payload p that n was read from, in the width it has there.
func (n *PictureNumbers) Renumber(p []byte, pictureID uint16, tl0 uint8) {
	if n.HasPictureID {
		if n.pictureWide {
			binary.BigEndian.PutUint16(p[n.pictureAt:], pictureID&0x7fff|0x8000)
		} else {
			p[n.pictureAt] = byte(pictureID & 0x7f)
		}
	}
	if n.HasTL0 {
		p[n.tl0At] = tl0
	}
}
