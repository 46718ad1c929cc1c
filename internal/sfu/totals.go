package sfu

import (
	"encoding/binary"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Sizes of what comes before the blocks of a report (RFC 3550 section 6.4), and of a block.
const (
	senderReportSize   = 28
	receiverReportSize = 8
	reportBlockSize    = 24
)

// longestRoundTrip is the longest that is believed of a client's report.
const longestRoundTrip = time.Minute

// reported is what a client told last of a source that it is sent. It is guarded by router.media.
type reported struct {
	lost      int32  // so far; negative when packets came twice
	jitter    uint32 // in units of the timestamps' clock
	roundTrip time.Duration
}

// takeReports reads the blocks of a client's report. It is done by hand, because there are many and little of them is wanted. Called with
// router.media held.
func (t *Transport) takeReports(b []byte, blocks int, now int64) {
	for ; blocks > 0 && len(b) >= reportBlockSize; blocks, b = blocks-1, b[reportBlockSize:] {
		ssrc := binary.BigEndian.Uint32(b)
		f := t.out.bySSRC[ssrc]
		if f == nil || f.ssrc != ssrc { // or of retransmissions
			continue
		}
		f.reported.lost = int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8
		f.reported.jitter = binary.BigEndian.Uint32(b[12:])
		if rtt := t.roundTripOf(binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:]), now); rtt > 0 {
			f.reported.roundTrip, t.out.roundTrip = rtt, rtt
		}
	}
}

// roundTripOf returns how long our report and the answer to it were under way (RFC 3550 section 6.4.1), 0 if that is not known. Both
// arguments are in units of 1/65536 s.
func (t *Transport) roundTripOf(lastReport, delay uint32, now int64) time.Duration {
	if lastReport == 0 {
		return 0
	}
	units := int32(uint32(t.engine.ntp(now)>>16) - lastReport - delay)
	rtt := time.Duration(max(int64(units), 1)) * time.Second >> 16 // the client's clock may be a little slower
	if units < -1<<12 || rtt > longestRoundTrip {
		return 0
	}
	return rtt
}

// Totals returns the figures of every connection there is. It holds a session up for as long as it takes to copy those of one connection.
func (e *Engine) Totals() []video.ConnectionTotals {
	transports := e.transports(nil)
	all := make([]video.ConnectionTotals, 0, len(transports))
	for _, t := range transports {
		all = append(all, t.totals())
	}
	return all
}

func (t *Transport) totals() video.ConnectionTotals {
	c := video.ConnectionTotals{SessionID: t.session, ParticipantID: t.whose}
	switch p := t.ice.chosen.Load(); {
	case p == nil:
	case p.tcp != nil:
		c.Path = video.PathTCP
	default:
		c.Path = video.PathUDP
	}
	t.router.mu.Lock()
	defer t.router.mu.Unlock()
	c.Lines = make([]video.LineTotals, 0, len(t.all))
	t.router.media.Lock()
	defer t.router.media.Unlock()
	c.RoundTrip = t.out.roundTrip
	if d := &t.out.downlink; d.reported {
		c.Available = d.estimator.Estimate()
	} else {
		c.Available = d.remb
	}
	for _, l := range t.all {
		switch {
		case l.forwarder != nil:
			c.Lines = append(c.Lines, l.forwarder.totals())
		case l.track != nil && l.stream != nil:
			for _, layer := range *l.track.order.Load() {
				c.Lines = append(c.Lines, layer.totals(l.stream.id))
			}
		}
	}
	return c
}

// totals are the figures of a layer that the client sends. Called with router.media held.
func (l *layer) totals(stream video.StreamID) video.LineTotals {
	width, height := l.pictureSize(l.made.spatial)
	return video.LineTotals{
		Publishes: true, SSRC: l.ssrc, StreamID: stream, Kind: l.track.kind, Layer: l.rid,
		Octets: l.octets, Packets: uint32(l.reception.Received()), Lost: l.reception.Lost(), Repaired: uint32(l.reception.Repaired()),
		Jitter: clockTime(l.reception.Jitter(), l.track.kind), Width: width, Height: height,
	}
}

// totals are the figures of a line that the client is sent. Called with router.media held.
func (f *forwarder) totals() video.LineTotals {
	line := video.LineTotals{
		SSRC: f.ssrc, StreamID: f.stream, Kind: f.kind, Octets: f.octets, Packets: f.packets, Lost: int64(f.reported.lost),
		Jitter: clockTime(float64(f.reported.jitter), f.kind), RoundTrip: f.reported.roundTrip, Paused: f.paused && f.enabled && f.source != nil,
	}
	if f.current != nil && !f.paused {
		line.Layer = f.current.rid
		line.Width, line.Height = f.current.pictureSize(min(f.cut.spatial, f.current.made.spatial))
	}
	return line
}

// clockTime converts a time in units of the timestamps' clock.
func clockTime(units float64, kind video.Kind) time.Duration {
	return time.Duration(units * float64(time.Second) / float64(clockRate(kind)))
}
