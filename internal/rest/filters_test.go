package rest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// exhibit is what one list shows: a is of the 20th of April, b of the 22nd, c of the 24th and still going on where that can
// be; away belongs to another room and session, if it is anything.
type exhibit struct {
	path          string // of the list
	a, b, c, away string
}

// gallery has some of everything that lists show.
type gallery struct {
	*house
	exhibits map[string]*exhibit // by the path of the list in the document
	choices  map[string]choice   // by the name of the filter, after the list where it has its own
}

// choice is a value of a filter, and the names of an object that it chooses and one that it does not.
type choice struct{ value, in, out string }

const (
	dayA = "2021-04-20"
	dayB = "2021-04-22"
	dayC = "2021-04-24"
)

func newGallery(t *testing.T) *gallery {
	t.Helper()
	g := &gallery{house: newHouse(t), exhibits: map[string]*exhibit{}}
	rooms := g.show("/rooms", "/rooms")
	sessions, participants := g.show("/room_sessions", "/room_sessions"), g.show("/room_participants", "/room_participants")
	recordings, compositions := g.show("/room_recordings", "/room_recordings"), g.show("/room_compositions", "/room_compositions")
	deliveries, audits := g.show("/webhook_deliveries", "/webhook_deliveries"), g.show("/audit_events", "/audit_events")
	refused := g.show("/refused_joins", "/refused_joins")
	g.at(dayA + "T11:00:00Z")
	home := g.room(nil)
	sessions.away = g.openSession(g.room(nil)) // which goes on
	kind := map[string]video.EventType{dayA: video.EventTest, dayB: video.EventSessionEnded, dayC: video.EventSessionStarted}
	refuse := func(session string) string {
		g.note(session, video.Happening{Type: video.HappenedJoinRefused, ParticipantID: video.ParticipantID(video.NewUUID()), Reason: "room_full"})
		return g.query("SELECT max(seq) FROM happenings")[0]
	}
	add := func(day string, room, session, participant, recording, composition, delivery, knock *string) {
		g.at(day + "T12:00:00Z")
		*room = g.room(map[string]any{"unique_name": "room of " + day})
		*session = g.openSession(home)
		*participant = g.join(sessions.away, "context of "+day)
		*recording = g.record(sessions.away, func(r *video.Recording) {
			r.ParticipantID = video.ParticipantID(*participant)
			if day == dayA {
				r.Status, r.Type, r.Duration = video.RecordingFailed, video.Audio, 0
			}
		})
		*composition = g.compose(map[string]any{"session_id": sessions.away}).want(http.StatusAccepted).data()["id"].(string)
		d := g.event(g.account, kind[day], "https://"+day+".example")
		*delivery = d.ID
		*knock = refuse(sessions.away)
		if day == dayC {
			return
		}
		g.attempt(d, 200, "answer of "+day)
		g.leave(sessions.away, *participant)
		g.endSession(*session)
	}
	add(dayA, &rooms.a, &sessions.a, &participants.a, &recordings.a, &compositions.a, &deliveries.a, &refused.a)
	add(dayB, &rooms.b, &sessions.b, &participants.b, &recordings.b, &compositions.b, &deliveries.b, &refused.b)
	add(dayC, &rooms.c, &sessions.c, &participants.c, &recordings.c, &compositions.c, &deliveries.c, &refused.c)
	participants.away = g.join(sessions.c, "")
	refused.away = refuse(sessions.c)
	recordings.away = g.record(sessions.c, func(r *video.Recording) { r.ParticipantID = video.ParticipantID(participants.away) })
	compositions.away = g.compose(map[string]any{"session_id": sessions.c}).want(http.StatusAccepted).data()["id"].(string)
	g.query("UPDATE compositions SET status = 'failed' WHERE id = ?", compositions.a) // as no composer does yet
	g.query("UPDATE deliveries SET status = 'failed' WHERE id = ?", deliveries.a)
	told := video.NewUUID() // a session of which nothing else was told
	g.query("UPDATE deliveries SET session_id = ? WHERE id = ?", told, deliveries.a)
	*g.show("/rooms/{room_id}/sessions", "/rooms/"+home+"/sessions") = exhibit{"/rooms/" + home + "/sessions", sessions.a, sessions.b, sessions.c, ""}
	inOne := "/room_sessions/" + sessions.away + "/participants"
	*g.show("/room_sessions/{room_session_id}/participants", inOne) = exhibit{inOne, participants.a, participants.b, participants.c, ""}
	g.at(dayB + "T12:00:00Z")
	g.call("PATCH", "/rooms/"+rooms.b, `{"max_participants":3}`).want(http.StatusOK)
	entry := func(action, object string) string {
		return g.query("SELECT id FROM audits WHERE action = ? AND object_id = ?", action, object)[0]
	}
	audits.a, audits.b, audits.c = entry("room.create", rooms.a), entry("room.update", rooms.b), entry("room.create", rooms.c)

	g.choices = map[string]choice{
		"filter[unique_name]":        {"room of " + dayA, "a", "b"},
		"filter[search]":             {"OF " + dayA, "a", "b"},
		"filter[active]":             {"true", "c", "a"},
		"filter[context]":            {"context of " + dayA, "a", "b"},
		"filter[left_reason]":        {"left", "a", "c"},
		"filter[participant_id]":     {participants.a, "a", "b"},
		"filter[type]":               {"audio", "a", "b"},
		"filter[status]":             {"failed", "a", "b"},
		"filter[duration_secs]":      {"60", "b", "a"},
		"filter[status][eq]":         {"delivered", "b", "a"},
		"filter[event_type]":         {"rotunda.test", "a", "b"},
		"filter[webhook][contains]":  {strings.ToUpper(deliveries.a), "a", "b"},
		"filter[attempts][contains]": {"answer of " + dayA, "a", "b"},
		"filter[action]":             {"room.create", "a", "b"},
		"filter[object_id]":          {rooms.a, "a", "c"},
		"filter[session_id]":         {sessions.c, "away", "a"},
		"filter[room_id]":            {home, "away", "a"},

		"/room_sessions filter[room_id]":         {home, "a", "away"},
		"/webhook_deliveries filter[session_id]": {told, "a", "b"},
	}
	return g
}

func (g *gallery) show(list, path string) *exhibit {
	g.exhibits[list] = &exhibit{path: path}
	return g.exhibits[list]
}

// choose is a value for a filter of a list, with the ids of an object it chooses and one it does not.
func (g *gallery) choose(list, filter string) (value, in, out string) {
	g.Helper()
	e := g.exhibits[list]
	known, found := g.choices[list+" "+filter]
	if !found {
		known, found = g.choices[filter]
	}
	if time := strings.Contains(filter, "_at]["); time {
		known, found = map[string]choice{"[eq]": {dayA, "a", "b"}, "[gte]": {dayB, "b", "a"}, "[lte]": {dayA, "a", "b"}}[filter[strings.LastIndex(filter, "["):]], true
	}
	if !found {
		g.Fatalf("nobody knows what %s of %s chooses: teach the gallery", filter, list)
	}
	object := map[string]string{"a": e.a, "b": e.b, "c": e.c, "away": e.away}
	return known.value, object[known.in], object[known.out]
}

// filters are the documented filters of an operation.
func filters(documented *openapi3.Operation) (names []string) {
	for _, parameter := range documented.Parameters {
		if name := parameter.Value.Name; strings.HasPrefix(name, "filter") && name != "filter[all]" {
			names = append(names, name)
		}
	}
	return names
}

// Every documented filter of every list leaves in what fits, and out what does not.
func TestEveryFilterFilters(t *testing.T) {
	g, tried := newGallery(t), 0
	for op, documented := range table() {
		for _, filter := range filters(documented) {
			if op.method != http.MethodGet || documented.Parameters.GetByInAndName("query", "cursor") != nil || op.path == "/usage" {
				continue // lines of usage and what is paged by cursors have no ids, and tests of their own
			}
			tried++
			path := g.exhibits[op.path].path
			all := g.call("GET", path+"?page[size]=250", nil).ids()
			value, in, out := g.choose(op.path, filter)
			r := g.call("GET", path+parameters(filter, value, "page[size]", "250"), nil).want(http.StatusOK)
			got := r.ids()
			if !slices.Contains(all, in) || !slices.Contains(all, out) {
				t.Errorf("%s shows %v, and not %q and %q", op, all, in, out)
			}
			if !slices.Contains(got, in) || slices.Contains(got, out) {
				t.Errorf("%s of %s chooses %v, with %s and without %s", filter, op, got, in, out)
			}
			r.wantMeta(1, float64(len(got)), 1, 250)
			// With a second filter, both count.
			if both := g.call("GET", path+parameters(filter, value)+"&"+never(op.path, filter), nil).want(http.StatusOK).ids(); len(both) > 0 {
				t.Errorf("%s of %s with one that nothing fits chooses %v", filter, op, both)
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d filters were tried", tried)
	}
}

// never is another filter of a list, with a value that nothing fits.
func never(list, filter string) string {
	for _, parameter := range contract().doc.Paths.Value(list).Get.Parameters {
		if name := parameter.Value.Name; name != filter && (strings.HasSuffix(name, "_at][lte]") || strings.HasSuffix(name, "_at][eq]")) {
			return name + "=1999-12-31"
		}
	}
	return ""
}

// What takes many takes those that the filter of the same name shows in the list, and no others.
func TestEveryFilterOfManyFilters(t *testing.T) {
	g, tried := newGallery(t), 0
	whole := []string{"recordings", "deliveries", "account_totals"}
	for _, name := range whole {
		g.query("CREATE TABLE whole_" + name + " AS SELECT * FROM " + name)
	}
	for op, documented := range table() {
		if !bulk(documented) {
			continue
		}
		list := strings.TrimSuffix(op.path, "/actions/redeliver")
		names := filters(documented)
		if shown := filters(contract().doc.Paths.Value(list).Get); !slices.Equal(names, shown) {
			t.Errorf("%s takes %v, the list %v", op, names, shown)
		}
		for _, filter := range names {
			tried++
			for _, name := range whole { // what the one before took is there again
				g.query("DELETE FROM " + name)
				g.query("INSERT INTO " + name + " SELECT * FROM whole_" + name)
			}
			value, in, out := g.choose(list, filter)
			shown := g.call("GET", list+parameters(filter, value), nil)
			chosen := shown.ids()
			for i, each := range shown.body["data"].([]any) { // what has nowhere to go is passed over
				if each.(map[string]any)["status"] == "skipped" {
					chosen = slices.DeleteFunc(chosen, func(id string) bool { return id == shown.ids()[i] })
				}
			}
			before := g.call("GET", list+"/"+out, nil).want(http.StatusOK)
			for name, count := range g.call(op.method, op.path+parameters(filter, value), nil).data() {
				if count != float64(len(chosen)) {
					t.Errorf("%s by %s: %v %s, and the list shows %d", op, filter, count, name, len(chosen))
				}
			}
			if after := g.call("GET", list+"/"+out, nil).want(http.StatusOK); string(after.raw) != string(before.raw) {
				t.Errorf("%s by %s changed %s into %s", op, filter, before.raw, after.raw)
			}
			if after := g.call("GET", list+"/"+in, nil); after.status == http.StatusOK && after.data()["status"] != "pending" {
				t.Errorf("%s by %s left %s", op, filter, after.raw)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d filters were tried", tried)
	}
}
