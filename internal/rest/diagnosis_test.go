package rest

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestDiagnosis(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00Z")
	m := h.measured()
	begun := h.clock()
	tick := func(n int) {
		for range n {
			h.at(h.clock().Add(10 * time.Second).Format(time.RFC3339))
			m.report()
		}
	}
	happen := func(kind video.HappeningType) {
		h.note(m.session, video.Happening{Type: kind, ParticipantID: video.ParticipantID(m.participant)})
	}
	tick(6)
	happen(video.HappenedConnectionLost)
	happen(video.HappenedMediaLost)
	tick(1)
	happen(video.HappenedConnectionResumed)
	tick(1)
	happen(video.HappenedMediaConnected)
	happen(video.HappenedConnectionResumed)
	tick(4)
	h.leave(m.session, m.participant)
	path := "/room_participants/" + m.participant + "/diagnosis"
	r := h.call("GET", path, nil).want(http.StatusOK)
	at := func(secs int) string {
		return begun.Add(time.Duration(secs) * time.Second).Format("2006-01-02T15:04:05.000000Z")
	}
	span := func(from, until int) any { return map[string]any{"from": at(from), "until": at(until)} }
	want := map[string]any{
		"record_type": "room_participant_diagnosis", "participant_id": m.participant, "from": at(0), "until": at(120), "resolution_secs": 10.0,
		"sentence": "On the participant's side, in their network: the connection broke once, for 20 s in all; besides, the device was too slow to encode " +
			"the picture it wanted to send, for 2 min.",
		"side": "participant_network",
		"findings": []any{
			map[string]any{
				"code": "connection_lost", "side": "participant_network", "direction": "both", "text": "the connection broke once, for 20 s in all",
				"duration_secs": 20.0, "worst": 20000.0, "unit": "ms", "spans": []any{span(60, 80)},
			},
			map[string]any{
				"code": "cpu_limited", "side": "participant_device", "direction": "publish",
				"text":          "the device was too slow to encode the picture it wanted to send, for 2 min",
				"duration_secs": 120.0, "worst": 0.0, "spans": []any{span(0, 120)},
			},
		},
	}
	if got := r.data(); !reflect.DeepEqual(got, want) {
		t.Errorf("diagnosed %s\nwant %v", r.raw, want)
	}
	part := h.call("GET", path+parameters("from", at(90), "until", at(100)), nil).want(http.StatusOK).data()
	if part["sentence"] != "Nothing went wrong on either side." || part["from"] != at(90) || part["until"] != at(100) {
		t.Errorf("of ten seconds: %v", part)
	}
	none := h.call("GET", path+parameters("from", at(500), "until", at(400)), nil).want(http.StatusOK).data()
	if none["sentence"] != "Nothing was measured of this participant's media in this time." {
		t.Errorf("after all: %v", none)
	}
}

func TestDiagnosisIsAskedWrongly(t *testing.T) {
	h := newHouse(t)
	m := h.measured()
	path := "/room_participants/" + m.participant + "/diagnosis"
	h.call("GET", path+parameters("from", "now", "until", ""), nil).wantFaults(http.StatusBadRequest, "10015 from", "10015 until")
	h.call("GET", "/room_participants/"+absentID+"/diagnosis", nil).wantFaults(http.StatusNotFound, "10005")
	h.call("GET", path, nil, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
}
