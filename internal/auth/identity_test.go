package auth

import (
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Who may use a password is the operator's to say. An owner gets in by the link of the command line whatever was said.
func TestPasswordsCanBeLimited(t *testing.T) {
	l := newLobby(t)
	_, err := l.store.AddMember(t.Context(), video.Member{
		AccountID: l.account, Email: "grace@example.com", Name: "Grace", Role: video.RoleDeveloper, Password: hashPassword(horse),
	})
	l.must(err)
	in := func(email, password string) bool {
		t.Helper()
		_, err := l.SignIn(video.WithActor(t.Context(), video.Actor{Address: "192.0.2.1"}), email, password)
		if code := video.CodeOf(err); err != nil && code != video.CodeForbidden && code != video.CodeUnauthorized {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, c := range []struct {
		policy           PasswordPolicy
		owner, developer bool
	}{
		{policy: PasswordsForAll, owner: true, developer: true},
		{policy: PasswordsForOwners, owner: true},
	} {
		l.LimitPasswords(c.policy)
		if owner, developer := in("ada@example.com", horse), in("grace@example.com", horse); owner != c.owner || developer != c.developer {
			t.Errorf("%s: the owner %t, a developer %t", l.Passwords(), owner, developer)
		}
		secret, _, err := l.PasswordLink(t.Context(), l.account, l.member.ID)
		l.must(err)
		if _, err := l.UseLink(t.Context(), secret, horse, video.Member{}); err != nil {
			t.Errorf("%s: the link: %v", c.policy, err)
		}
	}
	// Whether somebody is an owner is told to those who know the password alone.
	l.LimitPasswords(PasswordsForOwners)
	_, err = l.SignIn(t.Context(), "grace@example.com", "wrong password")
	if video.CodeOf(err) != video.CodeUnauthorized {
		t.Errorf("a wrong password is answered %v", err)
	}
}

// A session that only a provider vouched for ends within a day, however much it is used; so does any of a member who may come in by no
// other way.
func TestVouchedSessionsEndWithinADay(t *testing.T) {
	l := newLobby(t)
	grace := video.Identity{Issuer: "https://id.example.com", Subject: "7", Email: "grace@example.com", Name: "Grace", Role: video.RoleDeveloper}
	lasts := func(in SignedIn) (d time.Duration) {
		t.Helper()
		began := l.present
		for ; ; l.present = l.present.Add(idleTime / 2) {
			_, err := l.Session(t.Context(), in.Secret)
			if video.CodeOf(err) == video.CodeUnauthorized {
				return l.present.Sub(began)
			}
			l.must(err)
		}
	}
	vouched, err := l.SignInAs(t.Context(), l.account, grace)
	l.must(err)
	if d := lasts(vouched); d != vouchedTime {
		t.Errorf("a vouched session lasts %v", d)
	}
	for policy, want := range map[PasswordPolicy]time.Duration{PasswordsForAll: sessionTime, PasswordsForOwners: vouchedTime} {
		l.LimitPasswords(policy)
		secret, _, err := l.PasswordLink(t.Context(), l.account, vouched.Member.ID)
		l.must(err)
		in, err := l.UseLink(t.Context(), secret, horse, video.Member{})
		l.must(err)
		if d := lasts(in); d != want {
			t.Errorf("%s: the session of a link lasts %v", policy, d)
		}
		in, err = l.SignIn(t.Context(), "ada@example.com", horse)
		l.must(err)
		if d := lasts(in); d != sessionTime {
			t.Errorf("%s: the owner's session lasts %v", policy, d)
		}
	}
}

func TestAnIdentityOpensASession(t *testing.T) {
	l := newLobby(t)
	grace := video.Identity{Issuer: "https://id.example.com", Subject: "7", Email: "grace@example.com", Name: "Grace", Role: video.RoleSupport}
	first, err := l.SignInAs(t.Context(), l.account, grace)
	l.must(err)
	grace.Role = video.RoleViewer
	second, err := l.SignInAs(t.Context(), l.account, grace)
	l.must(err)
	if first.Member.ID != second.Member.ID || first.Secret == second.Secret {
		t.Errorf("signed in as %+v, then as %+v", first.Member, second.Member)
	}
	// The role of now counts in the earlier session too.
	found, err := l.Session(t.Context(), first.Secret)
	l.must(err)
	if found.Member.Role != video.RoleViewer || found.Member.LastLoginAt == nil {
		t.Errorf("the session is of %+v", found.Member)
	}
	if _, err := l.SignIn(t.Context(), "grace@example.com", ""); video.CodeOf(err) != video.CodeUnauthorized {
		t.Errorf("without a password: %v", err)
	}
}
