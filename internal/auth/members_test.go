package auth

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const horse = "correct horse battery"

// lobby is a door with a member whose password is horse, and a clock of its own.
type lobby struct {
	*Members
	t       *testing.T
	store   *store.Store
	account video.AccountID
	member  video.Member
	present time.Time
}

func newLobby(t *testing.T) *lobby {
	t.Helper()
	l := &lobby{t: t, present: time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return l.present }
	opened, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "a.db"), Now: now})
	l.must(err)
	t.Cleanup(func() { l.must(opened.Close()) })
	account, _, err := opened.DefaultAccount(t.Context())
	l.must(err)
	l.store, l.account, l.Members = opened, account.ID, NewMembers(opened, nil, now)
	secret, err := l.SetupLink(t.Context(), l.account)
	l.must(err)
	in, err := l.UseLink(t.Context(), secret, horse, video.Member{Email: "ada@example.com", Name: "Ada"})
	l.must(err)
	l.member = in.Member
	return l
}

func (l *lobby) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// try signs in from an address and says how long to wait, and whether it was let in.
func (l *lobby) try(address, password string) (wait time.Duration, in bool) {
	l.t.Helper()
	_, err := l.SignIn(video.WithActor(l.t.Context(), video.Actor{Address: address}), "Ada@example.com", password)
	if found, ok := errors.AsType[*WaitError](err); ok {
		return found.For, false
	}
	if err != nil && video.CodeOf(err) != video.CodeUnauthorized {
		l.t.Fatal(err)
	}
	return 0, err == nil
}

func TestPasswordsAreHashed(t *testing.T) {
	hash := hashPassword(horse)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || hash == hashPassword(horse) {
		t.Errorf("the hash is %s", hash)
	}
	if !verifyPassword(horse, hash) || verifyPassword(horse+" ", hash) {
		t.Error("the hash is another password's")
	}
	for _, broken := range []string{"", "$", hash[:20], strings.Replace(hash, "m=19456", "m=x", 1), strings.Replace(hash, "t=2", "t=0", 1), hash + "$"} {
		if verifyPassword(horse, broken) {
			t.Errorf("%q is taken for a hash", broken)
		}
	}
	for _, bad := range []string{"", "ninechars", strings.Repeat("x", MaxPassword+1), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if CheckPassword(bad) == nil {
			t.Errorf("%q may be chosen", bad)
		}
	}
}

// Each wrong password after the fifth doubles the wait, up to 15 minutes; the right one is not even looked at meanwhile.
func TestGuessingIsSlow(t *testing.T) {
	l := newLobby(t)
	for range freeTries {
		if wait, in := l.try("192.0.2.1", "wrong"); wait != 0 || in {
			t.Fatalf("wait %s, in %t", wait, in)
		}
	}
	for i, want := range []time.Duration{0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		if wait, in := l.try("192.0.2.1", horse); wait != want || in != (want == 0) {
			t.Fatalf("guess %d waits %s, in %t", i, wait, in)
		}
		if want == 0 { // it knew the password, and may guess anew
			for range freeTries + 1 {
				l.try("192.0.2.1", "wrong")
			}
			continue
		}
		l.present = l.present.Add(want)
		if wait, _ := l.try("192.0.2.1", "wrong"); wait != 0 {
			t.Fatalf("guess %d waits %s longer", i, wait)
		}
	}
	if wait, _ := l.try("192.0.2.2", "wrong"); wait != 0 {
		t.Errorf("its neighbour waits %s", wait)
	}
	l.present = l.present.Add(longestWait)
	if wait, in := l.try("192.0.2.1", horse); !in {
		t.Errorf("after the longest wait, wait %s", wait)
	}
}

// One customer has a /64 of IPv6, and with it more addresses than anybody can count.
func TestAddressesOfOneCustomerCountTogether(t *testing.T) {
	l := newLobby(t)
	for i := range freeTries + 1 {
		l.try("2001:db8::"+strconv.Itoa(i), "wrong")
	}
	if wait, _ := l.try("2001:db8::ffff", horse); wait == 0 {
		t.Error("a further address need not wait")
	}
	if _, in := l.try("2001:db8:0:1::1", horse); !in {
		t.Error("another customer must wait")
	}
}

// Strangers who guess from many addresses keep out other strangers, and not the member at an address of theirs.
func TestStrangersCannotLockAMemberOut(t *testing.T) {
	l := newLobby(t)
	if _, in := l.try("198.51.100.7", horse); !in {
		t.Fatal("not let in")
	}
	for i := range manyTries { // without passwords, whose hashes take their time
		l.lockout.wrong("ada@example.com", doorstep("203.0.113."+strconv.Itoa(i)))
	}
	if wait, in := l.try("192.0.2.99", horse); in || wait == 0 {
		t.Errorf("an unknown address waits %s, in %t", wait, in)
	}
	if wait, in := l.try("198.51.100.7", horse); !in {
		t.Errorf("the member waits %s", wait)
	}
	secret, _, err := l.PasswordLink(t.Context(), l.account, l.member.ID)
	l.must(err)
	if _, err := l.UseLink(video.WithActor(t.Context(), video.Actor{Address: "192.0.2.99"}), secret, horse+"!", video.Member{}); err != nil {
		t.Errorf("the link of the command line: %v", err)
	}
	if wait, in := l.try("192.0.2.99", horse+"!"); !in {
		t.Errorf("the address of the link waits %s", wait)
	}
}

// Nobody learns who is a member: an unknown address is answered and counted alike.
func TestStrangersLearnNoNames(t *testing.T) {
	l := newLobby(t)
	ctx := video.WithActor(t.Context(), video.Actor{Address: "192.0.2.1"})
	for i := range freeTries + 1 {
		for _, email := range []string{"ada@example.com", "nobody@example.com"} {
			if _, err := l.SignIn(ctx, email, "wrong"); video.CodeOf(err) != video.CodeUnauthorized {
				t.Fatalf("guess %d at %s: %v", i, email, err)
			}
		}
	}
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		if _, err := l.SignIn(ctx, email, "wrong"); err == nil || !strings.Contains(err.Error(), "wait 30 seconds") {
			t.Errorf("%s: %v", email, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	l := newLobby(t)
	in, err := l.SignIn(t.Context(), "ada@example.com", horse)
	l.must(err)
	good := func() bool {
		_, err := l.Session(t.Context(), in.Secret)
		if err != nil && video.CodeOf(err) != video.CodeUnauthorized {
			t.Fatal(err)
		}
		return err == nil
	}
	for end := l.present.Add(sessionTime); l.present.Before(end); l.present = l.present.Add(idleTime - time.Second) {
		if !good() {
			t.Fatalf("ended at %s although it was used", l.present)
		}
	}
	if good() {
		t.Error("it outlives its time")
	}
	in, err = l.SignIn(t.Context(), "ada@example.com", horse)
	l.must(err)
	l.present = l.present.Add(idleTime)
	if good() {
		t.Error("it is good without being used")
	}
}

func TestAnotherPasswordEndsAllSessions(t *testing.T) {
	l := newLobby(t)
	in, err := l.SignIn(t.Context(), "ada@example.com", horse)
	l.must(err)
	if _, err := l.ChangePassword(t.Context(), in.Member, "not it", horse+"!"); video.CodeOf(err) != video.CodeInvalid {
		t.Errorf("without the present password: %v", err)
	}
	fresh, err := l.ChangePassword(t.Context(), in.Member, horse, horse+"!")
	l.must(err)
	if _, err := l.Session(t.Context(), in.Secret); video.CodeOf(err) != video.CodeUnauthorized {
		t.Errorf("the old session: %v", err)
	}
	_, err = l.Session(t.Context(), fresh.Secret)
	l.must(err)
}

func TestLinksAreGoodOnceAndForADay(t *testing.T) {
	l := newLobby(t)
	link := func() string {
		secret, _, err := l.PasswordLink(t.Context(), l.account, l.member.ID)
		l.must(err)
		return secret
	}
	use := func(secret string) error {
		_, err := l.UseLink(t.Context(), secret, horse, video.Member{})
		return err
	}
	former, secret := link(), link()
	if err := use(former); video.CodeOf(err) != video.CodeForbidden {
		t.Errorf("a link that was replaced: %v", err)
	}
	l.must(use(secret))
	if err := use(secret); video.CodeOf(err) != video.CodeForbidden {
		t.Errorf("a link that was used: %v", err)
	}
	secret = link()
	l.present = l.present.Add(linkTime)
	if err := use(secret); video.CodeOf(err) != video.CodeForbidden {
		t.Errorf("a link of yesterday: %v", err)
	}
}
