package signal_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// ledger is where figures of quality go.
type ledger struct {
	mu      sync.Mutex
	clients map[video.ParticipantID]video.Client // guarded by mu; of those who are in
	streams map[video.StreamID]string            // guarded by mu
	samples []video.QualitySample                // guarded by mu
}

func (l *ledger) Joined(p video.Participant, client video.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients[p.ID] = client
}

func (l *ledger) Left(id video.ParticipantID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.clients, id)
}

func (l *ledger) Published(_ video.SessionID, st video.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[st.ID] = st.Key
}

func (l *ledger) Unpublished(id video.StreamID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, id)
}

func (l *ledger) Report(_ video.ParticipantID, sample video.QualitySample) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.samples) > 0 {
		return video.Errorf(video.CodeState, "too soon")
	}
	l.samples = append(l.samples, sample)
	return nil
}

func newHouseWithLedger(t *testing.T) (*house, *ledger) {
	l := &ledger{clients: map[video.ParticipantID]video.Client{}, streams: map[video.StreamID]string{}}
	h := newHouseOf(t, func(c *live.Config) { c.Quality = l }, func(c *signal.Config) { c.QualityInterval = 10 * time.Second })
	return h, l
}

func TestReportQuality(t *testing.T) {
	h, l := newHouseWithLedger(t)
	c := h.dial()
	hello := c.ask("hello", object{"version": 1, "token": h.token(), "client": object{"name": "sdk", "version": strings.Repeat("é", 300)}})
	if hello["quality_interval_secs"] != 10.0 {
		t.Fatalf("%v", hello["quality_interval_secs"])
	}
	c.join()
	l.mu.Lock()
	client := l.clients[video.ParticipantID(c.id)]
	l.mu.Unlock()
	if client.Name != "sdk" || client.Version != strings.Repeat("é", 128) || client.UserAgent == "" {
		t.Fatalf("joined as %+v", client)
	}
	stream := video.NewUUID()
	c.ask("report_quality", object{
		"interval_ms": 10_000.4, "path": "relay_tls", "round_trip_ms": 31.5, "available_bps": 2.5e6,
		"tracks": []object{{"stream_id": stream, "kind": "video", "rid": "h", "limited_by": "cpu", "bytes": 1e6, "packets": 900, "lost": 3, "jitter_ms": 2.25}},
	})
	l.mu.Lock()
	got := l.samples[0]
	l.mu.Unlock()
	want := video.TrackQuality{
		TrackID: video.TrackID{StreamID: video.StreamID(stream), Kind: video.Video}, Layer: "h", LimitedBy: video.LimitedByCPU,
		Octets: 1e6, Packets: 900, Lost: 3, Jitter: 2250 * time.Microsecond,
	}
	if got.Path != video.PathRelayTLS || got.RoundTrip != 31500*time.Microsecond || got.Available != 2.5e6 || len(got.Tracks) != 1 || got.Tracks[0] != want {
		t.Fatalf("%+v", got)
	}
	if code := c.refused("report_quality", object{"interval_ms": 10_000}); code != "invalid_state" {
		t.Fatalf("a second report at once: %s", code)
	}
}

func TestStreamsAreKnownToQuality(t *testing.T) {
	h, l := newHouseWithLedger(t)
	c := h.joined()
	known := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.streams)
	}
	reply := c.ask("publish", publishFields("self"))
	if known() != 1 {
		t.Fatal("a stream that was published is not known")
	}
	c.ask("unpublish", object{"stream_id": reply["stream_id"]})
	if known() != 0 {
		t.Fatal("a stream that is gone is known")
	}
	c.ask("leave", nil)
	c.closed() // it was out before the close was sent
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.clients) != 0 {
		t.Fatal("who left is still there")
	}
}

// What cannot be is refused, with the place of the fault.
func TestBadReports(t *testing.T) {
	h, l := newHouseWithLedger(t)
	c := h.joined()
	id := video.NewUUID()
	track := func(field string, value any) object {
		t := object{"stream_id": id, "kind": "audio"}
		t[field] = value
		return object{"interval_ms": 10_000, "tracks": []object{{"stream_id": id, "kind": "video"}, t}}
	}
	tooMany := make([]object, 257)
	for i := range tooMany {
		tooMany[i] = object{"stream_id": id, "kind": "audio"}
	}
	for _, bad := range []struct {
		report object
		field  string
	}{
		{object{}, "/interval_ms"},
		{object{"interval_ms": 999}, "/interval_ms"},
		{object{"interval_ms": 120_001}, "/interval_ms"},
		{object{"interval_ms": 10_000, "path": "pigeon"}, "/path"},
		{object{"interval_ms": 10_000, "available_bps": -1}, "/available_bps"},
		{object{"interval_ms": 10_000, "round_trip_ms": "long"}, "/round_trip_ms"},
		{object{"interval_ms": 10_000, "tracks": tooMany}, "/tracks"},
		{track("stream_id", "x"), "/tracks/1/stream_id"},
		{track("kind", "smell"), "/tracks/1/kind"},
		{track("rid", strings.Repeat("x", 17)), "/tracks/1/rid"},
		{track("limited_by", "mood"), "/tracks/1/limited_by"},
		{track("bytes", -1), "/tracks/1/bytes"},
		{track("packets", 1e15), "/tracks/1/packets"},
		{track("width", 70_000), "/tracks/1/width"},
		{track("jitter_ms", 1e9), "/tracks/1/jitter_ms"},
	} {
		if got := c.refused("report_quality", bad.report); got != "invalid_argument "+bad.field {
			t.Errorf("%v: %s, want a fault at %s", bad.report, got, bad.field)
		}
	}
	if len(l.samples) != 0 {
		t.Errorf("kept %+v", l.samples)
	}
}
