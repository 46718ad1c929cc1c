package sfu

import (
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// wideNumber returns the transport-wide number of a packet that was sent.
func wideNumber(t testing.TB, p *rtp.Packet) uint16 {
	t.Helper()
	b := p.GetExtension(idSequence)
	if len(b) != 2 {
		t.Fatalf("the packet has no transport-wide number: % x", b)
	}
	return binary.BigEndian.Uint16(b)
}

// numberedCall is a camera with sound, and a viewer whose packets are numbered.
func numberedCall(t testing.TB, rtx bool) (camera, sound *encoder, viewer *wire) {
	t.Helper()
	e := newEngine(t)
	p := newWire(t, e, "session", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("camera", video.Lines{AudioMID: "0", VideoMID: "1"})
	lines := receivePair("a", "v")
	if !rtx {
		lines[1].formats[0].rtx = 0
	}
	withNumbers(lines[0])
	withNumbers(lines[1])
	viewer = newWire(t, e, "session", lines...)
	viewer.subscribe(video.Subscription{StreamID: "camera", Audio: true, Video: true})
	return p.vp8(500), p.opus(600), viewer
}

// TestPacketsAreNumbered: all packets to a client have numbers of one row, whatever their line; those sent again as RTX too.
func TestPacketsAreNumbered(t *testing.T) {
	camera, sound, viewer := numberedCall(t, true)
	camera.frame(true)
	for range 4 {
		sound.frame(false)
		camera.frame(false)
	}
	got := viewer.take(9)
	viewer.report(viewer.engine.Now(), nack(got[0].SSRC, got[0].SequenceNumber))
	got = append(got, viewer.take(1)...)
	for i, p := range got {
		if n := wideNumber(t, p); n != uint16(i) {
			t.Errorf("packet %d has number %d", i, n)
		}
	}
	again := got[9]
	if again.SSRC == got[0].SSRC || string(again.Payload[2:]) != string(got[0].Payload) {
		t.Error("the last packet is not the retransmission of the first")
	}
	d := &viewer.transport.out.downlink.departures
	for i, p := range got {
		if e := d.find(uint16(i)); e == nil || e.fate != underway || int(e.size) != p.MarshalSize()+sealOverhead {
			t.Errorf("of packet %d of %d bytes is remembered %+v", i, p.MarshalSize(), e)
		}
	}
	if d.find(10) != nil || d.find(65535) != nil {
		t.Error("packets are remembered that were never sent")
	}
}

// TestSentAgainAsItWas: without RTX a packet is sent again under its old number, as one number of SRTP must not have two contents.
func TestSentAgainAsItWas(t *testing.T) {
	camera, _, viewer := numberedCall(t, false)
	camera.frame(true)
	camera.frames(3)
	got := viewer.take(4)
	viewer.report(viewer.engine.Now(), nack(got[1].SSRC, got[1].SequenceNumber))
	first, err := got[1].Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := viewer.take(1)[0].Marshal()
	if err != nil || string(again) != string(first) {
		t.Errorf("sent was % x, and then % x", first, again)
	}
	if e := viewer.transport.out.downlink.departures.find(1); e == nil || e.fate != unsent {
		t.Errorf("something will be learned from a packet that was sent twice: %+v", e)
	}
}

func TestDeparturesAreFound(t *testing.T) {
	var d departures
	d.open()
	for i := range 3 * departuresKept {
		d.add(clockStart+int64(i)*1e6, 100)
	}
	last := uint16(d.next - 1)
	if d.find(last) == nil || d.find(last-departuresKept+1) == nil {
		t.Error("a packet is forgotten too early")
	}
	if d.find(last-departuresKept) != nil || d.find(last+1) != nil {
		t.Error("a packet is taken for another")
	}
	if ago := d.find(last - 10).since(clockStart + int64(d.next)*1e6); ago < 10.9e6 || ago > 11.1e6 {
		t.Errorf("sent %d ns ago", ago)
	}
}

// TestFeedbackOfAClockThatRunsBack: a client may tell of arrivals as early as it likes.
func TestFeedbackOfAClockThatRunsBack(t *testing.T) {
	const packets = 600
	early := []byte{0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, packets >> 8, packets & 0xff, 0, 0, 1, 0, 0x40 | packets>>8, packets & 0xff}
	for range packets {
		early = append(early, 0x80, 0) // 8 s before the last one
	}
	var tr Transport
	d := &tr.out.downlink
	d.departures.open()
	for range packets {
		d.departures.add(clockStart, 1000)
	}
	tr.takeFeedback(early, clockStart)
	for range 20 { // and then by three months, until the clock overflows
		early[16] ^= 0x80
		early[19]++
		d.departures.next = 0
		for range packets {
			d.departures.add(clockStart, 1000)
		}
		tr.takeFeedback(early, clockStart)
	}
}

// FuzzTakeFeedback: nothing that a client tells of packets does harm, however often it is told.
func FuzzTakeFeedback(f *testing.F) {
	f.Add([]byte{0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0, 3, 0, 0, 1, 5, 0x20, 3, 1, 2, 3, 0, 0, 0}, uint16(50), uint8(3))
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xf0, 0, 9, 0xff, 0xff, 0xff, 255, 0, 9, 0, 0}, uint16(9000), uint8(200))
	f.Fuzz(func(t *testing.T, b []byte, sent uint16, again uint8) {
		var tr Transport
		d := &tr.out.downlink
		d.departures.open()
		now := int64(clockStart)
		for range sent {
			now += 1e6
			d.departures.add(now, 1000)
		}
		for i := range int(again) {
			if len(b) >= 20 {
				b[19] += byte(i) // the feedback's count
			}
			now += 60e6
			tr.takeFeedback(b, now)
		}
		if rate := d.estimator.Target(); rate < 0 || rate > 1e12 {
			t.Fatalf("the estimate is %d", rate)
		}
	})
}
