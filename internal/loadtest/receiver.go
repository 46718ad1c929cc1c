package loadtest

import (
	"encoding/binary"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// sampleEvery is how many packets of a source there are to one that is decrypted, for its stamp. The others are counted by their
	// headers, which are in the clear.
	sampleEvery      = 16
	feedbackInterval = 100 * time.Millisecond
)

// receiver is what a participant takes.
type receiver struct {
	ssrc     uint32 // of what we report
	nack     bool
	incoming map[uint32]*incoming // by SSRC; also under that of its retransmissions
	all      []*incoming
	recent   *incoming
	plain    []byte
	header   rtp.Header
	recorder *twcc.Recorder // nil unless the server wants feedback
	fedBack  int64
	nackRest int64 // between two requests: what is under way must not be asked for again
	nacked   int64
	reported int64
	lost     []uint16 // scratch

	joined *arrivals
}

// incoming is one RTP stream that is received: a line of the server's.
type incoming struct {
	kind      video.Kind
	ssrc, rtx uint32
	reception packet.Reception
	before    uint64 // extended number before the first packet
	packets   uint64 // that came in the first place, for sampling
	first     stamp
	broken    bool // a loss became final and no keyframe was asked for yet
	askedAt   int64

	duplicates, repaired uint64
	reportNTP            uint32 // middle bits of the server's last sender report
	reportedAt           int64
}

func newReceiver(ssrc uint32, plan *Plan, joined *arrivals) *receiver {
	r := &receiver{ssrc: ssrc, nack: plan.NACK, incoming: map[uint32]*incoming{}, joined: joined}
	if plan.Delay > 0 {
		r.nackRest = int64(2*plan.Delay + tickInterval)
	}
	return r
}

// expect makes the sources of an answer known. It runs in the loop.
func (r *receiver) expect(a *answer) {
	if a.feedback && r.recorder == nil {
		r.recorder = twcc.NewRecorder(r.ssrc)
	}
	for _, line := range a.sources {
		if r.incoming[line.ssrc] != nil {
			continue
		}
		in := &incoming{kind: line.kind, ssrc: line.ssrc, rtx: line.rtx}
		r.all = append(r.all, in)
		r.incoming[line.ssrc] = in
		if line.rtx != 0 {
			r.incoming[line.rtx] = in
		}
	}
}

// take counts a packet of media.
func (r *receiver) take(t *transport, b []byte, at, now int64) {
	ssrc := binary.BigEndian.Uint32(b[8:])
	in := r.recent
	if in == nil || in.ssrc != ssrc {
		if in = r.incoming[ssrc]; in == nil {
			t.loop.tally.unknown++
			return
		}
		r.recent = in
	}
	if r.recorder != nil {
		r.record(b, ssrc, at)
	}
	if ssrc != in.ssrc {
		r.takeRepair(t, in, b, now)
		return
	}
	_, fresh := in.reception.Arrived(binary.BigEndian.Uint16(b[2:]), now)
	if !fresh {
		in.duplicates++
		return
	}
	rate := uint32(90000)
	if in.kind == video.Audio {
		rate = 48000
	}
	in.reception.Transit(binary.BigEndian.Uint32(b[4:]), now, rate)
	in.packets++
	if in.packets == 1 {
		highest, _ := in.reception.Highest()
		in.before = highest - 1
		r.joined.began(in.kind, at)
	}
	if in.packets%sampleEvery != 1 {
		return
	}
	s, ok := r.open(t, b)
	if !ok {
		t.loop.tally.unauthentic++
		return
	}
	t.loop.tally.sampled++
	if in.packets == 1 {
		in.first = s
	}
	if t.loop.measuring {
		t.loop.latency.add(time.Duration(at - s.sent))
	}
}

// open decrypts a packet and reads its stamp.
func (r *receiver) open(t *transport, b []byte) (stamp, bool) {
	plain, err := t.in.DecryptRTP(r.plain[:0], b, &r.header)
	if err != nil {
		return stamp{}, false
	}
	r.plain = plain
	h, ok := packet.ParseHeader(plain)
	if !ok {
		return stamp{}, false
	}
	payload, ok := h.Payload(plain)
	if !ok {
		return stamp{}, false
	}
	return readStamp(payload)
}

// takeRepair counts a packet that was sent again (RFC 4588): the number it had is in the payload.
func (r *receiver) takeRepair(t *transport, in *incoming, b []byte, now int64) {
	if _, ok := r.open(t, b); !ok || in.packets == 0 {
		return // padding, which probes the path, has no stamp
	}
	h, _ := packet.ParseHeader(r.plain)
	payload, _ := h.Payload(r.plain)
	if _, fresh := in.reception.Arrived(binary.BigEndian.Uint16(payload), now); fresh {
		in.repaired++
	} else {
		in.duplicates++
	}
}

func (r *receiver) record(b []byte, ssrc uint32, at int64) {
	h, ok := packet.ParseHeader(b)
	if !ok {
		return
	}
	if ext := h.Extension(b, sequenceID); len(ext) == 2 {
		r.recorder.Record(ssrc, binary.BigEndian.Uint16(ext), at/1000)
	}
}

// feedBack sends what a client tells the server of its media: requests for lost packets, transport-wide feedback if it was negotiated,
// a receiver report every second.
func (r *receiver) feedBack(t *transport, now int64) {
	var packets []rtcp.Packet
	ask := now-r.nacked >= r.nackRest
	if ask {
		r.nacked = now
	}
	for _, in := range r.all {
		if !ask {
			break
		}
		var final bool
		r.lost, final = in.reception.Wanted(now, r.lost[:0])
		in.broken = in.broken || final && in.kind == video.Video
		if r.nack && in.kind == video.Video && len(r.lost) > 0 {
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: r.ssrc, MediaSSRC: in.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(r.lost),
			})
		}
		if in.broken && now-in.askedAt >= int64(time.Second) {
			in.broken, in.askedAt = false, now
			packets = append(packets, &rtcp.PictureLossIndication{SenderSSRC: r.ssrc, MediaSSRC: in.ssrc})
		}
	}
	if r.recorder != nil && now-r.fedBack >= int64(feedbackInterval) {
		r.fedBack = now
		packets = append(packets, r.recorder.BuildFeedbackPacket()...)
	}
	if now-r.reported >= int64(reportInterval) {
		r.reported = now
		packets = append(packets, r.reports(now)...)
	}
	if len(packets) > 0 {
		t.sendRTCP(packets...)
	}
}

// reports are as many receiver reports as it takes: one holds 31 blocks (RFC 3550 section 6.4.1).
func (r *receiver) reports(now int64) (packets []rtcp.Packet) {
	var report *rtcp.ReceiverReport
	for _, in := range r.all {
		block, ok := in.reception.Report()
		if !ok {
			continue
		}
		if report == nil || len(report.Reports) == 31 {
			report = &rtcp.ReceiverReport{SSRC: r.ssrc}
			packets = append(packets, report)
		}
		b := rtcp.ReceptionReport{
			SSRC: in.ssrc, FractionLost: block.FractionLost, TotalLost: block.TotalLost,
			LastSequenceNumber: block.Highest, Jitter: block.Jitter, LastSenderReport: in.reportNTP,
		}
		if in.reportNTP != 0 {
			b.Delay = uint32((now - in.reportedAt) * 65536 / 1e9)
		}
		report.Reports = append(report.Reports, b)
	}
	return packets
}

// senderReport notes when the server reported on a source, for our receiver reports.
func (r *receiver) senderReport(ssrc uint32, ntp uint64, now int64) {
	if in := r.incoming[ssrc]; in != nil {
		in.reportNTP, in.reportedAt = uint32(ntp>>16), now
	}
}
