package store

import (
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func testIdentities(t *testing.T, f *fixture) {
	ctx := video.WithActor(t.Context(), video.Actor{Address: "192.0.2.1"})
	const issuer = "https://id.example.com"
	grace := video.Identity{
		Issuer: issuer, Subject: "7", Email: "Grace@example.com", EmailVerified: true, Name: "Grace", Role: video.RoleDeveloper,
	}
	first, err := f.AdmitIdentity(ctx, f.account, grace)
	must(t, err)
	if first.Role != video.RoleDeveloper || first.Email != "Grace@example.com" || first.AccountID != f.account || first.Password != "" {
		t.Fatalf("made %+v", first)
	}
	again, err := f.AdmitIdentity(ctx, f.account, grace)
	must(t, err)
	if again != first {
		t.Fatalf("found %+v, made %+v", again, first)
	}

	// The subject is who it is: not the address, and not the name.
	f.clock.advance(time.Minute)
	promoted := grace
	promoted.Email, promoted.Name, promoted.Role = "hopper@example.com", "Grace Hopper", video.RoleOwner
	again, err = f.AdmitIdentity(ctx, f.account, promoted)
	must(t, err)
	if again.ID != first.ID || again.Role != video.RoleOwner || again.Name != "Grace Hopper" || again.Email != "Grace@example.com" || !again.UpdatedAt.After(first.UpdatedAt) {
		t.Fatalf("became %+v", again)
	}
	stored, err := f.Member(ctx, f.account, first.ID)
	must(t, err)
	if stored != again {
		t.Fatalf("kept %+v, said %+v", stored, again)
	}

	// Nobody takes the account's only owner away, and with another one there is no such owner.
	only, err := f.AdmitIdentity(ctx, f.account, grace)
	must(t, err)
	wantEqual(t, "role of the only owner", only.Role, video.RoleOwner)
	_, err = f.AddMember(ctx, video.Member{AccountID: f.account, Email: "ada@example.com", Name: "Ada", Role: video.RoleOwner, Password: "hash"})
	must(t, err)
	only, err = f.AdmitIdentity(ctx, f.account, grace)
	must(t, err)
	wantEqual(t, "role of one of two owners", only.Role, video.RoleDeveloper)

	// A member with a password is connected by an address that is vouched for, once, and keeps the password.
	ada := video.Identity{Issuer: issuer, Subject: "8", Email: "ADA@example.com", Name: "Ada", Role: video.RoleOwner}
	_, err = f.AdmitIdentity(ctx, f.account, ada)
	wantCode(t, err, video.CodeDuplicate)
	ada.EmailVerified = true
	connected, err := f.AdmitIdentity(ctx, f.account, ada)
	must(t, err)
	if connected.Email != "ada@example.com" || connected.Password != "hash" || connected.Subject != "8" || connected.Role != video.RoleOwner {
		t.Fatalf("connected %+v", connected)
	}
	ada.Subject = "9"
	_, err = f.AdmitIdentity(ctx, f.account, ada)
	wantCode(t, err, video.CodeDuplicate)
	ada.Issuer = "https://new.example.com" // the operator moved to another provider
	moved, err := f.AdmitIdentity(ctx, f.account, ada)
	must(t, err)
	if moved.ID != connected.ID || moved.Issuer != ada.Issuer || moved.Subject != "9" {
		t.Fatalf("moved %+v", moved)
	}

	// A letter that becomes an ASCII one in lower case is another mailbox.
	kim, err := f.AddMember(ctx, video.Member{AccountID: f.account, Email: "kim@example.com", Name: "Kim", Role: video.RoleSupport})
	must(t, err)
	other := video.Identity{Issuer: issuer, Subject: "20", Email: "\u212aim@example.com", EmailVerified: true, Name: "Kim", Role: video.RoleOwner}
	_, err = f.AdmitIdentity(ctx, f.account, other)
	wantCode(t, err, video.CodeDuplicate)

	// Where roles stay, who was invited has the role of the invitation, and nobody else gets in without one.
	other.Email, other.Role, other.RoleStays = "KIM@example.com", "", true
	same, err := f.AdmitIdentity(ctx, f.account, other)
	must(t, err)
	if same.ID != kim.ID || same.Role != video.RoleSupport || same.Subject != "20" {
		t.Fatalf("connected %+v", same)
	}
	other.Role = video.RoleOwner
	same, err = f.AdmitIdentity(ctx, f.account, other)
	must(t, err)
	wantEqual(t, "role that stays", same.Role, video.RoleSupport)
	stranger := video.Identity{Issuer: issuer, Subject: "21", Email: "lin@example.com", EmailVerified: true, Name: "Lin", RoleStays: true}
	_, err = f.AdmitIdentity(ctx, f.account, stranger)
	wantCode(t, err, video.CodeForbidden)
	stranger.Role = video.RoleViewer
	lin, err := f.AdmitIdentity(ctx, f.account, stranger)
	must(t, err)
	wantEqual(t, "role of a newcomer", lin.Role, video.RoleViewer)

	// Who was removed is a stranger again.
	must(t, f.RemoveMember(ctx, f.account, lin.ID))
	stranger.Role = ""
	_, err = f.AdmitIdentity(ctx, f.account, stranger)
	wantCode(t, err, video.CodeForbidden)

	foreign := f.foreign()
	_, err = f.AdmitIdentity(ctx, foreign, grace)
	wantCode(t, err, video.CodeForbidden)
	_, err = f.AdmitIdentity(ctx, foreign, video.Identity{
		Issuer: issuer, Subject: "10", Email: "ada@example.com", EmailVerified: true, Name: "Ada", Role: video.RoleOwner,
	})
	wantCode(t, err, video.CodeDuplicate)
	for _, bad := range []video.Identity{
		{Issuer: issuer, Subject: "", Email: "x@y", Name: "x", Role: video.RoleViewer},
		{Issuer: issuer, Subject: "x\x00", Email: "x@y", Name: "x", Role: video.RoleViewer},
		{Issuer: "", Subject: "x", Email: "x@y", Name: "x", Role: video.RoleViewer},
		{Issuer: issuer, Subject: "x", Email: "x", Name: "x", Role: video.RoleViewer},
		{Issuer: issuer, Subject: "x", Email: "x@y", Name: "x", Role: "king"},
	} {
		_, err := f.AdmitIdentity(ctx, f.account, bad)
		wantCode(t, err, video.CodeInvalid)
	}

	log, err := f.Audits(ctx, video.AuditQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 50}})
	must(t, err)
	var actions []string
	for _, entry := range slices.Backward(log.Items) {
		actions = append(actions, entry.Action)
	}
	slices.Sort(actions) // those of one instant have no order
	want := []string{
		"member.connect", "member.connect", "member.connect", "member.create", "member.create", "member.create", "member.create", "member.delete",
		"member.update", "member.update", "member.update",
	}
	if !slices.Equal(actions, want) {
		t.Errorf("the audit log has %q", actions)
	}
}
