package auth

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// PasswordPolicy says who may sign in with a password where there is another way. Owners may under each policy, and links to choose a
// password let their holder in, so that neither a provider that is down nor one that errs locks everybody out.
type PasswordPolicy string

const (
	PasswordsForAll    PasswordPolicy = "all"
	PasswordsForOwners PasswordPolicy = "owners"
)

// AllPasswordPolicies are all there are.
var AllPasswordPolicies = []PasswordPolicy{PasswordsForAll, PasswordsForOwners}

var errOwnersOnly = video.Errorf(video.CodeForbidden, "only owners sign in with a password here: sign in with the provider")

// LimitPasswords sets who may sign in with a password; all may at first. It is called before anybody signs in.
func (m *Members) LimitPasswords(policy PasswordPolicy) { m.passwords = policy }

// Passwords returns who may sign in with a password.
func (m *Members) Passwords() PasswordPolicy { return m.passwords }

// mayUsePassword reports whether a member may sign in with a password, if they have one.
func (m *Members) mayUsePassword(member video.Member) bool {
	return m.passwords == PasswordsForAll || member.Role == video.RoleOwner
}

// SignInAs opens a session for whom a provider vouches, which ends after a day. At their first time they become a member of the account,
// or are connected to the one they are; without a role they must be one.
func (m *Members) SignInAs(ctx context.Context, account video.AccountID, identity video.Identity) (SignedIn, error) {
	member, err := m.store.AdmitIdentity(ctx, account, identity)
	if err != nil {
		return SignedIn{}, err
	}
	return m.openSession(ctx, member, true)
}
