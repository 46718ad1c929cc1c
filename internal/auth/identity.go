package auth

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// PasswordPolicy says who may sign in with a password where there is another way. Links to choose a password let their holder in under
// each policy, so that the server's command line always leads inside.
type PasswordPolicy string

const (
	PasswordsForAll    PasswordPolicy = "all"
	PasswordsForOwners PasswordPolicy = "owners"
	PasswordsOff       PasswordPolicy = "off"
)

// AllPasswordPolicies are all there are.
var AllPasswordPolicies = []PasswordPolicy{PasswordsForAll, PasswordsForOwners, PasswordsOff}

var (
	errNoPasswords = video.Errorf(video.CodeForbidden, "nobody signs in with a password here: sign in with the provider")
	errOwnersOnly  = video.Errorf(video.CodeForbidden, "only owners sign in with a password here: sign in with the provider")
)

// LimitPasswords sets who may sign in with a password; all may at first. It is called before anybody signs in.
func (m *Members) LimitPasswords(policy PasswordPolicy) { m.passwords = policy }

// Passwords returns who may sign in with a password.
func (m *Members) Passwords() PasswordPolicy { return m.passwords }

// SignInAs opens a session for whom a provider vouches. At their first time they become a member of the account; each time they have the
// role that the identity has.
func (m *Members) SignInAs(ctx context.Context, account video.AccountID, identity video.Identity) (SignedIn, error) {
	member, err := m.store.AdmitIdentity(ctx, account, identity)
	if err != nil {
		return SignedIn{}, err
	}
	return m.open(ctx, member)
}
