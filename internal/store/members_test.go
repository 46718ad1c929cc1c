package store

import (
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func testMembers(t *testing.T, f *fixture) {
	ctx := t.Context()
	add := func(account video.AccountID, email string, role video.Role) (video.Member, error) {
		return f.AddMember(ctx, video.Member{AccountID: account, Email: email, Name: "Somebody", Role: role})
	}
	owner, err := add(f.account, "Ada@example.com", video.RoleOwner)
	must(t, err)
	viewer, err := add(f.account, "grace@example.com", video.RoleViewer)
	must(t, err)
	_, err = add(f.foreign(), "ADA@EXAMPLE.COM", video.RoleViewer)
	wantCode(t, err, video.CodeDuplicate)
	for _, bad := range []video.Member{
		{Email: "x@y", Name: "x", Role: "king"},
		{Email: "x", Name: "x", Role: video.RoleViewer},
		{Email: "x@y", Name: " ", Role: video.RoleViewer},
		{Email: "x@y\x00", Name: "x", Role: video.RoleViewer},
		{Email: "x@y", Name: "a\nb", Role: video.RoleViewer},
	} {
		bad.AccountID = f.account
		_, err := f.AddMember(ctx, bad)
		wantCode(t, err, video.CodeInvalid)
	}

	found, err := f.MemberByEmail(ctx, "ADA@example.COM")
	must(t, err)
	wantEqual(t, "found by email", found.ID, owner.ID)
	wantEqual(t, "its account", found.AccountID, f.account)
	all, err := f.Members(ctx, f.account)
	must(t, err)
	if len(all) != 2 || all[0].ID != owner.ID || all[1].ID != viewer.ID {
		t.Fatalf("members %+v", all)
	}

	lower, higher, name := video.RoleDeveloper, video.RoleOwner, "Grace"
	_, err = f.UpdateMember(ctx, f.account, owner.ID, video.MemberChange{Role: &lower})
	wantCode(t, err, video.CodeState)
	wantCode(t, f.RemoveMember(ctx, f.account, owner.ID), video.CodeState)
	changed, err := f.UpdateMember(ctx, f.account, viewer.ID, video.MemberChange{Role: &higher, Name: &name})
	must(t, err)
	if changed.Role != video.RoleOwner || changed.Name != "Grace" {
		t.Fatalf("changed to %+v", changed)
	}
	must(t, f.RemoveMember(ctx, f.account, owner.ID))
	_, err = f.Member(ctx, f.account, owner.ID)
	wantCode(t, err, video.CodeNotFound)
}

func testPortalSessions(t *testing.T, f *fixture) {
	ctx := t.Context()
	now := f.clock.now()
	must(t, f.AddPortalLink(ctx, video.PortalLink{Hash: [32]byte{1}, AccountID: f.account, ExpiresAt: now.Add(time.Hour)}))
	_, err := f.UsePortalLink(ctx, [32]byte{2}, now, video.Member{Email: "a@b", Name: "A"})
	wantCode(t, err, video.CodeForbidden)
	_, err = f.UsePortalLink(ctx, [32]byte{1}, now, video.Member{Email: "", Name: "A"})
	wantCode(t, err, video.CodeInvalid)
	owner, err := f.UsePortalLink(ctx, [32]byte{1}, now, video.Member{Email: "a@b", Name: "A", Password: "hash"})
	must(t, err)
	if owner.Role != video.RoleOwner || owner.AccountID != f.account || owner.Password != "hash" {
		t.Fatalf("the owner is %+v", owner)
	}

	open := func(n byte) {
		must(t, f.OpenPortalSession(ctx, video.PortalSession{
			Hash: [32]byte{n}, MemberID: owner.ID, Address: "192.0.2.1", CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour),
			Vouched: n == 11,
		}))
		session, _, err := f.PortalSession(ctx, [32]byte{n}, now)
		must(t, err)
		wantEqual(t, "whether it is vouched for", session.Vouched, n == 11)
	}
	good := func(n byte, at time.Time) bool {
		_, member, err := f.PortalSession(ctx, [32]byte{n}, at)
		if err != nil {
			wantCode(t, err, video.CodeUnauthorized)
			return false
		}
		return member.ID == owner.ID
	}
	open(10)
	open(11)
	if !good(10, now) || good(10, now.Add(time.Hour)) || good(12, now) {
		t.Fatal("the session is good at other times than it should")
	}
	must(t, f.ExtendPortalSession(ctx, [32]byte{10}, now, now.Add(2*time.Hour)))
	if !good(10, now.Add(time.Hour)) {
		t.Fatal("the session was not extended")
	}
	must(t, f.EndPortalSession(ctx, [32]byte{10}, now))
	if good(10, now) || !good(11, now) {
		t.Fatal("the wrong session was ended")
	}
	must(t, f.SetPassword(ctx, f.account, owner.ID, "another", now.Add(time.Second)))
	if good(11, now.Add(time.Second)) {
		t.Fatal("a session outlives the password")
	}
	for address, want := range map[string]bool{"192.0.2.1": true, "192.0.2.2": false} {
		known, err := f.KnownAddress(ctx, owner.ID, address)
		must(t, err)
		wantEqual(t, address+" is known", known, want)
	}
	must(t, f.ForgetPortalSessions(ctx, now.Add(time.Minute)))
	known, err := f.KnownAddress(ctx, owner.ID, "192.0.2.1")
	must(t, err)
	wantEqual(t, "known after it was forgotten", known, false)
}

func testOverview(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.clock.t = f.clock.t.Truncate(time.Hour)
	from := f.clock.t
	session := f.session(f.room("tea").ID)
	f.clock.advance(10 * time.Minute)
	a := f.join(session.ID, "a")
	f.clock.advance(10 * time.Minute)
	b := f.join(session.ID, "b")
	f.clock.advance(20 * time.Minute)
	f.leave(a, video.LeftConnectionLost)
	for range 2 {
		f.Note(video.Happening{SessionID: session.ID, Type: video.HappenedJoinRefused, ParticipantID: "c", Reason: "room_full", At: f.clock.now()})
	}
	f.clock.advance(25 * time.Minute)
	f.flush()
	o, err := f.Overview(ctx, f.account)
	must(t, err)
	if o.Rooms != 1 || o.ActiveSessions != 1 || o.ActiveParticipants != 1 || o.RefusedJoins != 2 {
		t.Fatalf("overview %+v", o)
	}
	spans, err := f.Activity(ctx, video.ActivityQuery{AccountID: f.account, From: from.Add(15 * time.Minute), Step: 15 * time.Minute, Steps: 4})
	must(t, err)
	for i, want := range []struct{ joins, lost, refused, present, minutes int }{
		{1, 0, 0, 1, 25}, // a all of it, b from minute 20 on
		{0, 1, 2, 2, 25}, // a until minute 40, b all of it
		{0, 0, 0, 1, 15},
		{0, 0, 0, 1, 5}, // it is minute 65
	} {
		got := spans[i]
		minutes := int(got.Participation.Round(time.Minute) / time.Minute)
		if got.Joins != want.joins || got.LostConnections != want.lost || got.RefusedJoins != want.refused || got.Present != want.present || minutes != want.minutes {
			t.Errorf("span %d is %+v, want %+v", i, got, want)
		}
	}
	other, err := f.Activity(ctx, video.ActivityQuery{AccountID: f.foreign(), From: from, Step: time.Hour, Steps: 1})
	must(t, err)
	if other[0].Joins != 0 || other[0].Participation != 0 || other[0].RefusedJoins != 0 {
		t.Errorf("another account has %+v", other[0])
	}
	f.leave(b, video.LeftByChoice)
	f.flush()
}

func testRoomSearch(t *testing.T, f *fixture) {
	tea := f.room("Tea at four")
	f.room("100% coffee")
	for search, want := range map[string]int{"TEA": 1, "at": 1, "%": 1, "_": 0, "!": 0, string(tea.ID[:8]): 1, string(tea.ID): 1, "o": 2, "\x00": 0} {
		rooms, err := f.Rooms(t.Context(), video.RoomQuery{AccountID: f.account, Search: search, Page: video.Page{Number: 1, Size: 10}})
		must(t, err)
		if rooms.Total != want || len(rooms.Items) != want {
			t.Errorf("%q finds %d of %d", search, len(rooms.Items), rooms.Total)
		}
	}
}
