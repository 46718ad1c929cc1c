package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestModeration(t *testing.T) {
	h := newHouse(t)
	room := h.room(nil)
	session := h.openSession(room)
	a, b := video.NewUUID(), video.NewUUID()
	some := video.Selection{IDs: []video.ParticipantID{video.ParticipantID(a)}, Exclude: []video.ParticipantID{}}
	for _, test := range []struct {
		action string
		body   any
		asked  video.Selection
	}{
		{"end", nil, video.Selection{}},
		{"end", "no JSON at all", video.Selection{}},
		{"kick", map[string]any{"participants": []string{strings.ToUpper(a)}}, some},
		{"mute", map[string]any{"participants": "all", "exclude": []string{b}}, video.Selection{
			All: true, IDs: []video.ParticipantID{}, Exclude: []video.ParticipantID{video.ParticipantID(b)},
		}},
		{"start_recording", map[string]any{"participants": []string{strings.ToUpper(a)}}, some},
		{"stop_recording", map[string]any{"participants": []string{a}}, some},
		{"unmute", map[string]any{"participants": []string{}}, video.Selection{IDs: []video.ParticipantID{}, Exclude: []video.ParticipantID{}}},
	} {
		for _, changed := range [][]video.ParticipantID{nil, {video.ParticipantID(b), video.ParticipantID(a)}} {
			asked := ""
			h.live.moderate = func(
				action string, r video.RoomID, id video.SessionID, s video.Selection,
			) ([]video.ParticipantID, error) {
				asked = fmt.Sprint(action, r, id)
				if !reflect.DeepEqual(s, test.asked) {
					t.Errorf("%s %v selects %+v, want %+v", test.action, test.body, s, test.asked)
				}
				return changed, nil
			}
			got := h.call("POST", "/room_sessions/"+session+"/actions/"+test.action, test.body).want(http.StatusOK).data()
			want := []any{}
			for _, id := range changed {
				want = append(want, string(id))
			}
			if got["result"] != "ok" || !reflect.DeepEqual(got["participants"], any(want)) || asked != fmt.Sprint(test.action, room, session) {
				t.Errorf("%s answered %v after asking %q", test.action, got, asked)
			}
		}
	}
}

func TestModerationRefused(t *testing.T) {
	h := newHouse(t)
	session, over := h.openSession(h.room(nil)), h.openSession(h.room(nil))
	h.endSession(over)
	h.live.moderate = func(action string, _ video.RoomID, id video.SessionID, s video.Selection) ([]video.ParticipantID, error) {
		t.Errorf("asked to %s %s of %s", action, s.IDs, id)
		return nil, nil
	}
	for _, action := range []string{"end", "kick", "mute", "unmute", "start_recording", "stop_recording"} {
		path := func(id string) string { return "/room_sessions/" + id + "/actions/" + action }
		all := map[string]any{"participants": "all"}
		h.call("POST", path(over), all).wantFaults(http.StatusUnprocessableEntity, "10027")
		h.call("POST", path(absentID), all).wantFaults(http.StatusNotFound, "10005")
		h.call("POST", path("x"), all).wantFaults(http.StatusNotFound, "10006")
		h.call("POST", path(session), all, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
		if action == "end" {
			continue
		}
		for body, want := range map[string][]string{
			"":                               {"10004 /participants"},
			`{}`:                             {"10004 /participants"},
			`{"exclude":[]}`:                 {"10004 /participants"},
			`{"participants":null}`:          {"10026 /participants"},
			`{"participants":7,"exclude":7}`: {"10026 /exclude", "10026 /participants"},
			`{"participants":"some"}`:        {"10032 /participants"},
			`{"participants":["` + absentID + `","x",null],"exclude":["all"]}`:    {"10006 /exclude/0", "10006 /participants/1", "10026 /participants/2"},
			`{"participants":[` + strings.Repeat(`"x",`, maxSelected) + `"all"]}`: append([]string{"10033 /participants"}, bad(maxSelected+1)...),
		} {
			h.call("POST", path(session), body).wantFaults(http.StatusUnprocessableEntity, want...)
		}
		r := h.call("POST", path(session), `{"participants":"some"}`)
		want := `participants must be an array of at most 1000, each a UUID; or all.`
		if got := r.body["errors"].([]any)[0].(map[string]any)["detail"]; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

// bad are the faults of so many participants that are no UUIDs, in the order of their pointers.
func bad(n int) []string {
	faults := make([]fault, n)
	for i := range faults {
		faults[i] = faultAt([]string{"participants", fmt.Sprint(i)}, invalidID, "")
	}
	return each(inOrder(faults), func(f fault) string { return f.kind.code + " " + *f.pointer })
}

func TestModerationFailures(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	unknown := func(n int) error {
		return video.Errorf(video.CodeParticipantNotFound, "nobody has id %d", n).WithField(fmt.Sprintf("/participants/%d", n))
	}
	for _, test := range []struct {
		err    error
		status int
		faults []string
	}{
		{video.Errorf(video.CodeState, "the session is not running"), 422, []string{"10027"}},
		{unknown(3), 422, []string{"10017 /participants/3"}},
		{errors.Join(unknown(0), unknown(7)), 422, []string{"10017 /participants/0", "10017 /participants/7"}},
		{fmt.Errorf("kick: %w", errors.Join(unknown(0), fmt.Errorf("and: %w", unknown(7)))), 422, []string{"10017 /participants/0", "10017 /participants/7"}},
		{errors.Join(video.Errorf(video.CodeUnavailable, "revoke: %w", unknown(0)), unknown(7)), 503, []string{"10037"}},
		{errors.Join(errors.New("secret"), errors.New("secret")), 500, []string{"10007"}},
	} {
		h.live.moderate = func(string, video.RoomID, video.SessionID, video.Selection) ([]video.ParticipantID, error) {
			return nil, test.err
		}
		for _, action := range []string{"end", "kick", "mute", "unmute", "start_recording", "stop_recording"} {
			h.call("POST", "/room_sessions/"+session+"/actions/"+action, `{"participants":"all"}`).wantFaults(test.status, test.faults...)
		}
	}
}

// Who hangs up in the middle does not leave half a change behind.
func TestModerationOutlivesItsCaller(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	r := newRequest(h, "POST", "/room_sessions/"+session+"/actions/kick", `{"participants":"all"}`)
	ctx, hangUp := context.WithCancel(r.Context())
	held := heldLive{h.live, hangUp, make(chan error, 1)}
	h.config.Live = held
	h.rebuild()
	h.handler.ServeHTTP(&discarded{header: http.Header{}}, r.WithContext(ctx))
	if err := <-held.seen; err != nil {
		t.Errorf("the kick was given up: %v", err)
	}
}

// heldLive sees its caller hang up.
type heldLive struct {
	*recordedLive
	hangUp func()
	seen   chan error
}

func (l heldLive) Kick(ctx context.Context, _ video.RoomID, _ video.SessionID, _ video.Selection) ([]video.ParticipantID, error) {
	l.hangUp()
	l.seen <- ctx.Err()
	return nil, nil
}

// discarded is nobody's answer.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(int)             {}
