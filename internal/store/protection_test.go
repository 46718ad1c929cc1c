package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var actor = video.Actor{KeyID: "k", KeyName: "backend", Address: "192.0.2.1", UserAgent: "Telnyx/JS 7", RequestID: "r-1"}

func (f *fixture) audits(query video.AuditQuery) (lines []string) {
	f.t.Helper()
	if query.AccountID == "" {
		query.AccountID = f.account
	}
	if query.Page == (video.Page{}) {
		query.Page = video.Page{Number: 1, Size: 100}
	}
	list, err := f.Audits(f.t.Context(), query)
	must(f.t, err)
	if query.Page.Number == 1 && query.Page.Size == 100 {
		wantEqual(f.t, "entries counted", list.Total, len(list.Items))
	}
	for _, entry := range list.Items {
		wantEqual(f.t, "actor", entry.Actor, actor)
		lines = append(lines, fmt.Sprintf("%s %s %s", entry.Action, entry.ObjectID, entry.Detail))
	}
	return lines
}

// Changes of rooms leave their entries exactly if they are made, and if someone makes them.
func testAudit(t *testing.T, f *fixture) {
	ctx := video.WithActor(t.Context(), actor)
	f.room("made by the server itself")
	if got := f.audits(video.AuditQuery{}); got != nil {
		t.Fatalf("entries without an actor: %q", got)
	}
	room, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, UniqueName: "a", MaxParticipants: 10})
	must(t, err)
	_, err = f.CreateRoom(ctx, video.Room{AccountID: f.account, UniqueName: "a", MaxParticipants: 10})
	wantCode(t, err, video.CodeDuplicate)
	five, name := 5, "a"
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{
		MaxParticipants: &five, WebhookEventURL: video.Clearable[string]{Present: true},
	})
	must(t, err)
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{})
	must(t, err)
	other := f.room("b")
	_, err = f.UpdateRoom(ctx, f.account, other.ID, video.RoomChange{UniqueName: video.Clearable[string]{Present: true, Value: &name}})
	wantCode(t, err, video.CodeDuplicate)
	must(t, f.DeleteRoom(ctx, f.account, room.ID))
	wantCode(t, f.DeleteRoom(ctx, f.account, room.ID), video.CodeRoomNotFound)
	must(t, f.Audit(ctx, f.account, "session.mute", "s", "2 participants"))
	must(t, f.Audit(t.Context(), f.account, "session.mute", "s", "by nobody"))
	wantCode(t, f.Audit(ctx, video.AccountID(video.NewUUID()), "x", "", ""), video.CodeNotFound)

	id := string(room.ID)
	want := []string{
		"session.mute s 2 participants", "room.delete " + id + " ",
		"room.update " + id + " max_participants, webhook_event_url", "room.create " + id + " ",
	}
	if got := f.audits(video.AuditQuery{}); !slices.Equal(got, want) {
		t.Fatalf("entries %q, want %q", got, want)
	}
	if got := f.audits(video.AuditQuery{AccountID: f.foreign()}); got != nil {
		t.Fatalf("another account sees %q", got)
	}
}

func testAuditPages(t *testing.T, f *fixture) {
	ctx := video.WithActor(t.Context(), actor)
	begin := f.clock.now()
	for i := range 7 {
		f.clock.advance(time.Hour)
		must(t, f.Audit(ctx, f.account, []string{"a", "b"}[i%2], []string{"x", "y", "z"}[i%3], fmt.Sprint(i)))
	}
	hour := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	for _, c := range []struct {
		query video.AuditQuery
		want  []string
	}{
		{video.AuditQuery{Page: video.Page{Number: 2, Size: 3}}, []string{"b x 3", "a z 2", "b y 1"}},
		{video.AuditQuery{Action: "b"}, []string{"b z 5", "b x 3", "b y 1"}},
		{video.AuditQuery{ObjectID: "x"}, []string{"a x 6", "b x 3", "a x 0"}},
		{video.AuditQuery{Action: "a", ObjectID: "x"}, []string{"a x 6", "a x 0"}},
		{video.AuditQuery{At: video.Span{From: hour(3), Until: hour(5)}}, []string{"b x 3", "a z 2"}},
		{video.AuditQuery{Action: "a", At: video.Span{From: hour(4)}}, []string{"a x 6", "a y 4"}},
		{video.AuditQuery{Action: "\x00"}, nil},
		{video.AuditQuery{Action: "c"}, nil},
	} {
		if got := f.audits(c.query); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.query, got, c.want)
		}
	}
}

func testIdempotency(t *testing.T, f *fixture) {
	ctx, key, ask, another := t.Context(), [32]byte{1}, [32]byte{2}, [32]byte{3}
	begin := func(account video.AccountID, key, request [32]byte, want video.KeptAnswer) {
		t.Helper()
		kept, err := f.BeginIdempotent(ctx, account, key, request)
		must(t, err)
		if kept.BegunAt.IsZero() || kept.BegunAt.After(f.clock.now()) {
			t.Errorf("begun at %s", kept.BegunAt)
		}
		if kept.Request != want.Request || kept.Status != want.Status || string(kept.Body) != string(want.Body) {
			t.Fatalf("kept %+v, want %+v", kept, want)
		}
	}
	begin(f.account, key, ask, video.KeptAnswer{Request: ask})
	begin(f.account, key, another, video.KeptAnswer{Request: ask})
	must(t, f.FinishIdempotent(ctx, f.account, key, 201, []byte("made")))
	begin(f.account, key, another, video.KeptAnswer{Request: ask, Status: 201, Body: []byte("made")})
	begin(f.account, [32]byte{9}, another, video.KeptAnswer{Request: another})
	foreign := f.foreign()
	begin(foreign, key, another, video.KeptAnswer{Request: another})
	_, err := f.BeginIdempotent(ctx, video.AccountID(video.NewUUID()), key, ask)
	wantCode(t, err, video.CodeNotFound)

	f.clock.advance(idempotencyAge - time.Second)
	begin(f.account, key, ask, video.KeptAnswer{Request: ask, Status: 201, Body: []byte("made")})
	f.clock.advance(time.Second)
	begin(f.account, key, another, video.KeptAnswer{Request: another})

	rows := func() int {
		n, err := f.reads.NewSelect().Model((*idempotencyRow)(nil)).Count(ctx)
		must(t, err)
		return int(n)
	}
	for i := range idempotencyChunk + 1 {
		begin(foreign, [32]byte{7, byte(i), byte(i >> 8)}, ask, video.KeptAnswer{Request: ask})
	}
	before := f.clock.now()
	begin(foreign, [32]byte{8}, ask, video.KeptAnswer{Request: ask})
	must(t, f.PruneIdempotency(ctx, before))
	wantEqual(t, "rows left", rows(), 1)
	begin(foreign, [32]byte{8}, another, video.KeptAnswer{Request: ask})
}

func testWebhookSettings(t *testing.T, f *fixture) {
	ctx := video.WithActor(t.Context(), actor)
	settings, err := f.WebhookSettings(ctx, f.account)
	must(t, err)
	if settings.URL != "" || !settings.UpdatedAt.IsZero() {
		t.Fatalf("at first %+v", settings)
	}
	secs, until := 5, f.clock.now().Add(time.Hour).Truncate(time.Microsecond)
	change := func(f *fixture, account video.AccountID, change func(*video.WebhookSettings)) video.WebhookSettings {
		t.Helper()
		changed, err := f.ChangeWebhookSettings(ctx, account, func(s *video.WebhookSettings) error { change(s); return nil })
		must(t, err)
		kept, err := f.WebhookSettings(ctx, account)
		must(t, err)
		if !reflect.DeepEqual(kept, changed) {
			t.Fatalf("kept %+v, want %+v", kept, changed)
		}
		return kept
	}
	change(f, f.account, func(s *video.WebhookSettings) {
		s.URL, s.Secret = "https://example.com/é", []byte{1, 2}
		s.ExtraEventTypes = []video.EventType{"video.room.recording.failed", "video.room.composition.failed"}
	})
	kept := change(f, f.account, func(s *video.WebhookSettings) {
		s.FailoverURL, s.OldSecret, s.Secret, s.OldSecretUntil = "https://example.org", s.Secret, []byte{3}, &until
		s.ExtraEventTypes = s.ExtraEventTypes[:1]
	})
	if kept.URL != "https://example.com/é" || kept.TimeoutSecs != nil || string(kept.OldSecret) != "\x01\x02" ||
		!kept.OldSecretUntil.Equal(until) || len(kept.ExtraEventTypes) != 1 {
		t.Fatalf("kept %+v", kept)
	}
	change(f, f.account, func(s *video.WebhookSettings) { s.TimeoutSecs = &secs })
	change(f, f.foreign(), func(s *video.WebhookSettings) { s.URL = "https://example.net" })

	refusal := errors.New("no")
	_, err = f.ChangeWebhookSettings(ctx, f.account, func(s *video.WebhookSettings) error { s.URL = ""; return refusal })
	if !errors.Is(err, refusal) {
		t.Fatal(err)
	}
	_, err = f.ChangeWebhookSettings(ctx, f.account, func(s *video.WebhookSettings) error { s.URL = "\x00"; return nil })
	wantCode(t, err, video.CodeInvalid)
	_, err = f.ChangeWebhookSettings(ctx, video.AccountID(video.NewUUID()), func(*video.WebhookSettings) error { return nil })
	wantCode(t, err, video.CodeNotFound)
	settings, err = f.WebhookSettings(ctx, f.account)
	must(t, err)
	wantEqual(t, "URL", settings.URL, "https://example.com/é")

	at := "webhook_settings.update " + string(f.account) + " "
	want := []string{
		at + "webhook_timeout_secs", at + "webhook_event_failover_url, secret, extra_event_types", at + "webhook_event_url, secret, extra_event_types",
	}
	if got := f.audits(video.AuditQuery{}); !slices.Equal(got, want) {
		t.Fatalf("entries %q, want %q", got, want)
	}
}

// Changes at the same time do not lose each other.
func testSettingsTogether(t *testing.T, f *fixture) {
	done := make(chan error)
	for i := range 8 {
		go func() {
			_, err := f.ChangeWebhookSettings(context.WithoutCancel(t.Context()), f.account, func(s *video.WebhookSettings) error {
				s.ExtraEventTypes = append(s.ExtraEventTypes, video.EventType(fmt.Sprint(i)))
				return nil
			})
			done <- err
		}()
	}
	for range 8 {
		must(t, <-done)
	}
	settings, err := f.WebhookSettings(t.Context(), f.account)
	must(t, err)
	wantEqual(t, "changes", len(settings.ExtraEventTypes), 8)
}
