package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// clerk runs commands on the directory of a running server.
type clerk struct {
	t        *testing.T
	dir      string
	database string // of PostgreSQL; empty: the directory's own
}

func (c clerk) env() []string {
	return []string{"ROTUNDA_DATA=" + c.dir, "ROTUNDA_DATABASE_URL=" + c.database}
}

// do runs a command that must succeed and returns what it printed.
func (c clerk) do(args ...string) string {
	c.t.Helper()
	code, stdout, stderr := command(c.t, c.env(), args...)
	if code != 0 || stderr != "" {
		c.t.Fatalf("%v ended with %d: %s", args, code, stderr)
	}
	return strings.TrimSuffix(stdout, "\n")
}

// json runs a command with --json and decodes what it printed.
func (c clerk) json(into any, args ...string) {
	c.t.Helper()
	if out := c.do(append(args, "--json")...); json.Unmarshal([]byte(out), into) != nil {
		c.t.Fatalf("%v printed no such JSON: %s", args, out)
	}
}

// refused runs a command that must fail, and say all of these words.
func (c clerk) refused(words []string, args ...string) {
	c.t.Helper()
	code, stdout, stderr := command(c.t, c.env(), args...)
	if code == 0 || stdout != "" {
		c.t.Errorf("%v ended with %d and printed %s", args, code, stdout)
	}
	for _, word := range words {
		if !strings.Contains(stderr, word) {
			c.t.Errorf("%v: %q does not say %q", args, stderr, word)
		}
	}
}

func newClerk(t *testing.T, args ...string) (*server, clerk) {
	dir := t.TempDir()
	return start(t, dir, args...), clerk{t: t, dir: dir}
}

func TestAccountsBesideARunningServer(t *testing.T) {
	s, c := newClerk(t)
	id := c.do("account", "create", "Tea & Co")
	if !video.IsUUID(id) {
		t.Fatalf("account create printed %q", id)
	}
	c.refused([]string{"create account", "exists already", "another name"}, "account", "create", "Tea & Co")
	c.refused([]string{"create account", "needs a name"}, "account", "create", " ")

	theirs := c.do("key", "create", "--account=Tea & Co")
	same := c.do("key", "create", "--account="+id)
	var room struct{ ID string }
	s.call("POST", "/v2/rooms", theirs, `{}`, http.StatusCreated, &room)
	s.call("GET", "/v2/rooms/"+room.ID, same, "", http.StatusOK, nil)
	s.call("GET", "/v2/rooms/"+room.ID, s.key(), "", http.StatusNotFound, nil)
	c.refused([]string{"find account", "nobody", "rotunda account list"}, "key", "create", "--account=nobody")

	var all []accountJSON
	c.json(&all, "account", "list")
	if len(all) != 2 || !all[0].Default || all[1].Name != "Tea & Co" || string(all[1].ID) != id {
		t.Errorf("accounts %+v", all)
	}
	lines := strings.Split(c.do("account", "list"), "\n")
	if len(lines) != 3 || strings.Index(lines[0], "NAME") != strings.Index(lines[2], "Tea & Co") {
		t.Errorf("the table does not align:\n%s", strings.Join(lines, "\n"))
	}
}

func TestHowLongAnAccountKeepsRecordings(t *testing.T) {
	_, c := newClerk(t)
	c.do("account", "create", "tea")
	kept := func() *int {
		var all []accountJSON
		c.json(&all, "account", "list")
		if all[0].RecordingRetentionDays != nil {
			t.Errorf("another account changed: %+v", all[0])
		}
		return all[1].RecordingRetentionDays
	}
	if days := kept(); days != nil {
		t.Errorf("a new account keeps %d days", *days)
	}
	for _, n := range []string{"30", "0"} {
		c.do("account", "update", "--account=tea", "--recording-retention-days="+n)
		if days := kept(); days == nil || strconv.Itoa(*days) != n {
			t.Errorf("kept %v days, want %s", days, n)
		}
	}
	if table := c.do("account", "list"); !strings.Contains(table, "for ever") {
		t.Errorf("the table does not say so:\n%s", table)
	}
	c.do("account", "update", "--account=tea", "--recording-retention-days=default")
	if days := kept(); days != nil {
		t.Errorf("the account keeps %d days", *days)
	}
	c.refused([]string{"update account", "3650 days"}, "account", "update", "--recording-retention-days=5000")
	c.refused([]string{"update account", `"soon"`}, "account", "update", "--recording-retention-days=soon")
}

func TestKeysBesideARunningServer(t *testing.T) {
	s, c := newClerk(t)
	var made keyJSON
	c.json(&made, "key", "create", "--name=reader", "--rights=read-only", "--expires=2d")
	if !strings.HasPrefix(made.APIKey, "KEY") || made.Rights != video.RightsReadOnly || made.ExpiresAt.Sub(made.CreatedAt) != 48*time.Hour {
		t.Errorf("made %+v", made)
	}
	s.call("GET", "/v2/rooms", made.APIKey, "", http.StatusOK, nil)
	if out := c.do("key", "list"); strings.Contains(out, made.APIKey) || !strings.Contains(out, "read-only") {
		t.Errorf("key list printed\n%s", out)
	}

	if out := c.do("key", "revoke", "reader"); !strings.Contains(out, made.ID) {
		t.Errorf("key revoke printed %s", out)
	}
	s.call("GET", "/v2/rooms", made.APIKey, "", http.StatusUnauthorized, nil)
	c.do("key", "revoke", "reader") // again
	byKey, byID := c.do("key", "create"), keyJSON{}
	c.json(&byID, "key", "create")
	c.refused([]string{"find key", "2 have this name", "rotunda key list"}, "key", "revoke", "unnamed")
	c.do("key", "revoke", byKey)
	c.do("key", "revoke", byID.ID)
	for _, key := range []string{byKey, byID.APIKey} {
		s.call("GET", "/v2/rooms", key, "", http.StatusUnauthorized, nil)
	}
	c.do("account", "create", "other")
	if out := c.do("key", "list", "--account=other"); out != "account other has no API keys: 'rotunda key create' makes one" {
		t.Errorf("key list of a new account printed\n%s", out)
	}
	c.refused([]string{"find key", "--account"}, "key", "revoke", made.ID, "--account=other")

	s.call("GET", "/v2/rooms", s.key(), "", http.StatusOK, nil)
	s.stop() // which writes what is left to write
	var keys []keyJSON
	c.json(&keys, "key", "list")
	states := map[string]string{}
	for _, key := range keys {
		states[key.Name] = fmt.Sprint(key.State, " ", key.LastUsedAt != nil)
	}
	if len(keys) != 4 || states["first"] != "valid true" || states["reader"] != "revoked true" || states["unnamed"] != "revoked false" {
		t.Errorf("keys %+v", keys)
	}
}

func TestCommandsOnPostgreSQL(t *testing.T) {
	c := clerk{t, t.TempDir(), storetest.Postgres(t)}
	c.do("migrate", "apply")
	s := start(t, c.dir, "--database-url="+c.database)
	c.do("account", "create", "acme")
	key := c.do("key", "create", "--account=acme")
	var made tokenJSON
	c.json(&made, "token", "--account=acme", "--room=tea", "--create")
	s.call("GET", "/v2/rooms/"+string(made.RoomID), key, "", http.StatusOK, nil)
	c.do("key", "rotate", "--account=acme")
	s.refresh(made, http.StatusCreated)
	c.do("key", "revoke", "unnamed", "--account=acme")
	s.call("GET", "/v2/rooms", key, "", http.StatusUnauthorized, nil)
}

func TestKeyCreateRefusals(t *testing.T) {
	_, c := newClerk(t)
	for _, expires := range []string{"soon", "0h", "-1h", "d", "2001-01-01", "99999d"} {
		c.refused([]string{"create key", "--expires", "such as 12h"}, "key", "create", "--expires="+expires)
	}
	c.refused([]string{"--rights", "tokens-only"}, "key", "create", "--rights=king")
	c.refused([]string{"create key", "128 characters", "--name"}, "key", "create", "--name="+strings.Repeat("x", 129))
}

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 2, 27, 12, 0, 0, 0, time.UTC)
	for given, want := range map[string]time.Time{
		"90m": now.Add(90 * time.Minute), "2d": now.AddDate(0, 0, 2), "2026-03-01": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		"2026-02-27T13:00:00+01:30": {}, "2026-02-27T14:00:00+01:30": now.Add(30 * time.Minute),
	} {
		got, err := expiry(given, now)
		if want.IsZero() != (err != nil) || err == nil && !got.Equal(want) {
			t.Errorf("%s: %v, %v", given, got, err)
		}
	}
}

// refresh asks the server for a new token, which shows whether it takes the old one.
func (s *server) refresh(made tokenJSON, status int) {
	s.t.Helper()
	s.call("POST", "/v2/rooms/"+string(made.RoomID)+"/actions/refresh_client_token", "",
		fmt.Sprintf(`{"refresh_token": %q}`, made.RefreshToken), status, nil)
}

func TestKeyRotateBesideARunningServer(t *testing.T) {
	s, c := newClerk(t)
	var before, after tokenJSON
	c.json(&before, "token", "--room=tea", "--create")
	if out := c.do("key", "rotate"); !strings.Contains(out, "stay good") {
		t.Errorf("key rotate printed %s", out)
	}
	c.json(&after, "token", "--room=tea")
	s.refresh(before, http.StatusCreated)
	s.refresh(after, http.StatusCreated)
	var rotated struct {
		ID           string
		OldDiscarded bool `json:"old_discarded"`
	}
	c.json(&rotated, "key", "rotate", "--discard-old")
	if !video.IsUUID(rotated.ID) || !rotated.OldDiscarded {
		t.Errorf("rotated %+v", rotated)
	}
	s.refresh(before, http.StatusForbidden)
	s.refresh(after, http.StatusForbidden)
	c.json(&after, "token", "--room=tea")
	s.refresh(after, http.StatusCreated)
}

func TestTokenBesideARunningServer(t *testing.T) {
	s, c := newClerk(t)
	c.refused([]string{"find room", `"tea"`, "--create"}, "token", "--room=tea")
	var made, again tokenJSON
	c.json(&made, "token", "--room=tea", "--create", "--ttl=1m", "--refresh-ttl=2h", "--identity=Ada", "--no-publish",
		"--public-url=https://video.example.com")
	if want := fmt.Sprintf("https://video.example.com/#room=%s&token=%s&refresh=%s", made.RoomID, made.Token, made.RefreshToken); made.JoinLink != want {
		t.Errorf("join link %s, want %s", made.JoinLink, want)
	}
	if lasts := time.Until(made.TokenExpiresAt); lasts > time.Minute || lasts < 50*time.Second {
		t.Errorf("the token is good for %v", lasts)
	}
	s.refresh(made, http.StatusCreated)
	c.json(&again, "token", "--room=tea", "--create")
	if again.RoomID != made.RoomID {
		t.Error("a second room was made")
	}
	var room struct {
		UniqueName string `json:"unique_name"`
	}
	s.call("GET", "/v2/rooms/"+string(made.RoomID), s.key(), "", http.StatusOK, &room)
	if room.UniqueName != "tea" {
		t.Errorf("room %+v", room)
	}
	out := c.do("token", "--room="+string(made.RoomID), "--http=:9090")
	if !regexp.MustCompile(`(?m)^join link +http://[^:/]+:9090/#room=` + string(made.RoomID) + `&token=`).MatchString(out) {
		t.Errorf("token printed\n%s", out)
	}

	c.do("account", "create", "other")
	c.refused([]string{"find room", "no room with id"}, "token", "--room="+string(made.RoomID), "--account=other")
	c.refused([]string{"find room", "--create"}, "token", "--create", "--room="+video.NewUUID())
	c.refused([]string{"create room", "255"}, "token", "--create", "--room="+strings.Repeat("x", 256))
	c.refused([]string{"make token", "10 to 3600", "--ttl"}, "token", "--room=tea", "--ttl=2h")
	c.refused([]string{"make token", "--refresh-ttl"}, "token", "--room=tea", "--refresh-ttl=25h")
	c.refused([]string{"make token", "--identity"}, "token", "--room=tea", "--identity="+strings.Repeat("x", 257))
	c.refused([]string{"open database", "--data"}, "token", "--room=tea", "--data="+t.TempDir())
}

func TestTokenNeedsTheServersRootKey(t *testing.T) {
	const root = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	dir := t.TempDir()
	out := func(env ...string) (int, string) {
		code, _, stderr := command(t, append(env, "ROTUNDA_DATA="+dir), "account", "create", "x")
		return code, stderr
	}
	t.Setenv("ROTUNDA_ROOT_KEY", root)
	s := startProcess(t, dir)
	if code, said := out(); code != 1 || !strings.Contains(said, "open root key") || !strings.Contains(said, "ROTUNDA_ROOT_KEY") {
		t.Errorf("without the root key: %d, %s", code, said)
	}
	if code, said := out("ROTUNDA_ROOT_KEY=" + root); code != 0 {
		t.Errorf("with it: %s", said)
	}
	s.cancel()
}

func TestEraseBesideARunningServer(t *testing.T) {
	s, c := newClerk(t, "--linger=0s")
	var made tokenJSON
	c.json(&made, "token", "--room=tea", "--create")
	const secret = "Ada Lovelace, ada@example.com"
	id := video.NewUUID()
	inside := enter(t, s, made.Token, id, secret)
	contextNow := func() string {
		t.Helper()
		var p struct{ Context string }
		s.call("GET", "/v2/room_participants/"+id, s.key(), "", http.StatusOK, &p)
		return p.Context
	}
	c.refused([]string{"nothing was erased", "1 participant", "--yes"}, "erase", "--context="+secret)
	if code, _, stderr := command(t, c.env(), "erase", "--yes", "--participant="+id); code != 1 || !strings.Contains(stderr, "still in a session") {
		t.Errorf("erasing someone present ended with %d: %s", code, stderr)
	}
	if contextNow() != secret {
		t.Error("the context of someone present was erased")
	}
	_ = inside.socket.Close(websocket.StatusNormalClosure, "")
	waitLeft(s, id)

	var done erasureJSON
	c.json(&done, "erase", "--context="+secret, "--yes")
	if done.Participants != 1 || done.Present != 0 || contextNow() != "" {
		t.Errorf("erased %+v, and the context is %q", done, contextNow())
	}
	c.refused([]string{"find participants", "--account"}, "erase", "--context="+secret, "--yes")
	c.refused([]string{"find participant", "no participant with id", "--account"}, "erase", "--participant="+video.NewUUID(), "--yes")
	c.refused([]string{"empty context"}, "erase", "--context=", "--yes")
	c.refused([]string{"--participant", "--context"}, "erase", "--yes")
}
