package rest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/quality"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// idle is a media engine without connections.
type idle struct{}

func (idle) Totals() []video.ConnectionTotals { return nil }

// measured is a participant who is measured.
type measured struct {
	*house
	session, participant, stream string
}

func (h *house) measured() *measured {
	h.Helper()
	m := &measured{house: h, session: h.openSession(h.room(nil)), stream: video.NewUUID()}
	m.participant = h.join(m.session, "")
	h.quality.Joined(video.Participant{ID: video.ParticipantID(m.participant), AccountID: h.account, SessionID: video.SessionID(m.session)},
		video.Client{Name: "sdk", Version: "1", UserAgent: "Browser/2"})
	h.quality.Published(video.SessionID(m.session), video.Stream{ID: video.StreamID(m.stream), ParticipantID: video.ParticipantID(m.participant), Key: "self"})
	return m
}

// report has the participant's client report.
func (m *measured) report() {
	m.Helper()
	m.must(m.quality.Report(video.ParticipantID(m.participant), video.QualitySample{
		Interval: 10 * time.Second, Connection: video.Connection{Path: video.PathUDP, RoundTrip: 23440 * time.Microsecond, Available: 1e6},
		Tracks: []video.TrackQuality{{
			TrackID: video.TrackID{StreamID: video.StreamID(m.stream), Kind: video.Video}, Layer: "h", Octets: 1_000_000, Packets: 1000, Lost: 15, Repaired: 14,
			Width: 1280, Height: 720, Frames: 299, Jitter: 4 * time.Millisecond, LimitedBy: video.LimitedByCPU,
		}},
	}))
}

func TestParticipantQuality(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00Z")
	m := h.measured()
	begun := h.clock()
	for i := range 90 {
		h.at(begun.Add(time.Duration(i+1) * 10 * time.Second).Format(time.RFC3339))
		m.report()
	}
	path := "/room_participants/" + m.participant + "/quality"
	r := h.call("GET", path+parameters("page[size]", "2"), nil).want(http.StatusOK)
	items := r.body["data"].([]any)
	want := map[string]any{
		"record_type": "room_participant_quality", "participant_id": m.participant, "measured_at": "2021-04-20T12:00:00.000000Z",
		"client":    map[string]any{"name": "sdk", "version": "1", "user_agent": "Browser/2"},
		"by_server": nil,
		"by_client": map[string]any{
			"interval_secs": 10.0, "path": "udp", "round_trip_ms": 23.4, "available_bps": 1e6, "receive": []any{},
			"publish": []any{map[string]any{
				"stream_id": m.stream, "key": "self", "kind": "video", "layer": "h", "bitrate_bps": 800_000.0, "packets": 1000.0, "packets_lost": 15.0, "loss": 0.015,
				"packets_repaired": 14.0, "jitter_ms": 4.0, "width": 1280.0, "height": 720.0, "frames_per_second": 29.9, "freezes": 0.0, "frozen_ms": 0.0,
				"concealed_ms": 0.0, "paused_ms": 0.0, "limited_by": "cpu",
			}},
		},
	}
	if len(items) != 2 || !reflect.DeepEqual(items[0], want) {
		t.Fatalf("%s", r.raw)
	}
	pages := func(query ...string) (times []string) {
		for cursor := "0"; ; {
			r := h.call("GET", path+parameters(append(query, "cursor", cursor)...), nil).want(http.StatusOK)
			for _, item := range r.body["data"].([]any) {
				times = append(times, item.(map[string]any)["measured_at"].(string))
			}
			next := r.body["meta"].(map[string]any)["next_cursor"]
			if next == nil || len(times) > 100 {
				return times
			}
			cursor = next.(string)
		}
	}
	if all := pages("page[size]", "7"); len(all) != 90 || all[89] != "2021-04-20T12:14:50.000000Z" {
		t.Errorf("walked over %v", all)
	}
	if all := pages("resolution_secs", "600", "page[size]", "1"); !reflect.DeepEqual(all, []string{"2021-04-20T12:00:00.000000Z", "2021-04-20T12:10:00.000000Z"}) {
		t.Errorf("walked over %v", all)
	}
	some := pages("filter[date_measured_at][gte]", "2021-04-20T12:01:00Z", "filter[date_measured_at][lte]", "2021-04-20T12:01:20Z")
	if len(some) != 3 || some[0] != "2021-04-20T12:01:00.000000Z" {
		t.Errorf("of twenty seconds: %v", some)
	}
	if some := pages("filter[date_measured_at][eq]", "2021-04-20T12:01:00Z"); len(some) != 1 {
		t.Errorf("of one moment: %v", some)
	}
	if some := pages("filter[date_measured_at][eq]", "2021-04-21"); len(some) != 0 {
		t.Errorf("of another day: %v", some)
	}
}

func TestQualityIsAskedWrongly(t *testing.T) {
	h := newHouse(t)
	m := h.measured()
	path := "/room_participants/" + m.participant + "/quality?"
	for _, query := range []string{"resolution_secs=11", "resolution_secs=x", "cursor=-1", "cursor=253402300800", "page[size]=0", "page[size]=251"} {
		name, _, _ := strings.Cut(query, "=")
		h.call("GET", path+query, nil).wantFaults(http.StatusBadRequest, "10015 "+name)
	}
	h.call("GET", "/room_participants/"+video.NewUUID()+"/quality", nil).wantFaults(http.StatusNotFound, "10005")
	h.call("GET", "/room_sessions/"+video.NewUUID()+"/quality", nil).wantFaults(http.StatusNotFound, "10005")
}

func TestSessionQuality(t *testing.T) {
	h := newHouse(t)
	m := h.measured()
	path := "/room_sessions/" + m.session + "/quality"
	if data := h.call("GET", path, nil).want(http.StatusOK).body["data"].([]any); len(data) != 0 {
		t.Fatalf("before anything was measured: %v", data)
	}
	server := h.serve(time.Second)
	s := h.follow(t.Context(), server, path)
	m.report()
	late := h.follow(t.Context(), server, path)
	for _, each := range []*stream{s, late} {
		_, event, data := each.next()
		if event != "quality" || data["participant_id"] != m.participant || data["by_server"] != nil {
			t.Fatalf("event %q with %v", event, data)
		}
	}
	item := h.call("GET", path, nil).want(http.StatusOK).body["data"].([]any)[0].(map[string]any)
	if item["by_client"].(map[string]any)["path"] != "udp" {
		t.Errorf("%v", item)
	}
	h.endSession(m.session)
	h.quality.Left(video.ParticipantID(m.participant))
	if _, event, data := h.follow(t.Context(), server, path).next(); event != "end" || data["session_id"] != m.session {
		t.Fatalf("of a session that has ended: %q with %v", event, data)
	}
}

// A stream goes on without news, and ends after its session.
func TestQualityFollowedToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		e := &entrance{Config: Config{
			Sessions: quiet{ends: begun.Add(3*heartbeat - time.Second)}, Quality: quality.New(quality.Config{Engine: idle{}}),
		}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		recorder := httptest.NewRecorder()
		if err := e.followQuality(recorder, &request{Request: r}, video.Session{}); err != nil {
			t.Error(err)
		}
		sent, _ := io.ReadAll(recorder.Body)
		want := strings.Repeat(": still there\n\n", 3) + "event: end\ndata: {\"session_id\":\"\"}\n\n"
		if took := time.Since(begun); string(sent) != want || took != 3*heartbeat {
			t.Errorf("%q was sent in %s, want %q", sent, took, want)
		}
		if len(e.followers.counts) > 0 {
			t.Errorf("still followed: %v", e.followers.counts)
		}
	})
}

// Who sends counts all packets, who receives those that came.
func TestLoss(t *testing.T) {
	for _, c := range []struct {
		track video.TrackQuality
		by    video.QualitySource
		want  float64
	}{
		{video.TrackQuality{Packets: 90, Lost: 10}, video.QualityByClient, 0.1},
		{video.TrackQuality{Packets: 100, Lost: 10}, video.QualityByServer, 0.1},
		{video.TrackQuality{TrackID: video.TrackID{Publishes: true}, Packets: 100, Lost: 10}, video.QualityByClient, 0.1},
		{video.TrackQuality{TrackID: video.TrackID{Publishes: true}, Packets: 90, Lost: 10}, video.QualityByServer, 0.1},
		{video.TrackQuality{TrackID: video.TrackID{Publishes: true}, Packets: 5, Lost: 10}, video.QualityByClient, 1},
		{video.TrackQuality{Lost: 0}, video.QualityByClient, 0},
	} {
		if got := c.track.Loss(c.by); fmt.Sprintf("%.4f", got) != fmt.Sprintf("%.4f", c.want) {
			t.Errorf("%+v by %s: %v, want %v", c.track, c.by, got, c.want)
		}
	}
}
