package loadtest

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

const (
	keyframeInterval = 4 * time.Second        // at most between two keyframes
	keyframeRest     = 100 * time.Millisecond // at least, whatever is asked for
	reportInterval   = time.Second
	sentHistory      = 512 // packets that can be sent again; a power of two
	usualLevel       = 30  // of sound, dB below the loudest
	maxCatchUp       = 4   // frames that are made up for after a pause; older ones are left out
	// introduction is how long a source of a simulcast line names its line and layer in its packets, beside in keyframes.
	introduction = 2 * time.Second
)

// sender is what a participant publishes.
type sender struct {
	t        *transport
	sources  []*source
	sequence uint16 // across the connection, for feedback
	numbered bool   // whether the server wants that
	stopped  bool
}

// source is one RTP stream that is sent: sound, or one layer of video.
type source struct {
	id            uint32 // in stamps
	ssrc, rtx     uint32
	kind          byte // opusType or vp8Type
	mid, rid      string
	bitRate       int
	width, height uint16

	level     byte // of sound, dB below the loudest
	off       bool // nothing of it is sent
	begun     int64
	due       int64 // the next frame
	interval  int64
	budget    float64 // bytes of video that may be sent now
	seq       uint16
	rtxSeq    uint16
	timestamp uint32
	picture   uint16
	keyframe  int64 // when the last was sent
	asked     bool  // for a keyframe
	reported  int64
	sent      uint64 // packets, those sent again left out
	octets    uint64
	resent    uint64
	history   []record
}

// record is how a packet was made, so that it can be made again.
type record struct {
	seq       uint16
	marker    bool
	valid     bool
	size      uint16
	timestamp uint32
	count     uint64
	sent      int64
	picture   picture
}

// begin starts sending in the loop; phase spreads publishers over a frame.
func (s *sender) begin(now int64, phase float64) {
	for _, src := range s.sources {
		src.begun = now
		src.due = now + int64(phase*float64(src.interval))
		src.asked = true
	}
	s.t.sender = s
}

// run sends the frames that are due, and returns when the next is.
func (s *sender) run(now int64) (due int64) {
	due = math.MaxInt64
	if s.stopped {
		return due
	}
	for _, src := range s.sources {
		for caughtUp := 0; now >= src.due; caughtUp++ {
			if src.off || caughtUp == maxCatchUp {
				src.due = now + src.interval
				break
			}
			s.frame(src, now)
			src.due += src.interval
		}
		due = min(due, src.due)
	}
	s.t.loop.batch.flush(s.t.socket)
	return due
}

// frame sends one frame, its packets right behind each other as an encoder hands them over.
func (s *sender) frame(src *source, now int64) {
	if src.kind == opusType {
		s.packet(src, now, record{marker: true, size: uint16(int64(src.bitRate) / 8 * src.interval / int64(time.Second))})
		src.timestamp += uint32(48000 * src.interval / int64(time.Second))
		return
	}
	since := time.Duration(now - src.keyframe)
	key := since >= keyframeInterval || src.asked && since >= keyframeRest
	if key {
		src.keyframe, src.asked = now, false
	}
	src.picture = (src.picture + 1) & 0x7fff
	src.budget += float64(src.bitRate) / 8 * float64(src.interval) / float64(time.Second)
	n, size := int(src.budget/videoPayload), videoPayload
	if n == 0 {
		n, size = 1, max(int(src.budget), stampSize+16)
	}
	src.budget -= float64(n * size)
	for i := range n {
		s.packet(src, now, record{
			marker: i == n-1, size: uint16(size),
			picture: picture{id: src.picture, first: i == 0, key: key, width: src.width, height: src.height},
		})
	}
	src.timestamp += uint32(90000 * (src.interval + 1) / int64(time.Second))
}

// packet sends the next packet of a source.
func (s *sender) packet(src *source, now int64, r record) {
	r.valid, r.seq, r.timestamp, r.count, r.sent = true, src.seq, src.timestamp, src.sent, wallClock()
	if src.history != nil {
		src.history[r.seq&(sentHistory-1)] = r
	}
	src.seq++
	src.sent++
	src.octets += uint64(r.size)
	b := s.t.loop.batch.next(s.t.socket)
	at := s.header(b, src, &r, now)
	src.payload(b[at:at+int(r.size)], &r)
	s.seal(b, at+int(r.size))
}

// resend sends a packet again as RTX (RFC 4588), if it is still known how it was made.
func (s *sender) resend(src *source, seq uint16, now int64) {
	if src.history == nil || src.rtx == 0 {
		return
	}
	r := src.history[seq&(sentHistory-1)]
	if !r.valid || r.seq != seq {
		return
	}
	b := s.t.loop.batch.next(s.t.socket)
	at := s.header(b, src, &r, now)
	b[1] = b[1]&0x80 | rtxType
	binary.BigEndian.PutUint16(b[2:], src.rtxSeq)
	binary.BigEndian.PutUint32(b[8:], src.rtx)
	binary.BigEndian.PutUint16(b[at:], seq)
	src.rtxSeq++
	src.resent++
	src.payload(b[at+2:at+2+int(r.size)], &r)
	s.seal(b, at+2+int(r.size))
}

// header writes the RTP header of a packet and returns its length.
func (s *sender) header(b []byte, src *source, r *record, now int64) int {
	b[0], b[1] = 0x80, src.kind
	if r.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], r.seq)
	binary.BigEndian.PutUint32(b[4:], r.timestamp)
	binary.BigEndian.PutUint32(b[8:], src.ssrc)
	const start = 16
	at := start
	element := func(id byte, value ...byte) {
		b[at] = id<<4 | byte(len(value)-1)
		at += 1 + copy(b[at+1:], value)
	}
	if s.numbered {
		element(sequenceID, byte(s.sequence>>8), byte(s.sequence))
		s.sequence++
	}
	if src.kind == opusType {
		element(levelID, src.level)
	}
	if src.rid != "" && (r.picture.key || now-src.begun < int64(introduction)) {
		element(midID, []byte(src.mid)...)
		element(ridID, []byte(src.rid)...)
	}
	if at == start {
		return 12
	}
	for at%4 != 0 {
		b[at] = 0
		at++
	}
	b[0] |= 0x10
	binary.BigEndian.PutUint16(b[12:], 0xbede)
	binary.BigEndian.PutUint16(b[14:], uint16((at-start)/4))
	return at
}

func (src *source) payload(b []byte, r *record) {
	if src.kind == opusType {
		putOpus(b)
	} else {
		putVP8(b, r.picture)
	}
	stamp{source: src.id, sent: r.sent, count: r.count}.put(b)
}

// seal encrypts the first n bytes of the loop's next datagram and sends it through the emulated path.
func (s *sender) seal(b []byte, n int) {
	t := s.t
	sealed, err := t.out.EncryptRTP(b[:0], b[:n], &t.header)
	if err != nil {
		return // 2^48 packets under one key: RFC 3711 section 9.2 forbids more
	}
	switch {
	case t.path.loses(t.loop.random):
		t.loop.tally.lostUp++
	case t.path.delay > 0:
		t.path.up.pushTo(sealed, t.loop.now()+t.path.delay, netip.AddrPort{})
	default:
		t.loop.batch.queue(len(sealed))
	}
}

// sourceOf finds what an SSRC of ours is, nil if it is none.
func (s *sender) sourceOf(ssrc uint32) *source {
	for _, src := range s.sources {
		if src.ssrc == ssrc {
			return src
		}
	}
	return nil
}

// nack answers a request for lost packets; pairs are as in RFC 4585 section 6.2.1.
func (s *sender) nack(ssrc uint32, pairs []byte, now int64) {
	src := s.sourceOf(ssrc)
	if src == nil {
		return
	}
	for ; len(pairs) >= 4; pairs = pairs[4:] {
		first, following := binary.BigEndian.Uint16(pairs), binary.BigEndian.Uint16(pairs[2:])
		s.resend(src, first, now)
		for i := range uint16(16) {
			if following&(1<<i) != 0 {
				s.resend(src, first+1+i, now)
			}
		}
	}
	s.t.loop.batch.flush(s.t.socket)
}

// askKeyframe makes the next frame a keyframe.
func (s *sender) askKeyframe(ssrc uint32) {
	if src := s.sourceOf(ssrc); src != nil {
		src.asked = true
	}
}

// report sends the sender reports that are due.
func (s *sender) report(now int64) {
	for _, src := range s.sources {
		if src.sent == 0 || now-src.reported < int64(reportInterval) || s.stopped {
			continue
		}
		src.reported = now
		// The next frame's timestamp belongs to when it is due.
		rate := int64(90000)
		if src.kind == opusType {
			rate = 48000
		}
		s.t.sendRTCP(&rtcp.SenderReport{
			SSRC: src.ssrc, NTPTime: ntpTime(wallClock()), RTPTime: src.timestamp - uint32((src.due-now)*rate/1e9),
			PacketCount: uint32(src.sent), OctetCount: uint32(src.octets),
		}, &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
			Source: src.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "loadtest"}},
		}}})
	}
}

// ntpTime converts ns since 1970 to an NTP timestamp (RFC 3550 section 4).
func ntpTime(nanos int64) uint64 {
	const epoch = 2208988800 // seconds from 1900 to 1970
	return uint64(nanos/1e9+epoch)<<32 | uint64(nanos%1e9)<<32/1e9
}
