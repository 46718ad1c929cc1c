package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func testAccountsApart(t *testing.T, f *fixture) {
	ctx := t.Context()
	made, err := f.CreateAccount(ctx, "Ada's ✓")
	must(t, err)
	if !video.IsUUID(string(made.ID)) || made.Name != "Ada's ✓" || made.Default || made.CreatedAt.IsZero() {
		t.Fatalf("made %+v", made)
	}
	found, err := f.Account(ctx, made.ID)
	must(t, err)
	wantEqual(t, "account", found, made)
	all, err := f.Accounts(ctx)
	must(t, err)
	if len(all) != 2 || all[0].ID != f.account || !all[0].Default || all[1] != made {
		t.Fatalf("accounts %+v", all)
	}
	_, err = f.CreateAccount(ctx, "Ada's ✓")
	wantCode(t, err, video.CodeDuplicate)
	for _, name := range []string{"", " ", "a\x00b", "a\nb", "\xff", strings.Repeat("x", video.MaxAccountName+1), video.NewUUID()} {
		_, err := f.CreateAccount(ctx, name)
		wantCode(t, err, video.CodeInvalid)
	}
	_, err = f.CreateRoom(ctx, video.Room{AccountID: made.ID, MaxParticipants: 2})
	must(t, err)
	list, err := f.Rooms(ctx, video.RoomQuery{AccountID: made.ID, Page: video.Page{Number: 1, Size: 20}})
	must(t, err)
	wantEqual(t, "rooms counted", list.Total, 1)
}

// Nothing is added to an account that does not exist, and asking for its keys says so.
func testUnknownAccount(t *testing.T, f *fixture) {
	ctx, nobody := t.Context(), video.AccountID(video.NewUUID())
	for name, err := range map[string]error{
		"account":    second(f.Account(ctx, nobody)),
		"keys":       second(f.APIKeys(ctx, nobody)),
		"key":        f.AddAPIKey(ctx, video.APIKey{AccountID: nobody}),
		"revoke":     second(f.RevokeAPIKey(ctx, nobody, "k")),
		"signing":    f.AddSigningKey(ctx, video.SigningKey{ID: "s", AccountID: nobody, Public: []byte{1}, Sealed: []byte{1}}),
		"families":   f.RevokeFamilies(ctx, nobody, []string{"f"}),
		"event keys": second(f.EventKeys(ctx, nobody)),
		"event key":  f.AddEventKey(ctx, video.EventKey{ID: "e", AccountID: nobody, Public: []byte{1}, Sealed: []byte{1}}),
		"activate":   f.ActivateEventKey(ctx, nobody),
		"erase":      second(f.Erase(ctx, Person{AccountID: nobody, Context: "x"})),
	} {
		if err == nil || video.CodeOf(err) != video.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func testAPIKeys(t *testing.T, f *fixture) {
	ctx := t.Context()
	other := f.foreign()
	expires := f.clock.now().Add(time.Hour)
	for i, key := range []video.APIKey{
		{ID: "plain", Name: "first"},
		{ID: "reader", Name: "reader", Rights: video.RightsReadOnly, ExpiresAt: &expires},
		{ID: "theirs", AccountID: other},
	} {
		if key.AccountID == "" {
			key.AccountID = f.account
		}
		key.Hash = [32]byte{byte(i + 1)}
		must(t, f.AddAPIKey(ctx, key))
	}
	wantCode(t, f.AddAPIKey(ctx, video.APIKey{AccountID: f.account, Rights: "king"}), video.CodeInvalid)
	wantCode(t, f.AddAPIKey(ctx, video.APIKey{AccountID: f.account, Name: "a\x00"}), video.CodeInvalid)

	keys, err := f.APIKeys(ctx, f.account)
	must(t, err)
	if len(keys) != 2 || keys[0].ID != "reader" || keys[1].ID != "plain" || keys[1].Rights != video.RightsAdmin {
		t.Fatalf("keys %+v", keys)
	}
	reader, err := f.APIKeyByHash(ctx, [32]byte{2})
	must(t, err)
	if reader.Rights != video.RightsReadOnly || !reader.ExpiresAt.Equal(expires) || reader.RevokedAt != nil || reader.LastUsedAt != nil {
		t.Fatalf("reader came back as %+v", reader)
	}

	_, err = f.RevokeAPIKey(ctx, f.account, "theirs")
	wantCode(t, err, video.CodeNotFound)
	_, err = f.RevokeAPIKey(ctx, f.account, "none")
	wantCode(t, err, video.CodeNotFound)
	_, err = f.APIKeyByHash(ctx, [32]byte{3})
	must(t, err)
	revoked, err := f.RevokeAPIKey(ctx, f.account, "plain")
	must(t, err)
	again, err := f.RevokeAPIKey(ctx, f.account, "plain")
	must(t, err)
	if revoked.RevokedAt == nil || !again.RevokedAt.Equal(*revoked.RevokedAt) {
		t.Fatalf("revoked at %v, then at %v", revoked.RevokedAt, again.RevokedAt)
	}
	f.clock.advance(time.Hour)
	_, unknown := f.APIKeyByHash(ctx, [32]byte{9})
	for name, hash := range map[string]byte{"revoked": 1, "expired": 2} {
		_, err := f.APIKeyByHash(ctx, [32]byte{hash})
		wantCode(t, err, video.CodeUnauthorized)
		wantEqual(t, name+" is told like unknown", err.Error(), unknown.Error())
	}
	n, err := f.CountAPIKeys(ctx, f.account)
	must(t, err)
	wantEqual(t, "keys counted", n, 2)
}

func testKeyUse(t *testing.T, f *fixture) {
	ctx := t.Context()
	must(t, f.AddAPIKey(ctx, video.APIKey{ID: "k", AccountID: f.account}))
	for _, c := range []struct {
		after time.Duration
		agent string
		want  string
	}{
		{0, "curl", "curl"},
		{59 * time.Second, "node", "curl"},
		{time.Minute, "python", "python"},
		{30 * time.Second, "late", "python"}, // an older use that was written later
	} {
		must(t, f.TouchAPIKey(ctx, "k", start.Add(c.after), c.agent))
		keys, err := f.APIKeys(ctx, f.account)
		must(t, err)
		wantEqual(t, "agent", keys[0].LastAgent, c.want)
		if c.agent == c.want && !keys[0].LastUsedAt.Equal(start.Add(c.after)) {
			t.Fatalf("last used at %v", keys[0].LastUsedAt)
		}
	}
	must(t, f.TouchAPIKey(ctx, "none", start, "curl")) // a key may be gone by the time its use is written
}

func testSigningKeysGo(t *testing.T, f *fixture) {
	ctx := t.Context()
	other := f.foreign()
	for kid, account := range map[string]video.AccountID{"a": f.account, "b": f.account, "c": other} {
		must(t, f.AddSigningKey(ctx, video.SigningKey{ID: kid, AccountID: account, Public: []byte{1}, Sealed: []byte{1}}))
	}
	must(t, f.RemoveSigningKeys(ctx, f.account, nil))
	must(t, f.RemoveSigningKeys(ctx, f.account, []string{"a", "c"}))
	_, err := f.SigningKey(ctx, "a")
	wantCode(t, err, video.CodeNotFound)
	for _, kid := range []string{"b", "c"} {
		_, err := f.SigningKey(ctx, kid)
		must(t, err)
	}
}

func testFamilies(t *testing.T, f *fixture) {
	ctx := t.Context()
	one, two := video.NewUUID(), video.NewUUID()
	must(t, f.RevokeFamilies(ctx, f.account, nil))
	must(t, f.RevokeFamilies(ctx, f.account, []string{one}))
	must(t, f.RevokeFamilies(ctx, f.account, []string{one, one, two}))
	for family, want := range map[string]bool{one: true, two: true, video.NewUUID(): false, "": false} {
		got, err := f.FamilyRevoked(ctx, family)
		must(t, err)
		wantEqual(t, "revoked", got, want)
	}
	must(t, f.ForgetFamilies(ctx, start))
	got, err := f.FamilyRevoked(ctx, one)
	must(t, err)
	wantEqual(t, "revoked before it may be forgotten", got, true)
	must(t, f.ForgetFamilies(ctx, f.clock.now()))
	got, err = f.FamilyRevoked(ctx, one)
	must(t, err)
	wantEqual(t, "revoked after it was forgotten", got, false)
}

func testEventKeys(t *testing.T, f *fixture) {
	ctx := t.Context()
	other := f.foreign()
	key := func(id string, account video.AccountID, active bool) video.EventKey {
		return video.EventKey{ID: id, AccountID: account, Public: []byte(id), Sealed: []byte{0, 9}, Active: active, CreatedAt: start}
	}
	wantCode(t, f.ActivateEventKey(ctx, f.account), video.CodeState)
	must(t, f.AddEventKey(ctx, key("old", f.account, true)))
	must(t, f.AddEventKey(ctx, key("theirs", other, true)))
	wantCode(t, f.AddEventKey(ctx, key("more", f.account, true)), video.CodeDuplicate)
	wantCode(t, f.ActivateEventKey(ctx, f.account), video.CodeState)
	must(t, f.AddEventKey(ctx, key("next", f.account, false)))
	wantCode(t, f.AddEventKey(ctx, key("more", f.account, false)), video.CodeDuplicate)
	keys, err := f.EventKeys(ctx, f.account)
	must(t, err)
	wantEqual(t, "keys", fmt.Sprint(keys), fmt.Sprint([]video.EventKey{key("old", f.account, true), key("next", f.account, false)}))

	must(t, f.ActivateEventKey(ctx, f.account))
	keys, err = f.EventKeys(ctx, f.account)
	must(t, err)
	wantEqual(t, "keys", fmt.Sprint(keys), fmt.Sprint([]video.EventKey{key("next", f.account, true)}))
	keys, err = f.EventKeys(ctx, other)
	must(t, err)
	wantEqual(t, "their keys", fmt.Sprint(keys), fmt.Sprint([]video.EventKey{key("theirs", other, true)}))
}

// told writes an event about a participant, and an attempt to deliver it, as they are after the fact.
func (f *fixture) told(seq int, p video.Participant, payload string) {
	f.t.Helper()
	number, err := f.number(f.t.Context(), f.account)
	must(f.t, err)
	for _, row := range []struct {
		table string
		value map[string]any
	}{
		{"deliveries", map[string]any{
			"seq": seq, "id": video.NewUUID(), "account": number, "event_type": "x", "room_id": "", "session_id": p.SessionID,
			"participant_id": p.ID, "payload": payload, "occurred_at": 1, "url": "", "failover_url": "", "status": "delivered",
			"target": "",
		}},
		{"attempts", map[string]any{
			"delivery": seq, "number": 1, "url": "", "delivered": true, "started_at": 1, "finished_at": 2,
			"request_header": "[]", "response_status": 200, "response_header": "[]", "response_body": payload, "errors": "[]",
		}},
	} {
		_, err := f.writes.NewInsert().Model(&row.value).TableExpr(row.table).Exec(f.t.Context())
		must(f.t, err)
	}
}

func testErase(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("r").ID)
	const secret = `{"name": "Ada Lovelace"}`
	ada, again, bob, here := f.join(session.ID, secret), f.join(session.ID, secret), f.join(session.ID, "Bob"), f.join(session.ID, secret)
	for _, p := range []video.Participant{ada, again, bob} {
		f.leave(p, video.LeftByChoice)
	}
	f.flush()
	payload := func(context string) string {
		return fmt.Sprintf(`{"context":%q,"duration_secs":12345678901234567890}`, context)
	}
	f.told(101, ada, payload(secret))
	f.told(102, ada, `{"recording_id":"x"}`)
	f.told(103, bob, payload("Bob"))

	gone, present, err := f.Erasable(ctx, Person{AccountID: f.account, Context: secret})
	must(t, err)
	wantEqual(t, "to erase, and present", [2]int{gone, present}, [2]int{2, 1})
	done, err := f.Erase(ctx, Person{AccountID: f.account, Context: secret})
	must(t, err)
	wantEqual(t, "erased", done, Erasure{Participants: 2, Deliveries: 5, Attempts: 2, Present: 1})
	for _, p := range []video.Participant{ada, again} {
		found, err := f.Participant(ctx, f.account, p.ID)
		must(t, err)
		wantEqual(t, "context", found.Context, "")
	}
	for context, want := range map[string]int{"": 2, secret: 1, "Bob": 1} {
		list, err := f.Participants(ctx, video.ParticipantQuery{AccountID: f.account, Context: &context, Page: video.Page{Number: 1, Size: 9}})
		must(t, err)
		wantEqual(t, "participants of the context", list.Total, want)
	}
	var kept []string
	must(t, f.reads.NewSelect().Table("deliveries").Column("payload").OrderExpr("seq").Scan(ctx, &kept))
	if want := []string{payload(""), `{"recording_id":"x"}`, payload("Bob")}; !slices.Equal(kept[len(kept)-3:], want) {
		t.Fatalf("events kept: %q", kept)
	}

	// Whoever was present is found by id once they left; others of the account never by a foreign one.
	f.leave(here, video.LeftByChoice)
	f.flush()
	done, err = f.Erase(ctx, Person{AccountID: f.account, ParticipantID: here.ID})
	must(t, err)
	wantEqual(t, "erased", done.Participants, 1)
	_, err = f.Erase(ctx, Person{AccountID: f.foreign(), ParticipantID: bob.ID})
	wantCode(t, err, video.CodeNotFound)
	_, err = f.Erase(ctx, Person{AccountID: f.account})
	wantCode(t, err, video.CodeInvalid)
}

// More than a transaction takes are erased as well.
func testEraseMany(t *testing.T, f *fixture) {
	session := f.session(f.room("r").ID)
	for range eraseBatch + 1 {
		p := f.participant(session.ID, "visitor")
		must(t, f.Join(t.Context(), p))
		f.leave(p, video.LeftByChoice)
	}
	f.flush()
	done, err := f.Erase(t.Context(), Person{AccountID: f.account, Context: "visitor"})
	must(t, err)
	wantEqual(t, "erased", done.Participants, eraseBatch+1)
}

// Every change of accounts and keys says in the audit log who made it, and nothing is said of what did not change.
func testAccessAudited(t *testing.T, f *fixture) {
	ctx := video.WithActor(t.Context(), video.Actor{KeyName: "command line"})
	session := f.session(f.room("r").ID)
	ada := f.join(session.ID, "Ada")
	f.leave(ada, video.LeftByChoice)
	f.flush()
	made, err := f.CreateAccount(ctx, "made")
	must(t, err)
	must(t, f.AddAPIKey(ctx, video.APIKey{ID: "k", AccountID: f.account, Name: "backend"}))
	for range 2 {
		_, err := f.RevokeAPIKey(ctx, f.account, "k")
		must(t, err)
	}
	must(t, f.AddSigningKey(ctx, video.SigningKey{ID: "s", AccountID: f.account, Public: []byte{1}, Sealed: []byte{1}}))
	must(t, f.RemoveSigningKeys(ctx, f.account, []string{"s", "none"}))
	must(t, f.AddEventKey(ctx, video.EventKey{ID: "e", AccountID: f.account, Public: []byte{1}, Sealed: []byte{1}, Active: true}))
	wantCode(t, f.ActivateEventKey(ctx, f.account), video.CodeState)
	must(t, f.AddEventKey(ctx, video.EventKey{ID: "n", AccountID: f.account, Public: []byte{1}, Sealed: []byte{1}}))
	must(t, f.ActivateEventKey(ctx, f.account))
	_, err = f.Erase(ctx, Person{AccountID: f.account, Context: "Ada"})
	must(t, err)

	for account, want := range map[video.AccountID][]string{
		made.ID: {"account.create " + string(made.ID) + " made"},
		f.account: {
			"participant.erase " + string(ada.ID) + " ", "webhook_key.activate n ", "webhook_key.prepare n ", "webhook_key.create e ",
			"signing_key.remove s ", "signing_key.create s ", "api_key.revoke k backend", "api_key.create k backend, admin",
		},
	} {
		list, err := f.Audits(ctx, video.AuditQuery{AccountID: account, Page: video.Page{Number: 1, Size: 20}})
		must(t, err)
		var got []string
		for _, entry := range list.Items {
			wantEqual(t, "actor", entry.Actor.KeyName, "command line")
			got = append(got, entry.Action+" "+entry.ObjectID+" "+entry.Detail)
		}
		if !slices.Equal(got, want) {
			t.Errorf("audited %q, want %q", got, want)
		}
	}
}
