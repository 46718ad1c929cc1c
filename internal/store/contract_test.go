package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// clock is the time a test sets; each reading moves it on by a microsecond, so that rows have an order.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Microsecond)
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var start = time.Date(2026, 3, 26, 17, 51, 59, 588408000, time.UTC)

// fixture is a store with an account and what tests do with it over and over.
type fixture struct {
	*Store
	t       *testing.T
	clock   *clock
	account video.AccountID
}

func (f *fixture) room(name string) video.Room {
	f.t.Helper()
	room, err := f.CreateRoom(f.t.Context(), video.Room{AccountID: f.account, UniqueName: name, MaxParticipants: 10})
	must(f.t, err)
	return room
}

func (f *fixture) session(room video.RoomID) video.Session {
	f.t.Helper()
	session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: f.account, RoomID: room, CreatedAt: f.clock.now()}
	must(f.t, f.OpenSession(f.t.Context(), session))
	return session
}

func (f *fixture) join(session video.SessionID, context string) video.Participant {
	f.t.Helper()
	p := f.participant(session, context)
	must(f.t, f.Join(f.t.Context(), p))
	return p
}

func (f *fixture) participant(session video.SessionID, context string) video.Participant {
	return video.Participant{
		ID: video.ParticipantID(video.NewUUID()), AccountID: f.account, SessionID: session,
		Context: context, JoinedAt: f.clock.now(),
	}
}

func (f *fixture) leave(p video.Participant, reason video.LeftReason) {
	at := f.clock.now()
	p.AccountID, p.LeftAt, p.LeftReason = "", &at, reason
	f.Leave(p)
}

func (f *fixture) end(session video.SessionID, reason video.EndedReason) {
	at := f.clock.now()
	f.EndSession(video.Session{ID: session, EndedAt: &at, EndedReason: reason})
}

func (f *fixture) flush() {
	f.t.Helper()
	must(f.t, f.Flush(f.t.Context()))
}

// foreign makes an account besides the default one.
func (f *fixture) foreign() video.AccountID {
	f.t.Helper()
	row := accountRow{ID: video.AccountID(video.NewUUID()), Name: "foreign", CreatedAt: f.clock.now().UnixMicro()}
	tx, err := f.writes.BeginTx(f.t.Context(), nil)
	must(f.t, err)
	must(f.t, insertAccount(f.t.Context(), tx, &row))
	must(f.t, tx.Commit())
	return row.ID
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code video.Code) {
	t.Helper()
	if err == nil || video.CodeOf(err) != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

func wantEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// contract is what every database behind the store must do.
func contract(t *testing.T, open func(*testing.T) *fixture) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"accounts and keys":            testAccounts,
		"accounts apart":               testAccountsApart,
		"unknown account":              testUnknownAccount,
		"API keys":                     testAPIKeys,
		"members":                      testMembers,
		"portal sessions":              testPortalSessions,
		"identities":                   testIdentities,
		"overview":                     testOverview,
		"room search":                  testRoomSearch,
		"search":                       testSearch,
		"refused joins":                testRefusedJoins,
		"who is there":                 testWhoIsThere,
		"use of API keys":              testKeyUse,
		"signing keys go":              testSigningKeysGo,
		"token families":               testFamilies,
		"webhook keys":                 testEventKeys,
		"erasure":                      testErase,
		"access is audited":            testAccessAudited,
		"erasure of many":              testEraseMany,
		"quality":                      testQuality,
		"quality of many":              testQualityOfMany,
		"usage":                        testUsage,
		"usage of compositions":        testUsageOfCompositions,
		"audit log":                    testAudit,
		"audit log pages":              testAuditPages,
		"idempotency keys":             testIdempotency,
		"webhook settings":             testWebhookSettings,
		"settings change together":     testSettingsTogether,
		"room lifecycle":               testRooms,
		"room names":                   testRoomNames,
		"room changes":                 testRoomChanges,
		"foreign accounts":             testForeignAccounts,
		"session lifecycle":            testSessions,
		"participant ids":              testParticipantIDs,
		"contexts byte for byte":       testContexts,
		"lists page and filter":        testLists,
		"ranges are counted right":     testCounting,
		"ranges are combined":          testCountingRanges,
		"included rows are bounded":    testIncluded,
		"deleted room keeps history":   testDeletedRoom,
		"dangling sessions":            testDangling,
		"joins need an open session":   testJoinRefusals,
		"a stale session is replaced":  testStaleSession,
		"time never runs backwards":    testBackwards,
		"eight writers":                testWriters,
		"recordings":                   testRecordings,
		"recordings listed":            testRecordingList,
		"recordings deleted together":  testRecordingsDeletedTogether,
		"making recordings":            testMakingRecordings,
		"recordings that fail":         testFailingRecordings,
		"recordings left over":         testRecordingsLeftOver,
		"media is deleted":             testMediaDeletions,
		"statuses of recordings":       testRecordingStatuses,
		"media objects":                testMediaObjects,
		"retention":                    testRetention,
		"retention of many":            testRetentionOfMany,
		"compositions":                 testCompositions,
		"encryption":                   testEncryption,
		"compositions listed":          testCompositionList,
		"a join is taken back":         testJoinTakenBack,
		"a join is overtaken":          testJoinOvertaken,
		"a flush gives up":             testFlushGivesUp,
		"a full queue refuses joins":   testFullQueue,
		"hopeless entries fall alone":  testHopelessEntry,
		"events in the outbox":         testOutbox,
		"where events go":              testWhereEventsGo,
		"refusals tell nothing":        testNothingForRefusals,
		"a stale session tells":        testStaleTells,
		"a crash tells":                testCrashTells,
		"a clock set back":             testClockSetBack,
		"history of a session":         testHistory,
		"pruning":                      testPruning,
		"claiming deliveries":          testClaims,
		"settling deliveries":          testSettling,
		"delivery log":                 testDeliveryLog,
		"redelivery":                   testRedelivery,
		"compositions are made":        testComposing,
		"compositions tell":            testComposingEvents,
		"compositions are tried again": testComposingAgain,
		"compositions are deleted":     testComposingDeleted,
		"compositions are held":        testComposingHeld,
		"compositions are woken":       testComposingWakes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func testAccounts(t *testing.T, f *fixture) {
	ctx := t.Context()
	again, created, err := f.DefaultAccount(ctx)
	must(t, err)
	wantEqual(t, "created twice", created, false)
	wantEqual(t, "account", again.ID, f.account)

	hash := [32]byte{1, 0, 2}
	must(t, f.AddAPIKey(ctx, video.APIKey{AccountID: f.account, Name: "first", Hash: hash}))
	wantCode(t, f.AddAPIKey(ctx, video.APIKey{AccountID: f.account, Hash: hash}), video.CodeDuplicate)
	key, err := f.APIKeyByHash(ctx, hash)
	must(t, err)
	if key.Hash != hash || key.Name != "first" || key.AccountID != f.account || !video.IsUUID(key.ID) || key.CreatedAt.IsZero() {
		t.Fatalf("key came back as %+v", key)
	}
	_, err = f.APIKeyByHash(ctx, [32]byte{1})
	wantCode(t, err, video.CodeUnauthorized)
	n, err := f.CountAPIKeys(ctx, f.account)
	must(t, err)
	wantEqual(t, "keys", n, 1)

	old := video.SigningKey{ID: video.NewUUID(), AccountID: f.account, Public: []byte{0, 1}, Sealed: []byte{2, 0}, CreatedAt: start}
	young := old
	young.ID, young.CreatedAt = video.NewUUID(), start.Add(time.Microsecond)
	must(t, f.AddSigningKey(ctx, young))
	must(t, f.AddSigningKey(ctx, old))
	wantCode(t, f.AddSigningKey(ctx, old), video.CodeDuplicate)
	keys, err := f.SigningKeys(ctx, f.account)
	must(t, err)
	if len(keys) != 2 || keys[0].ID != young.ID || !slices.Equal(keys[1].Sealed, old.Sealed) || !slices.Equal(keys[1].Public, old.Public) {
		t.Fatalf("signing keys came back as %+v", keys)
	}
	found, err := f.SigningKey(ctx, old.ID)
	must(t, err)
	wantEqual(t, "time of key", found.CreatedAt, start)
	_, err = f.SigningKey(ctx, "none")
	wantCode(t, err, video.CodeNotFound)
}

func testRooms(t *testing.T, f *fixture) {
	ctx := t.Context()
	secs := 0
	room, err := f.CreateRoom(ctx, video.Room{
		AccountID: f.account, UniqueName: "it's a \"room\" ?0 ✓", MaxParticipants: 7, EnableRecording: true,
		WebhookEventURL: "https://a.example/?x=1", WebhookEventFailoverURL: "https://b.example", WebhookTimeoutSecs: &secs,
	})
	must(t, err)
	if !video.IsUUID(string(room.ID)) || !room.CreatedAt.Equal(room.UpdatedAt) || room.CreatedAt.Location() != time.UTC {
		t.Fatalf("room made: %+v", room)
	}
	read, err := f.Room(ctx, f.account, room.ID, false)
	must(t, err)
	if read.WebhookTimeoutSecs == nil || *read.WebhookTimeoutSecs != 0 {
		t.Fatal("a timeout of zero was not kept")
	}
	read.WebhookTimeoutSecs, room.WebhookTimeoutSecs = nil, nil
	wantEqual(t, "room", fmt.Sprintf("%+v", read), fmt.Sprintf("%+v", room))
	_, err = f.CreateRoom(ctx, video.Room{ID: room.ID, AccountID: f.account, MaxParticipants: 2})
	wantCode(t, err, video.CodeDuplicate)

	must(t, f.DeleteRoom(ctx, f.account, room.ID))
	wantCode(t, f.DeleteRoom(ctx, f.account, room.ID), video.CodeRoomNotFound)
	_, err = f.Room(ctx, f.account, room.ID, false)
	wantCode(t, err, video.CodeRoomNotFound)
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{})
	wantCode(t, err, video.CodeRoomNotFound)
	list, err := f.Rooms(ctx, video.RoomQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 20}})
	must(t, err)
	wantEqual(t, "rooms left", list.Total, 0)
}

func testRoomNames(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.room("")
	f.room("") // any number of rooms may have no name
	room := f.room("daily")
	_, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, UniqueName: "daily", MaxParticipants: 2})
	wantCode(t, err, video.CodeDuplicate)
	if !strings.Contains(fmt.Sprintf("%#v", err), `Field:"/unique_name"`) {
		t.Fatalf("field missing in %#v", err)
	}
	named, err := f.RoomByName(ctx, f.account, "daily")
	must(t, err)
	wantEqual(t, "room by name", named.ID, room.ID)
	for _, name := range []string{"", "Daily", "daily\x00", "nightly"} {
		_, err = f.RoomByName(ctx, f.account, name)
		wantCode(t, err, video.CodeRoomNotFound)
	}
	for _, name := range []string{"a\x00b", "\xff"} {
		_, err = f.CreateRoom(ctx, video.Room{AccountID: f.account, UniqueName: name, MaxParticipants: 2})
		wantCode(t, err, video.CodeInvalid)
	}
	must(t, f.DeleteRoom(ctx, f.account, room.ID))
	if f.room("daily").ID == room.ID {
		t.Fatal("same room again")
	}
}

func testRoomChanges(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.room("taken")
	room := f.room("before")
	same, err := f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{})
	must(t, err)
	wantEqual(t, "updated_at without a change", same.UpdatedAt, room.UpdatedAt)

	name, url, secs, most, yes := "after", "https://a.example", 5, 50, true
	changed, err := f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{
		UniqueName:      video.Clearable[string]{Present: true, Value: &name},
		WebhookEventURL: video.Clearable[string]{Present: true, Value: &url}, MaxParticipants: &most, EnableRecording: &yes,
		WebhookTimeoutSecs: video.Clearable[int]{Present: true, Value: &secs},
	})
	must(t, err)
	if changed.UniqueName != name || changed.WebhookEventURL != url || changed.MaxParticipants != most ||
		!changed.EnableRecording || *changed.WebhookTimeoutSecs != secs || !changed.UpdatedAt.After(room.UpdatedAt) {
		t.Fatalf("changed: %+v", changed)
	}
	cleared, err := f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{
		UniqueName: video.Clearable[string]{Present: true}, WebhookTimeoutSecs: video.Clearable[int]{Present: true},
	})
	must(t, err)
	if cleared.UniqueName != "" || cleared.WebhookTimeoutSecs != nil || cleared.WebhookEventURL != url {
		t.Fatalf("cleared: %+v", cleared)
	}
	name = "taken"
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{UniqueName: video.Clearable[string]{Present: true, Value: &name}})
	wantCode(t, err, video.CodeDuplicate)
}

func testForeignAccounts(t *testing.T, f *fixture) {
	ctx := t.Context()
	other := f.foreign()
	room := f.room("name")
	session := f.session(room.ID)
	p := f.join(session.ID, "")
	_, err := f.Room(ctx, other, room.ID, true)
	wantCode(t, err, video.CodeRoomNotFound)
	_, err = f.RoomByName(ctx, other, "name")
	wantCode(t, err, video.CodeRoomNotFound)
	_, err = f.UpdateRoom(ctx, other, room.ID, video.RoomChange{})
	wantCode(t, err, video.CodeRoomNotFound)
	wantCode(t, f.DeleteRoom(ctx, other, room.ID), video.CodeRoomNotFound)
	_, err = f.Session(ctx, other, session.ID, false)
	wantCode(t, err, video.CodeNotFound)
	_, err = f.Participant(ctx, other, p.ID)
	wantCode(t, err, video.CodeNotFound)
	wantCode(t, f.OpenSession(ctx, video.Session{ID: "x", AccountID: other, RoomID: room.ID}), video.CodeRoomNotFound)
	page := video.Page{Number: 1, Size: 1}
	sessions, err := f.Sessions(ctx, video.SessionQuery{AccountID: other, RoomID: room.ID, Page: page})
	must(t, err)
	wantEqual(t, "foreign sessions", sessions.Total, 0)
	participants, err := f.Participants(ctx, video.ParticipantQuery{AccountID: other, SessionID: session.ID, Page: page})
	must(t, err)
	wantEqual(t, "foreign participants", participants.Total, 0)

	// The same participant id and room name are free in another account.
	used, err := f.ParticipantIDUsed(ctx, other, p.ID)
	must(t, err)
	wantEqual(t, "id used elsewhere", used, false)
	theirs, err := f.CreateRoom(ctx, video.Room{AccountID: other, UniqueName: "name", MaxParticipants: 2})
	must(t, err)
	foreign := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: other, RoomID: theirs.ID}
	must(t, f.OpenSession(ctx, foreign))
	must(t, f.Join(ctx, video.Participant{ID: p.ID, AccountID: other, SessionID: foreign.ID}))
	f.leave(video.Participant{ID: p.ID, SessionID: foreign.ID}, video.LeftByChoice)
	f.flush()
	mine, err := f.Participant(ctx, f.account, p.ID)
	must(t, err)
	if mine.LeftAt != nil {
		t.Fatal("a leave reached another account")
	}
}

func testSessions(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.room("")
	session := f.session(room.ID)
	a, b := f.join(session.ID, "a"), f.join(session.ID, "b")
	active, err := f.Room(ctx, f.account, room.ID, true)
	must(t, err)
	wantEqual(t, "active session", active.ActiveSessionID, session.ID)
	wantEqual(t, "room touched", active.UpdatedAt, session.CreatedAt)
	wantEqual(t, "included sessions", len(active.Sessions), 1)
	read, err := f.Session(ctx, f.account, session.ID, true)
	must(t, err)
	wantEqual(t, "created_at", read.CreatedAt, session.CreatedAt)
	wantEqual(t, "session touched by join", read.UpdatedAt, b.JoinedAt)
	wantEqual(t, "active", read.Active(), true)
	wantEqual(t, "newest participant first", read.Participants[0].ID, b.ID)

	f.leave(a, video.LeftKicked)
	f.flush()
	gone, err := f.Participant(ctx, f.account, a.ID)
	must(t, err)
	if gone.LeftAt == nil || gone.LeftReason != video.LeftKicked || !gone.UpdatedAt.Equal(*gone.LeftAt) || !gone.JoinedAt.Equal(a.JoinedAt) {
		t.Fatalf("left: %+v", gone)
	}
	read, err = f.Session(ctx, f.account, session.ID, false)
	must(t, err)
	wantEqual(t, "session touched by leave", read.UpdatedAt, *gone.LeftAt)
	f.leave(a, video.LeftByChoice) // the first leave counts
	f.end(session.ID, video.EndedFromAPI)
	f.end(session.ID, video.EndedEmpty)
	f.flush()
	gone, err = f.Participant(ctx, f.account, a.ID)
	must(t, err)
	wantEqual(t, "reason", gone.LeftReason, video.LeftKicked)
	ended, err := f.Session(ctx, f.account, session.ID, true)
	must(t, err)
	if ended.Active() || ended.EndedReason != video.EndedFromAPI || !ended.UpdatedAt.Equal(*ended.EndedAt) {
		t.Fatalf("ended: %+v", ended)
	}
	wantEqual(t, "who stayed left with the session", ended.Participants[0].LeftReason, video.LeftSessionEnded)
	idle, err := f.Room(ctx, f.account, room.ID, false)
	must(t, err)
	wantEqual(t, "active session after the end", idle.ActiveSessionID, "")
	wantEqual(t, "room touched by the end", idle.UpdatedAt, *ended.EndedAt)
}

func testParticipantIDs(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	p := f.participant(session.ID, "")
	used, err := f.ParticipantIDUsed(ctx, f.account, p.ID)
	must(t, err)
	wantEqual(t, "used before", used, false)
	must(t, f.Join(ctx, p))
	wantCode(t, f.Join(ctx, p), video.CodeDuplicateParticipant)
	f.end(session.ID, video.EndedEmpty)
	p.SessionID = f.session(f.room("").ID).ID
	wantCode(t, f.Join(ctx, p), video.CodeDuplicateParticipant)
	used, err = f.ParticipantIDUsed(ctx, f.account, p.ID)
	must(t, err)
	wantEqual(t, "used after", used, true)
	list, err := f.Participants(ctx, video.ParticipantQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 5}})
	must(t, err)
	wantEqual(t, "participants counted", list.Total, 1)
	p.ID = "me"
	wantCode(t, f.Join(ctx, p), video.CodeInvalid)
}

func testContexts(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	for _, context := range []string{"", "{\"a\": 'b?'}", "nul\x00inside", "not \xff UTF-8", "\x00", strings.Repeat("ß", video.MaxContextBytes/2)} {
		p := f.join(session.ID, context)
		read, err := f.Participant(t.Context(), f.account, p.ID)
		must(t, err)
		wantEqual(t, "context", read.Context, context)
		list, err := f.Participants(t.Context(), video.ParticipantQuery{
			AccountID: f.account, Context: &context, Page: video.Page{Number: 1, Size: 5},
		})
		must(t, err)
		if list.Total != 1 || list.Items[0].ID != p.ID {
			t.Fatalf("filter by %q found %+v", context, list)
		}
	}
}

func testIncluded(t *testing.T, f *fixture) {
	ctx := t.Context()
	room, empty := f.room(""), f.room("")
	var last video.Session
	for range MaxIncluded + 1 {
		last = f.session(room.ID)
		f.end(last.ID, video.EndedEmpty)
	}
	f.flush()
	list, err := f.Rooms(ctx, video.RoomQuery{AccountID: f.account, IncludeSessions: true, Page: video.Page{Number: 1, Size: 2}})
	must(t, err)
	wantEqual(t, "first room", list.Items[0].ID, empty.ID)
	if list.Items[0].Sessions == nil || len(list.Items[0].Sessions) != 0 {
		t.Fatal("no sessions asked for and none there must differ")
	}
	wantEqual(t, "sessions included", len(list.Items[1].Sessions), MaxIncluded)
	wantEqual(t, "newest first", list.Items[1].Sessions[0].ID, last.ID)

	open := f.session(room.ID)
	for range MaxIncluded + 1 {
		f.join(open.ID, "")
	}
	full, err := f.Session(ctx, f.account, open.ID, true)
	must(t, err)
	wantEqual(t, "participants included", len(full.Participants), MaxIncluded)
}

func testDeletedRoom(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.room("")
	session := f.session(room.ID)
	p := f.join(session.ID, "")
	must(t, f.DeleteRoom(ctx, f.account, room.ID))
	f.end(session.ID, video.EndedRoomDeleted)
	f.flush()
	sessions, err := f.Sessions(ctx, video.SessionQuery{AccountID: f.account, RoomID: room.ID, Page: video.Page{Number: 1, Size: 9}})
	must(t, err)
	wantEqual(t, "sessions of the deleted room", sessions.Total, 1)
	_, err = f.Session(ctx, f.account, session.ID, true)
	must(t, err)
	_, err = f.Participant(ctx, f.account, p.ID)
	must(t, err)
	err = f.OpenSession(ctx, video.Session{ID: "x", AccountID: f.account, RoomID: room.ID})
	wantCode(t, err, video.CodeRoomNotFound)
}

func testDangling(t *testing.T, f *fixture) {
	ctx := t.Context()
	n, err := f.CloseDangling(ctx)
	must(t, err)
	wantEqual(t, "nothing dangles", n, 0)
	room := f.room("")
	over := f.session(f.room("").ID)
	f.end(over.ID, video.EndedEmpty)
	session := f.session(room.ID)
	p := f.join(session.ID, "")
	alive := f.clock.now()
	f.flush() // a batch, hence a heartbeat
	f.clock.advance(8 * time.Hour)
	n, err = f.CloseDangling(ctx)
	must(t, err)
	wantEqual(t, "sessions closed", n, 1)
	closed, err := f.Session(ctx, f.account, session.ID, true)
	must(t, err)
	if closed.EndedReason != video.EndedServerCrashed || closed.EndedAt.Before(alive) || closed.EndedAt.After(alive.Add(time.Second)) {
		t.Fatalf("closed at %v, alive at %v: %+v", closed.EndedAt, alive, closed)
	}
	wantEqual(t, "participants", closed.Participants[0].ID, p.ID)
	wantEqual(t, "reason", closed.Participants[0].LeftReason, video.LeftServerCrashed)
	wantEqual(t, "left at", *closed.Participants[0].LeftAt, *closed.EndedAt)
	idle, err := f.Room(ctx, f.account, room.ID, false)
	must(t, err)
	wantEqual(t, "active session", idle.ActiveSessionID, "")
}

func testJoinRefusals(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	f.end(session.ID, video.EndedEmpty)
	p := f.participant(session.ID, "")
	wantCode(t, f.Join(ctx, p), video.CodeState)
	p.SessionID = video.SessionID(video.NewUUID())
	wantCode(t, f.Join(ctx, p), video.CodeNotFound)
	used, err := f.ParticipantIDUsed(ctx, f.account, p.ID)
	must(t, err)
	wantEqual(t, "trace of a refused join", used, false)
	wantCode(t, f.OpenSession(ctx, session), video.CodeDuplicate)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := f.Join(cancelled, f.participant(session.ID, "")); err == nil {
		t.Fatal("joined an ended session with a cancelled context")
	}
}

func testStaleSession(t *testing.T, f *fixture) {
	room := f.room("")
	first, second := f.session(room.ID), f.session(room.ID)
	old, err := f.Session(t.Context(), f.account, first.ID, false)
	must(t, err)
	wantEqual(t, "reason", old.EndedReason, video.EndedStale)
	read, err := f.Room(t.Context(), f.account, room.ID, false)
	must(t, err)
	wantEqual(t, "active", read.ActiveSessionID, second.ID)
	f.end(first.ID, video.EndedEmpty) // must not free the room of the second
	f.flush()
	read, err = f.Room(t.Context(), f.account, room.ID, false)
	must(t, err)
	wantEqual(t, "active", read.ActiveSessionID, second.ID)
}

func testBackwards(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	p := f.join(session.ID, "")
	f.clock.advance(-time.Hour)
	f.leave(p, video.LeftByChoice)
	f.end(session.ID, video.EndedEmpty)
	f.flush()
	read, err := f.Session(t.Context(), f.account, session.ID, true)
	must(t, err)
	wantEqual(t, "ended_at", *read.EndedAt, session.CreatedAt)
	wantEqual(t, "updated_at", read.UpdatedAt, p.JoinedAt)
	wantEqual(t, "left_at", *read.Participants[0].LeftAt, p.JoinedAt)
}

// Eight writers work at once, each with rooms of its own; nothing is lost and the counters agree with the rows.
func testWriters(t *testing.T, f *fixture) {
	ctx := t.Context()
	const writers, rounds = 8, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range rounds {
				room, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, UniqueName: fmt.Sprintf("%d-%d", w, i), MaxParticipants: 2})
				if err != nil {
					t.Error(err)
					return
				}
				session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: f.account, RoomID: room.ID}
				p := f.participant(session.ID, "")
				most := 3
				_, changeErr := f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{MaxParticipants: &most})
				for _, err := range []error{changeErr, f.OpenSession(ctx, session), f.Join(ctx, p)} {
					if err != nil {
						t.Error(err)
						return
					}
				}
				f.leave(p, video.LeftByChoice)
				f.end(session.ID, video.EndedEmpty)
				if i%2 == 0 {
					if err := f.DeleteRoom(ctx, f.account, room.ID); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	group.Wait()
	f.flush()
	open := true
	page := video.Page{Number: 1, Size: 1}
	sessions, err := f.Sessions(ctx, video.SessionQuery{AccountID: f.account, Active: &open, Page: page})
	must(t, err)
	wantEqual(t, "open sessions", sessions.Total, 0)
	for table, want := range map[string]int{"rooms": writers * rounds / 2, "sessions": writers * rounds, "participants": writers * rounds} {
		number, err := f.number(ctx, f.account)
		must(t, err)
		l := listing{table: table, start: "id", account: number, total: table}
		if table == "rooms" {
			l.always = "deleted_at IS NULL"
		}
		counted, err := f.count(ctx, l)
		must(t, err)
		wantEqual(t, table+" counted", counted, want)
		l.is("id", "IS NOT NULL")
		there, err := f.count(ctx, l)
		must(t, err)
		wantEqual(t, table+" there", there, want)
	}
}
