package record

import (
	"encoding/binary"
	"math"
)

// Identifiers of EBML and Matroska elements (RFC 8794, RFC 9559).
const (
	idEBML           = 0x1A45DFA3
	idVersion        = 0x4286
	idReadVersion    = 0x42F7
	idMaxIDLength    = 0x42F2
	idMaxSizeLength  = 0x42F3
	idDocType        = 0x4282
	idDocVersion     = 0x4287
	idDocReadVersion = 0x4285
	idVoid           = 0xEC

	idSegment        = 0x18538067
	idSeekHead       = 0x114D9B74
	idSeek           = 0x4DBB
	idSeekID         = 0x53AB
	idSeekPosition   = 0x53AC
	idInfo           = 0x1549A966
	idTimestampScale = 0x2AD7B1
	idDuration       = 0x4489
	idDateUTC        = 0x4461
	idMuxingApp      = 0x4D80
	idWritingApp     = 0x5741

	idTracks       = 0x1654AE6B
	idTrackEntry   = 0xAE
	idTrackNumber  = 0xD7
	idTrackUID     = 0x73C5
	idTrackType    = 0x83
	idFlagLacing   = 0x9C
	idLanguage     = 0x22B59C
	idCodecID      = 0x86
	idCodecPrivate = 0x63A2
	idSeekPreRoll  = 0x56BB
	idVideo        = 0xE0
	idPixelWidth   = 0xB0
	idPixelHeight  = 0xBA
	idAudio        = 0xE1
	idSampling     = 0xB5
	idChannels     = 0x9F

	idCluster     = 0x1F43B675
	idTimestamp   = 0xE7
	idSimpleBlock = 0xA3

	idCues               = 0x1C53BB6B
	idCuePoint           = 0xBB
	idCueTime            = 0xB3
	idCueTrackPositions  = 0xB7
	idCueTrack           = 0xF7
	idCueClusterPosition = 0xF1
)

// sizeUnknown stands for the size of an element that goes on to the end of the file (RFC 8794 section 6.2).
const sizeUnknown = math.MaxUint64

func appendID(b []byte, id uint32) []byte {
	switch {
	case id > 0xFFFFFF:
		b = append(b, byte(id>>24))
		fallthrough
	case id > 0xFFFF:
		b = append(b, byte(id>>16))
		fallthrough
	case id > 0xFF:
		b = append(b, byte(id>>8))
	}
	return append(b, byte(id))
}

// appendSize writes a size in as few bytes as it needs.
func appendSize(b []byte, n int) []byte {
	for bytes := 1; ; bytes++ {
		if n < 1<<(7*bytes)-1 {
			return appendSizeIn(b, n, bytes)
		}
	}
}

// appendSizeIn writes a size in so many bytes.
func appendSizeIn(b []byte, n, bytes int) []byte {
	v := uint64(n) | 1<<(7*bytes)
	for i := bytes - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func appendElement(b []byte, id uint32, content ...[]byte) []byte {
	size := 0
	for _, c := range content {
		size += len(c)
	}
	b = appendSize(appendID(b, id), size)
	for _, c := range content {
		b = append(b, c...)
	}
	return b
}

func appendUint(b []byte, id uint32, v uint64) []byte {
	var whole [8]byte
	binary.BigEndian.PutUint64(whole[:], v)
	at := 0
	for at < 7 && whole[at] == 0 {
		at++
	}
	return appendElement(b, id, whole[at:])
}

// appendWide writes a number in eight bytes, whatever it is, so that what comes behind it does not move.
func appendWide(b []byte, id uint32, v uint64) []byte {
	return appendElement(b, id, binary.BigEndian.AppendUint64(nil, v))
}

func floatElement(id uint32, v float64) []byte {
	return appendWide(nil, id, math.Float64bits(v))
}

func appendString(b []byte, id uint32, v string) []byte { return appendElement(b, id, []byte(v)) }

// appendVoid fills n bytes, at least 2, with nothing.
func appendVoid(b []byte, n int) []byte {
	b = append(b, idVoid)
	if n < 100 {
		b = appendSizeIn(b, n-2, 1)
		n -= 2
	} else {
		b = appendSizeIn(b, n-9, 8)
		n -= 9
	}
	return append(b, make([]byte, n)...)
}

// parseElement reads the head of an element: its id, the size of what it holds, and its own length, which is 0 if there is none.
func parseElement(b []byte) (id uint32, size uint64, head int) {
	if len(b) == 0 || b[0] < 0x10 {
		return 0, 0, 0
	}
	length := 1
	for b[0]>>(8-length) == 0 {
		length++
	}
	if len(b) <= length {
		return 0, 0, 0
	}
	for _, c := range b[:length] {
		id = id<<8 | uint32(c)
	}
	size, n := parseSize(b[length:])
	if n == 0 {
		return 0, 0, 0
	}
	return id, size, length + n
}

// parseSize reads a size and how many bytes it takes, which is 0 if there is none.
func parseSize(b []byte) (size uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = 1
	for b[0]>>(8-n) == 0 {
		n++
	}
	if len(b) < n {
		return 0, 0
	}
	for _, c := range b[:n] {
		size = size<<8 | uint64(c)
	}
	size &^= 1 << (7 * n)
	if size == 1<<(7*n)-1 {
		size = sizeUnknown
	}
	return size, n
}
