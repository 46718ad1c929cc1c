package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestLipSync: sound and picture of one moment stay together, though the client's clock is an hour wrong and its reports are
// delayed unevenly.
func TestLipSync(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("s", video.Lines{AudioMID: "0", VideoMID: "1"})
	v := newWire(t, e, "s", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "s", Audio: true, Video: true})
	voice, camera := p.opus(600), p.vp8(500)
	voice.frame(false)
	camera.frame(true)
	got := v.take(2)

	const skew = 3600 * int64(time.Second)
	start := e.Now()
	client := func(after time.Duration) uint64 { return ntpTime(ntpNanos(e.ntp(start+int64(after))) - skew) }
	at := func(base, rate uint32, after time.Duration) uint32 {
		return base + uint32(int64(rate)*int64(after)/int64(time.Second))
	}
	voiceAt, cameraAt := voice.timestamp, camera.timestamp // both taken at start
	report := func(sent, delay time.Duration, ssrc, base, rate uint32) {
		p.report(start+int64(sent+delay), &rtcp.SenderReport{SSRC: ssrc, NTPTime: client(sent), RTPTime: at(base, rate, sent)})
	}
	report(0, 5*time.Millisecond, 600, voiceAt, 48000)
	report(40*time.Millisecond, 5*time.Millisecond, 500, cameraAt, 90000)
	report(1000*time.Millisecond, 80*time.Millisecond, 600, voiceAt, 48000)
	report(1040*time.Millisecond, 6*time.Millisecond, 500, cameraAt, 90000)

	moments := map[uint32]int64{} // by our SSRC: when the packet of start was taken, on the clock the viewer is told
	for len(moments) < 2 {
		sr := waitRTCP(v, "a sender report", func(sr *rtcp.SenderReport) bool { return true })
		if sr.PacketCount != 1 || sr.OctetCount == 0 {
			t.Fatalf("%+v", sr)
		}
		for _, first := range got {
			if first.SSRC == sr.SSRC {
				rate := map[uint8]int64{111: 48000, 96: 90000}[first.PayloadType]
				// A report may have left before the client's first; it says what was known then.
				if clock := p.transport.clockOf(first.PayloadType == 111); clock.reported && sr.NTPTime > e.ntp(start) {
					moments[sr.SSRC] = ntpNanos(sr.NTPTime) - int64(int32(sr.RTPTime-first.Timestamp))*1e9/rate
				}
			}
		}
	}
	var all []int64
	for _, m := range moments {
		all = append(all, m)
	}
	if d := time.Duration(all[0] - all[1]).Abs(); d > 3*time.Millisecond {
		t.Fatalf("sound and picture are %v apart", d)
	}
	if d := time.Duration(all[0] - ntpNanos(e.ntp(start))).Abs(); d > 50*time.Millisecond {
		t.Fatalf("they are placed %v off", d)
	}
}

// clockOf returns the clock of the audio or the video layer of a client with one of each.
func (t *Transport) clockOf(audio bool) *senderClock {
	t.router.media.Lock()
	defer t.router.media.Unlock()
	for _, s := range t.in.sources {
		if (s.layer.track.kind == video.Audio) == audio {
			return s.layer.clock.Load()
		}
	}
	return nil
}

func TestNTPTime(t *testing.T) {
	for _, nanos := range []int64{0, 1, 999_999_999, 1e9, 3_900_000_000_123_456_789} {
		if got := ntpNanos(ntpTime(nanos)); got < nanos-1 || got > nanos {
			t.Errorf("%d came back as %d", nanos, got)
		}
	}
}

func TestPublisherIsToldOfLoss(t *testing.T) {
	c := newCall(t)
	c.publisher.report(c.engine.Now(), &rtcp.SenderReport{SSRC: 500, NTPTime: 0x1234_5678_9abc_def0, RTPTime: 1})
	c.camera.frame(true)
	c.camera.frames(2)
	c.camera.make(false) // lost: one of eight
	c.camera.frames(4)
	block := func(what string, fits func(rtcp.ReceptionReport) bool) rtcp.ReceptionReport {
		t.Helper()
		rr := waitRTCP(c.publisher, what, func(rr *rtcp.ReceiverReport) bool {
			return len(rr.Reports) == 1 && fits(rr.Reports[0])
		})
		return rr.Reports[0]
	}
	got := block("a report of loss", func(r rtcp.ReceptionReport) bool { return r.TotalLost == 1 })
	if got.SSRC != 500 || got.LastSequenceNumber&0xffff != uint32(c.camera.seq) || got.LastSenderReport != 0x5678_9abc || got.Delay > 3*65536 {
		t.Fatalf("%+v", got)
	}
	block("a report without new loss", func(r rtcp.ReceptionReport) bool { return r.FractionLost == 0 && r.TotalLost == 1 })
}

// TestTransportFeedback: what arrived is told with the sender's transport-wide numbers, the holes too.
func TestTransportFeedback(t *testing.T) {
	e := newEngine(t)
	l := withDirection(videoLine("0", 500), "sendonly")
	l.extensions[extTransportCC] = idSequence
	p := newWire(t, e, "s", l)
	camera := p.vp8(500)
	lost := map[int]bool{3: true, 4: true, 9: true}
	for i := range 12 {
		camera.extensions = map[uint8]string{idSequence: string([]byte{byte((65530 + i) >> 8), byte(65530 + i)})}
		if f := camera.make(i == 0); !lost[i] {
			p.push(f, e.Now())
		}
	}
	arrived := map[uint16]bool{}
	for len(arrived) < 9 {
		f := waitRTCP(p, "transport-wide feedback", func(*rtcp.TransportLayerCC) bool { return true })
		for i, ok := range statuses(f) {
			n := f.BaseSequenceNumber + uint16(i)
			if k := int(n - 65530); k >= 12 || ok && lost[k] {
				t.Fatalf("packet %d is reported as received", n)
			}
			if ok {
				arrived[n] = true
			}
		}
	}
}

// statuses tells of each packet of a feedback whether it was received.
func statuses(f *rtcp.TransportLayerCC) (received []bool) {
	add := func(symbol uint16, n int) {
		for range n {
			if len(received) < int(f.PacketStatusCount) {
				received = append(received, symbol != rtcp.TypeTCCPacketNotReceived)
			}
		}
	}
	for _, c := range f.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			add(c.PacketStatusSymbol, int(c.RunLength))
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList {
				add(s, 1)
			}
		}
	}
	return received
}
