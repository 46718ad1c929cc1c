package record

import (
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// What stands before the first cluster. The places of what is known only at the end are kept free:
//
//	EBML, Segment (size) │ seek head │ Info with duration │ Tracks │ cues │ clusters …
//
// so that finishing writes into places that exist.
const (
	seekHeadSpace = 80       // three entries are 68 bytes
	cuesSpace     = 16 << 10 // for about 700 points of 23 bytes
	cuePointSize  = 23
)

var epoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) // of dates in Matroska

// fileHead writes everything before the first cluster.
func fileHead(codec packet.Codec, private []byte, width, height int, start time.Time) []byte {
	f := formats[codec]
	var head []byte
	head = appendUint(head, idVersion, 1)
	head = appendUint(head, idReadVersion, 1)
	head = appendUint(head, idMaxIDLength, 4)
	head = appendUint(head, idMaxSizeLength, 8)
	head = appendString(head, idDocType, f.docType)
	head = appendUint(head, idDocVersion, 4)
	head = appendUint(head, idDocReadVersion, 2)
	b := appendElement(nil, idEBML, head)

	b = appendSizeIn(appendID(b, idSegment), 1<<56-1, 8) // unknown
	b = appendVoid(b, seekHeadSpace)

	var info []byte
	info = appendUint(info, idTimestampScale, uint64(time.Millisecond))
	info = appendString(info, idMuxingApp, "Rotunda")
	info = appendString(info, idWritingApp, "Rotunda")
	info = appendWide(info, idDateUTC, uint64(start.Sub(epoch)))
	info = appendVoid(info, len(floatElement(idDuration, 0)))
	b = appendElement(b, idInfo, info)

	var entry []byte
	entry = appendUint(entry, idTrackNumber, 1)
	entry = appendUint(entry, idTrackUID, 1)
	entry = appendUint(entry, idFlagLacing, 0)
	entry = appendString(entry, idLanguage, "und")
	entry = appendString(entry, idCodecID, f.codecID)
	if len(private) > 0 {
		entry = appendElement(entry, idCodecPrivate, private)
	}
	if codec == packet.CodecOpus {
		entry = appendUint(entry, idTrackType, 2)
		entry = appendUint(entry, idSeekPreRoll, uint64(80*time.Millisecond)) // RFC 7845 section 4.6
		entry = appendElement(entry, idAudio, floatElement(idSampling, 48000), appendUint(nil, idChannels, 2))
	} else {
		entry = appendUint(entry, idTrackType, 1)
		entry = appendElement(entry, idVideo, appendUint(nil, idPixelWidth, uint64(width)), appendUint(nil, idPixelHeight, uint64(height)))
	}
	b = appendElement(b, idTracks, appendElement(nil, idTrackEntry, entry))
	return appendVoid(b, cuesSpace)
}

// layout is where things are in a file.
type layout struct {
	segment  int64 // the size of the segment, which is 8 bytes
	data     int64 // what the segment holds; positions count from here
	info     int64
	duration int64
	tracks   int64
	cues     int64
	clusters int64
}

// maxHead bounds what stands before the first cluster: parameters of codecs are small.
const maxHead = 256 << 10

// parseHead finds the places in the beginning of a file that fileHead wrote, finished or not.
func parseHead(b []byte) (l layout, ok bool) {
	id, size, head := parseElement(b)
	if id != idEBML || size > maxHead {
		return l, false
	}
	at := int64(head) + int64(size)
	if at >= int64(len(b)) {
		return l, false
	}
	id, _, head = parseElement(b[at:])
	if id != idSegment || head != 12 {
		return l, false
	}
	l.segment, l.data = at+4, at+12
	at = l.data + seekHeadSpace
	for _, want := range []struct {
		id    uint32
		place *int64
	}{{idInfo, &l.info}, {idTracks, &l.tracks}} {
		if at >= int64(len(b)) {
			return l, false
		}
		id, size, head = parseElement(b[at:])
		if id != want.id || size > maxHead || at+int64(head)+int64(size) > int64(len(b)) {
			return l, false
		}
		*want.place = at
		at += int64(head) + int64(size)
	}
	l.duration = l.tracks - int64(len(floatElement(idDuration, 0)))
	l.cues, l.clusters = at, at+cuesSpace
	return l, l.clusters <= int64(len(b))
}

// seekHead says where the parts of the head are.
func (l layout) seekHead() []byte {
	var seeks []byte
	for _, part := range []struct {
		id uint32
		at int64
	}{{idInfo, l.info}, {idTracks, l.tracks}, {idCues, l.cues}} {
		seeks = appendElement(seeks, idSeek, appendElement(nil, idSeekID, appendID(nil, part.id)), appendWide(nil, idSeekPosition, uint64(part.at-l.data)))
	}
	b := appendElement(nil, idSeekHead, seeks)
	return appendVoid(b, seekHeadSpace-len(b))
}
