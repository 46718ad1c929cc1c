package rest

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// used has two rooms used over two days: Alice is in one from 23:30 to 00:15, and was sent a megabyte and a half; Bob is in the other for ten
// minutes of the second day. It returns the first room.
func (h *house) used() string {
	h.Helper()
	h.at("2021-04-20T23:30:00Z")
	hall, den := h.room(map[string]any{"unique_name": "hall"}), h.room(map[string]any{"unique_name": "=den"})
	first, second := h.openSession(hall), h.openSession(den)
	alice := h.join(first, "")
	h.record(first, nil)
	h.at("2021-04-21T00:15:00Z")
	h.leave(first, alice)
	bob := h.join(second, "")
	h.must(h.store.AddTraffic(h.Context(), []video.Traffic{
		{SessionID: video.SessionID(first), At: h.clock(), Sent: 1_500_000}, {AccountID: h.account, RoomID: video.RoomID(hall), At: h.clock(), Downloaded: 250_000},
	}))
	h.at("2021-04-21T00:25:00Z")
	h.leave(second, bob)
	return hall
}

func TestUsage(t *testing.T) {
	h := newHouse(t)
	hall := h.used()
	lines := func(r reply) (lines []string) {
		for _, item := range append(r.body["data"].([]any), r.body["totals"]) {
			u := item.(map[string]any)
			lines = append(lines, fmt.Sprint(u["date"], " ", u["room_name"], " ", u["participant_minutes"], " ", u["recorded_minutes"], " ", u["egress_mb"], " ",
				u["download_mb"], " ", u["stored_mb"]))
		}
		return lines
	}
	april := "filter[date][gte]=2021-04-20&filter[date][lte]=2021-04-21"
	for target, want := range map[string][]string{
		"?" + april: {
			"2021-04-21 hall 15 0 1.5 0.25 4.2", "2021-04-21 =den 10 0 0 0 0", "2021-04-20 hall 30 1.017 0 0 4.2", "<nil> <nil> 55 1.017 1.5 0.25 4.2",
		},
		"?group_by=day&" + april: {
			"2021-04-21 <nil> 25 0 1.5 0.25 4.2", "2021-04-20 <nil> 30 1.017 0 0 4.2", "<nil> <nil> 55 1.017 1.5 0.25 4.2",
		},
		"?group_by=room&filter[date][gte]=2021-04-21":                        {"<nil> hall 15 0 1.5 0.25 4.2", "<nil> =den 10 0 0 0 0", "<nil> <nil> 25 0 1.5 0.25 4.2"},
		"?group_by=room&page[size]=1&page[number]=2&" + april:                {"<nil> =den 10 0 0 0 0", "<nil> <nil> 55 1.017 1.5 0.25 4.2"},
		"?group_by=day&filter[date][lte]=2021-04-20&filter[room_id]=" + hall: {"2021-04-20 <nil> 30 1.017 0 0 4.2", "<nil> <nil> 30 1.017 0 0 4.2"},
		"?filter[room_id]=" + absentID + "&" + april:                         {"<nil> <nil> 0 0 0 0 0"},
	} {
		if got := lines(h.call("GET", "/usage"+target, nil).want(http.StatusOK)); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", target, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	totals := h.call("GET", "/usage", nil).want(http.StatusOK).body["totals"].(map[string]any)
	today := time.Now().UTC()
	if totals["to"] != today.Format(time.DateOnly) || totals["from"] != today.AddDate(0, 0, 1-usualDays).Format(time.DateOnly) {
		t.Errorf("without a filter: %v", totals)
	}
	for query, fault := range map[string]string{
		"filter[date][gte]=yesterday": "10031 filter[date][gte]", "filter[date][eq]=2021-04-20": "10031 filter[date][eq]", "filter[room_id]=x": "10031 filter[room_id]",
	} {
		h.call("GET", "/usage?"+query, nil).wantFaults(http.StatusBadRequest, fault)
	}
	h.call("GET", "/usage?group_by=week", nil).want(http.StatusUnprocessableEntity)
}

func TestUsageAsCSV(t *testing.T) {
	h := newHouse(t)
	hall := h.used()
	target := "/usage?group_by=room&page[size]=1&filter[date][gte]=2021-04-20&filter[date][lte]=2021-04-21"
	for _, r := range []reply{
		h.call("GET", target, nil, "Accept", "text/csv"), h.call("GET", target+"&format=csv", nil), h.call("GET", target+"&format=csv", nil, "Accept", "application/json"),
	} {
		r.want(http.StatusOK)
		if kind, as := r.header.Get("Content-Type"), r.header.Get("Content-Disposition"); kind != "text/csv" || as != "attachment; filename=usage-2021-04-20-2021-04-21.csv" {
			t.Errorf("it comes as %s, %s", kind, as)
		}
		lines, err := csv.NewReader(strings.NewReader(string(r.raw))).ReadAll()
		h.must(err)
		if len(lines) != 3 || strings.Join(lines[1], ",") != ","+hall+",hall,45,1.017,0,1.5,0.25,4.2" || lines[2][2] != "'=den" {
			t.Errorf("%q", lines)
		}
	}
	if kind := h.call("GET", target+"&format=json", nil, "Accept", "text/csv").want(http.StatusOK).header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("asked for JSON, it comes as %s", kind)
	}
}
