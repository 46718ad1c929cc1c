package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	idleTime     = 12 * time.Hour      // a portal session that is not used ends after this
	sessionTime  = 14 * 24 * time.Hour // and any other after this
	vouchedTime  = 24 * time.Hour      // or this, where only a provider lets the member in, which may do so no more
	touchAfter   = time.Minute         // a session's last use is known to within this
	linkTime     = 24 * time.Hour
	setupTime    = 10 * 365 * 24 * time.Hour // the next start replaces it
	keptAddress  = 90 * 24 * time.Hour       // how long an address someone signed in from stays known
	hashesAtOnce = 2                         // passwords that are hashed at the same time
)

// MemberStore keeps members and where they are signed in. What it cannot find is an error with CodeNotFound, or with
// CodeUnauthorized where it is a session.
type MemberStore interface {
	HasOwner(ctx context.Context, account video.AccountID) (bool, error)
	MemberByEmail(ctx context.Context, email string) (video.Member, error)
	SetPassword(ctx context.Context, account video.AccountID, id, hash string, at time.Time) error
	AdmitIdentity(ctx context.Context, account video.AccountID, identity video.Identity) (video.Member, error)

	OpenPortalSession(ctx context.Context, session video.PortalSession) error
	PortalSession(ctx context.Context, hash [32]byte, at time.Time) (video.PortalSession, video.Member, error)
	ExtendPortalSession(ctx context.Context, hash [32]byte, used, expires time.Time) error
	EndPortalSession(ctx context.Context, hash [32]byte, at time.Time) error
	ForgetPortalSessions(ctx context.Context, before time.Time) error
	KnownAddress(ctx context.Context, member, address string) (bool, error)

	AddPortalLink(ctx context.Context, link video.PortalLink) error
	// UsePortalLink spends a link; an unknown, spent or expired one is an error with CodeForbidden.
	UsePortalLink(ctx context.Context, hash [32]byte, at time.Time, owner video.Member) (video.Member, error)
}

// Members signs people in to the portal. It is safe for concurrent use.
type Members struct {
	store   MemberStore
	log     *slog.Logger
	now     func() time.Time
	lockout *lockout
	hashing chan struct{} // holds a token for each password that is being hashed
	nobody  string        // a hash that is no password's

	passwords PasswordPolicy
}

// NewMembers makes one. A nil log discards, a nil now is time.Now.
func NewMembers(store MemberStore, log *slog.Logger, now func() time.Time) *Members {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &Members{
		store: store, log: log, now: now, lockout: newLockout(now), hashing: make(chan struct{}, hashesAtOnce),
		nobody: hashPassword(rand.Text()), passwords: PasswordsForAll,
	}
}

// SignedIn is a member in one browser. Secret is the session's credential, CSRF what requests that change anything must show
// beside it; no other site can know it.
type SignedIn struct {
	Member    video.Member
	Secret    string
	CSRF      string
	ExpiresAt time.Time
}

// WaitError is why somebody who guessed too often is not listened to, right or wrong.
type WaitError struct{ For time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many wrong passwords: wait %d seconds", int(math.Ceil(e.For.Seconds())))
}

// SignIn opens a session for who knows the password. Anything wrong is CodeUnauthorized, and takes as long; after wrong
// passwords it can be an *WaitError. The address is that of the actor in ctx.
func (m *Members) SignIn(ctx context.Context, email, password string) (SignedIn, error) {
	actor, _ := video.ActorOf(ctx)
	member, err := m.store.MemberByEmail(ctx, email)
	if err != nil && video.CodeOf(err) != video.CodeNotFound {
		return SignedIn{}, err
	}
	hash, who, known := member.Password, strings.ToLower(email), false
	from := doorstep(actor.Address)
	if member.ID != "" {
		if known, err = m.store.KnownAddress(ctx, member.ID, actor.Address); err != nil {
			return SignedIn{}, err
		}
	}
	if left := m.lockout.wait(who, from, known); left > 0 {
		return SignedIn{}, &WaitError{left}
	}
	if hash == "" {
		hash = m.nobody
	}
	right, err := m.verify(ctx, password, hash)
	if err != nil {
		return SignedIn{}, err
	}
	if !right || member.Password == "" {
		m.lockout.wrong(who, from)
		m.log.Warn("wrong password in the portal", "address", actor.Address, "request", actor.RequestID)
		return SignedIn{}, video.Errorf(video.CodeUnauthorized, "the email address or the password is wrong")
	}
	m.lockout.right(who, from)
	if !m.mayUsePassword(member) {
		return SignedIn{}, errOwnersOnly
	}
	return m.open(ctx, member)
}

// doorstep is what counts as one address: that of IPv4 by itself, of IPv6 the /64 that one customer has.
func doorstep(address string) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	return household(parsed).String()
}

// hashingTurn waits for a place among those whose passwords are hashed.
func (m *Members) hashingTurn(ctx context.Context) (done func(), err error) {
	select {
	case m.hashing <- struct{}{}:
		return func() { <-m.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *Members) verify(ctx context.Context, password, hash string) (bool, error) {
	done, err := m.hashingTurn(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	return utf8.RuneCountInString(password) <= MaxPassword && verifyPassword(password, hash), nil
}

func (m *Members) hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	done, err := m.hashingTurn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return hashPassword(password), nil
}

func (m *Members) open(ctx context.Context, member video.Member) (SignedIn, error) {
	return m.openSession(ctx, member, !m.mayUsePassword(member))
}

func (m *Members) openSession(ctx context.Context, member video.Member, vouched bool) (SignedIn, error) {
	now := m.now()
	secret, hash := newSecret()
	actor, _ := video.ActorOf(ctx)
	session := video.PortalSession{
		Hash: hash, MemberID: member.ID, Address: actor.Address, UserAgent: actor.UserAgent,
		CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(idleTime), Vouched: vouched,
	}
	if err := m.store.ForgetPortalSessions(ctx, now.Add(-keptAddress)); err != nil {
		return SignedIn{}, err
	}
	if err := m.store.OpenPortalSession(ctx, session); err != nil {
		return SignedIn{}, err
	}
	member.LastLoginAt = &now
	return SignedIn{Member: member, Secret: secret, CSRF: csrfOf(secret), ExpiresAt: session.ExpiresAt}, nil
}

// newSecret makes one of 256 bits, and what it is looked up by.
func newSecret() (secret string, hash [32]byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	return secret, sha256.Sum256([]byte(secret))
}

func csrfOf(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("rotunda portal csrf v1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Session finds who is signed in with a secret. One that is unknown or has ended is CodeUnauthorized.
func (m *Members) Session(ctx context.Context, secret string) (SignedIn, error) {
	now := m.now()
	hash := sha256.Sum256([]byte(secret))
	session, member, err := m.store.PortalSession(ctx, hash, now)
	if err != nil {
		return SignedIn{}, err
	}
	expires := session.ExpiresAt
	if now.Sub(session.LastUsedAt) >= touchAfter {
		expires = now.Add(idleTime)
		if last := lastOf(session); expires.After(last) {
			expires = last
		}
		if err := m.store.ExtendPortalSession(ctx, hash, now, expires); err != nil {
			return SignedIn{}, err
		}
	}
	return SignedIn{Member: member, Secret: secret, CSRF: csrfOf(secret), ExpiresAt: expires}, nil
}

// lastOf is when a session ends however much it is used.
func lastOf(session video.PortalSession) time.Time {
	if session.Vouched {
		return session.CreatedAt.Add(vouchedTime)
	}
	return session.CreatedAt.Add(sessionTime)
}

// SignOut ends a session.
func (m *Members) SignOut(ctx context.Context, secret string) error {
	return m.store.EndPortalSession(ctx, sha256.Sum256([]byte(secret)), m.now())
}

// SetupLink makes the secret of the link that makes the account's owner, in the place of any former one; empty once there is
// an owner.
func (m *Members) SetupLink(ctx context.Context, account video.AccountID) (secret string, err error) {
	owned, err := m.store.HasOwner(ctx, account)
	if err != nil || owned {
		return "", err
	}
	secret, _, err = m.link(ctx, account, "", setupTime)
	return secret, err
}

// PasswordLink makes the secret of a link by which a member chooses a password, in the place of any former one. It is good
// for a day.
func (m *Members) PasswordLink(ctx context.Context, account video.AccountID, member string) (secret string, expires time.Time, err error) {
	return m.link(ctx, account, member, linkTime)
}

func (m *Members) link(ctx context.Context, account video.AccountID, member string, good time.Duration) (string, time.Time, error) {
	secret, hash := newSecret()
	link := video.PortalLink{Hash: hash, AccountID: account, MemberID: member, ExpiresAt: m.now().Add(good)}
	return secret, link.ExpiresAt, m.store.AddPortalLink(ctx, link)
}

// UseLink spends a link and signs its member in. For the setup link, owner's email address and name are the owner's; other
// links do not ask for them. Locks do not hold here: who has the link need not guess.
func (m *Members) UseLink(ctx context.Context, secret, password string, owner video.Member) (SignedIn, error) {
	hash, err := m.hash(ctx, password)
	if err != nil {
		return SignedIn{}, err
	}
	owner.Password = hash
	member, err := m.store.UsePortalLink(ctx, sha256.Sum256([]byte(secret)), m.now(), owner)
	if err != nil {
		return SignedIn{}, err
	}
	return m.open(ctx, member)
}

// ChangePassword gives a member who knows the present password another, ends all their sessions, and opens a new one.
func (m *Members) ChangePassword(ctx context.Context, member video.Member, present, password string) (SignedIn, error) {
	right, err := m.verify(ctx, present, member.Password)
	if err != nil {
		return SignedIn{}, err
	}
	if !right {
		return SignedIn{}, video.Errorf(video.CodeInvalid, "this is not the present password").WithField("/present_password")
	}
	hash, err := m.hash(ctx, password)
	if err != nil {
		return SignedIn{}, err
	}
	if err := m.store.SetPassword(ctx, member.AccountID, member.ID, hash, m.now()); err != nil {
		return SignedIn{}, err
	}
	member.Password = hash
	return m.open(ctx, member)
}
