package sfu

import (
	"context"
	"maps"
	"testing"

	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (w *wire) wantLines(t *testing.T, times, wanted int, receiving map[string]video.StreamID) {
	t.Helper()
	w.mu.Lock()
	asked := w.timesWanted
	w.mu.Unlock()
	n, got := w.lines()
	if asked != times || n != wanted || !maps.Equal(got, receiving) {
		t.Fatalf("lines were asked for %d times, last %d; receiving %v; want %d times, %d, %v", asked, n, got, times, wanted, receiving)
	}
}

type carried = map[string]video.StreamID

func TestLinesOutliveStreams(t *testing.T) {
	e := newEngine(t)
	v := newWire(t, e, "s")
	var last *rtp.Packet
	p := newWire(t, e, "s", withDirection(videoLine("0", 500), "sendonly"), withDirection(videoLine("1", 501), "sendonly"))
	for i, s := range []struct {
		id     video.StreamID
		mid    string
		camera *encoder
	}{{"first", "0", p.vp8(500)}, {"second", "1", p.vp8(501)}, {"first again", "0", p.vp8(502)}, {"second", "1", p.vp8(503)}} {
		s.camera.seq, s.camera.timestamp, s.camera.picture = uint16(i)*30000, uint32(i)*0x60000000, uint16(i)*10000
		p.transport.router.media.Lock()
		tr := p.transport.all[i%2].track
		p.transport.in.sources[s.camera.ssrc] = source{layer: tr.addLayer("", s.camera.ssrc)}
		p.transport.router.media.Unlock()
		p.publish(s.id, video.Lines{VideoMID: s.mid})
		v.subscribe(video.Subscription{StreamID: s.id, Audio: true, Video: true})
		if i == 0 {
			v.wantLines(t, 1, 1, carried{})
			v.offer(receivePair("a", "v")...)
		}
		v.wantLines(t, 1, 1, carried{"a": s.id, "v": s.id})
		s.camera.frame(true)
		s.camera.frames(2)
		got := v.take(3)
		if last != nil {
			got = append([]*rtp.Packet{last}, got...)
		}
		unbroken(t, got)
		last = got[len(got)-1]
		p.transport.Unpublish(s.id)
		v.wantLines(t, 1, 1, carried{})
		before := e.Stats().PacketsSent
		s.camera.frame(true)
		if e.Stats().PacketsSent != before {
			t.Fatal("a stream goes on after its end")
		}
		if err := v.transport.Subscribe(video.Subscription{StreamID: s.id}); video.CodeOf(err) != video.CodeStreamNotFound {
			t.Fatalf("%v", err)
		}
	}
}

func TestFreedLinesGoToThoseWaiting(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(videoLine("0", 500), "sendonly"), withDirection(videoLine("1", 501), "sendonly"), withDirection(videoLine("2", 502), "sendonly"))
	v := newWire(t, e, "s", receivePair("a", "v")...)
	for i, id := range []video.StreamID{"one", "two", "three"} {
		p.publish(id, video.Lines{VideoMID: string(rune('0' + i))})
		v.subscribe(video.Subscription{StreamID: id, Audio: true, Video: true})
	}
	v.wantLines(t, 2, 3, carried{"a": "one", "v": "one"})
	v.transport.Unsubscribe("two") // while it waits
	v.transport.Unsubscribe("unknown")
	v.wantLines(t, 2, 3, carried{"a": "one", "v": "one"})
	v.transport.Unsubscribe("one")
	v.wantLines(t, 2, 3, carried{"a": "three", "v": "three"})
	p.vp8(500).frame(true)
	if e.Stats().PacketsSent != 0 {
		t.Fatal("an ended subscription goes on")
	}
	p.vp8(502).frame(true)
	v.take(1)
	v.subscribe(video.Subscription{StreamID: "one", Audio: true, Video: true})
	v.subscribe(video.Subscription{StreamID: "two", Audio: true, Video: true})
	p.transport.Unpublish("three")
	v.wantLines(t, 2, 3, carried{"a": "one", "v": "one"})
	v.offer(receivePair("a2", "v2")...)
	v.wantLines(t, 2, 3, carried{"a": "one", "v": "one", "a2": "two", "v2": "two"})
	p.transport.Close()
	v.wantLines(t, 2, 3, carried{})
	if len(v.transport.subscriptions) != 0 {
		t.Fatal("subscriptions to streams of one who left")
	}
}

func TestSeveralViewers(t *testing.T) {
	c := newCall(t)
	var viewers []*wire
	for range 5 {
		v := newWire(t, c.engine, c.session, receivePair("a", "v")...)
		v.subscribe(video.Subscription{StreamID: c.stream, Video: true})
		viewers = append(viewers, v)
	}
	c.camera.frame(true)
	c.camera.frames(9)
	viewers[0].transport.Close()
	viewers[1].transport.Unsubscribe(c.stream)
	c.camera.frames(5)
	ssrcs := map[uint32]bool{}
	for i, v := range append(viewers, c.viewer) {
		n := 15
		if i < 2 {
			n = 10
		}
		got := v.take(n)
		unbroken(t, got)
		ssrcs[got[0].SSRC] = true
	}
	if len(ssrcs) != 6 {
		t.Fatalf("%d sources at 6 viewers", len(ssrcs))
	}
}

func TestSessionsAreApart(t *testing.T) {
	c := newCall(t)
	other := newWire(t, c.engine, "another session", receivePair("a", "v")...)
	if err := other.transport.Subscribe(video.Subscription{StreamID: c.stream}); video.CodeOf(err) != video.CodeStreamNotFound {
		t.Fatalf("%v", err)
	}
}

func TestViewerWithVideoLinesOnly(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("s", video.Lines{AudioMID: "0", VideoMID: "1"})
	v := newWire(t, e, "s", withDirection(videoLine("v", 0), "recvonly"))
	v.subscribe(video.Subscription{StreamID: "s", Audio: true, Video: true})
	v.wantLines(t, 0, 0, carried{"v": "s"})
	p.opus(600).frame(false)
	p.vp8(500).frame(true)
	if got := v.take(1)[0]; got.PayloadType != 96 || e.Stats().PacketsSent != 1 {
		t.Fatalf("%+v", got.Header)
	}
}

// TestLineThatGoesBothWays is for us to send on when the client waits for media, else for the client.
func TestLineThatGoesBothWays(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(videoLine("0", 500), "sendrecv"))
	p.publish("s", video.Lines{VideoMID: "0"})
	v := newWire(t, e, "s")
	v.subscribe(video.Subscription{StreamID: "s", Video: true})
	v.offer(withDirection(videoLine("v", 900), "sendrecv"))
	p.vp8(500).frame(true)
	v.take(1)
}

func TestPublishRefused(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("a", 600), "sendonly"), withDirection(videoLine("v", 500), "sendonly"),
		withDirection(videoLine("busy", 501), "sendonly"), withDirection(videoLine("r", 0), "recvonly"), withDirection(videoLine("i", 0), "inactive"))
	p.publish("s", video.Lines{VideoMID: "busy"})
	for _, c := range []struct {
		name  string
		id    video.StreamID
		lines video.Lines
		code  video.Code
		field string
	}{
		{"unknown line", "x", video.Lines{AudioMID: "nope"}, video.CodeMedia, "/audio/mid"},
		{"line of the other kind", "x", video.Lines{AudioMID: "v"}, video.CodeMedia, "/audio/mid"},
		{"second line of the other kind", "x", video.Lines{AudioMID: "a", VideoMID: "a"}, video.CodeMedia, "/video/mid"},
		{"busy line", "x", video.Lines{AudioMID: "a", VideoMID: "busy"}, video.CodeMedia, "/video/mid"},
		{"line to receive on", "x", video.Lines{VideoMID: "r"}, video.CodeMedia, "/video/mid"},
		{"line for nothing", "x", video.Lines{VideoMID: "i"}, video.CodeMedia, "/video/mid"},
		{"published already", "s", video.Lines{VideoMID: "v"}, video.CodeState, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.transport.Publish(c.id, c.lines)
			e, ok := err.(*video.Error)
			if !ok || e.Code != c.code || e.Field != c.field {
				t.Fatalf("%#v", err)
			}
		})
	}
	p.publish("free after all that", video.Lines{AudioMID: "a", VideoMID: "v"})
	p.transport.Close()
	if err := p.transport.Publish("y", video.Lines{}); video.CodeOf(err) != video.CodeState {
		t.Errorf("publishing on a closed connection: %v", err)
	}
	if err := p.transport.Subscribe(video.Subscription{StreamID: "s"}); video.CodeOf(err) != video.CodeState {
		t.Errorf("subscribing on a closed connection: %v", err)
	}
	if _, err := p.transport.Negotiate(context.Background(), offerText("0")); video.CodeOf(err) != video.CodeState {
		t.Errorf("negotiating a closed connection: %v", err)
	}
	p.transport.Unpublish("s")
	p.transport.Unsubscribe("s")
}

// TestCodecs: payload types differ from client to client, and what a client cannot decode is not sent.
func TestCodecs(t *testing.T) {
	baseline := format{codec: h264, payloadType: 102, rtx: 103, clockRate: 90000, profile: "42e0"}
	high := format{codec: h264, payloadType: 108, clockRate: 90000, profile: "6400"}
	vp := format{codec: vp8, payloadType: 120, clockRate: 90000}
	as := func(f format, pt uint8) format { f.payloadType = pt; return f }
	for _, c := range []struct {
		name    string
		send    format
		receive []format
		want    uint8 // 0: not sent
	}{
		{"same payload type", baseline, []format{baseline}, 102},
		{"another payload type", baseline, []format{vp, as(baseline, 35)}, 35},
		{"the same profile is preferred", baseline, []format{high, as(baseline, 36)}, 36},
		{"another profile serves", baseline, []format{vp, high}, 108},
		{"no H264", baseline, []format{vp}, 0},
		{"no VP8", as(vp, 98), []format{baseline, high}, 0},
		{"VP8", as(vp, 98), []format{baseline, vp}, 120},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(t)
			l := withDirection(videoLine("0", 500), "sendonly")
			l.formats = []format{c.send}
			p := newWire(t, e, "s", l)
			p.publish("s", video.Lines{VideoMID: "0"})
			r := withDirection(videoLine("v", 0), "recvonly")
			r.formats = c.receive
			v := newWire(t, e, "s", r)
			v.subscribe(video.Subscription{StreamID: "s", Video: true})
			camera := p.vp8(500)
			camera.payloadType = c.send.payloadType
			frame := camera.make(true)
			if c.send.codec == h264 {
				frame.Payload = []byte{0x67, 0x42, 0xe0, 0x1f, 0x8c}
			}
			p.push(frame, e.Now())
			if c.want == 0 {
				if s := e.Stats(); s.PacketsSent != 0 || s.PacketsUnsupported != 1 {
					t.Fatalf("%d packets sent that cannot be decoded, %d counted", s.PacketsSent, s.PacketsUnsupported)
				}
				return
			}
			got := v.take(1)[0]
			if got.PayloadType != c.want || string(got.Payload) != string(frame.Payload) {
				t.Fatalf("payload type %d, payload %x", got.PayloadType, got.Payload)
			}
		})
	}
}
