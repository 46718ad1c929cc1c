package store

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// AdmitIdentity finds the member of the account whom a provider vouches for, and gives them the name that the identity has, and its
// role unless roles stay. A member with the same address, which the provider must vouch for, is connected to the identity. Who is new
// becomes a member if the identity has a role, and is forbidden otherwise. The account's only owner stays one, whatever the provider
// says. An address that is somebody else's is a duplicate.
func (s *Store) AdmitIdentity(ctx context.Context, account video.AccountID, identity video.Identity) (video.Member, error) {
	if identity.Issuer == "" || identity.Subject == "" || !isText(identity.Issuer+identity.Subject) {
		return video.Member{}, video.Errorf(video.CodeInvalid, "an identity has an issuer and a subject, in UTF-8")
	}
	number, err := s.existing(ctx, account)
	if err != nil {
		return video.Member{}, err
	}
	wanted := video.Member{
		AccountID: account, Email: identity.Email, Name: identity.Name, Role: identity.Role, Issuer: identity.Issuer, Subject: identity.Subject,
	}
	if err := checkPerson(wanted); err != nil {
		return video.Member{}, err
	}
	var row memberRow
	err = s.write(ctx, "admit identity", func(ctx context.Context, tx bun.Tx) (err error) {
		row, err = s.admitIdentity(ctx, tx, number, wanted, identity)
		return err
	})
	return row.member(), err
}

func (s *Store) admitIdentity(ctx context.Context, tx bun.Tx, number account, wanted video.Member, identity video.Identity) (memberRow, error) {
	var rows []memberRow
	err := selectMembers(tx, &rows).Where("member_row.issuer = ? AND member_row.subject = ?", identity.Issuer, identity.Subject).Scan(ctx)
	if err != nil {
		return memberRow{}, err
	}
	known := len(rows) > 0
	if !known {
		if err := selectMembers(tx, &rows).Where("member_row.email_key = ?", emailKey(identity.Email)).Scan(ctx); err != nil {
			return memberRow{}, err
		}
	}
	if len(rows) > 0 && identity.RoleStays {
		wanted.Role = rows[0].Role
	}
	switch {
	case known:
		return s.refreshIdentity(ctx, tx, rows[0], wanted)
	case len(rows) > 0:
		return s.connectIdentity(ctx, tx, rows[0], wanted, identity.EmailVerified)
	case wanted.Role == "":
		return memberRow{}, video.Errorf(video.CodeForbidden, "you are no member here: ask an owner to invite your email address under Members")
	}
	return s.addIdentity(ctx, tx, number, wanted)
}

// addIdentity makes a member of whom nothing was known.
func (s *Store) addIdentity(ctx context.Context, tx bun.Tx, number account, wanted video.Member) (memberRow, error) {
	if err := checkMember(wanted); err != nil {
		return memberRow{}, err
	}
	row := s.newMemberRow(wanted, number)
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return memberRow{}, err
	}
	return row, s.auditTx(ctx, tx, number, "member.create", row.ID, fmt.Sprintf("%s, %s, by OIDC", row.Email, row.Role))
}

// refreshIdentity gives a member who is known by the identity the name and the role that are wanted.
func (s *Store) refreshIdentity(ctx context.Context, tx bun.Tx, row memberRow, wanted video.Member) (memberRow, error) {
	if row.AccountID != wanted.AccountID {
		return memberRow{}, video.Errorf(video.CodeForbidden, "you are a member of another account")
	}
	changed, err := s.updateIdentity(ctx, tx, &row, wanted)
	if err != nil || !changed {
		return row, err
	}
	return row, s.auditTx(ctx, tx, row.Account, "member.update", row.ID, fmt.Sprintf("%s, %s, by OIDC", row.Email, row.Role))
}

// connectIdentity makes the identity that of a member who has its address. Whoever could sign in with an address that is not verified
// could become anybody.
func (s *Store) connectIdentity(ctx context.Context, tx bun.Tx, row memberRow, wanted video.Member, verified bool) (memberRow, error) {
	switch {
	case row.AccountID != wanted.AccountID:
		return memberRow{}, video.Errorf(video.CodeDuplicate, "a member of another account has your email address")
	case row.Issuer == wanted.Issuer:
		return memberRow{}, video.Errorf(video.CodeDuplicate,
			"a member who is somebody else at the sign-in provider has your email address: an owner can remove them")
	case !verified:
		return memberRow{}, video.Errorf(video.CodeDuplicate,
			"a member has your email address, and the sign-in provider does not vouch that it is yours: an owner can remove them")
	case !sameAddress(row.Email, wanted.Email):
		return memberRow{}, video.Errorf(video.CodeDuplicate, "a member has an email address that looks like yours")
	}
	if _, err := s.updateIdentity(ctx, tx, &row, wanted); err != nil {
		return memberRow{}, err
	}
	return row, s.auditTx(ctx, tx, row.Account, "member.connect", row.ID, fmt.Sprintf("%s, %s, to %s", row.Email, row.Role, row.Issuer))
}

// sameAddress reports whether addresses with the same key are one mailbox. Some letters become ASCII in lower case (U+212A, the sign for
// kelvin, becomes k), and whoever has a mailbox with such a letter is not who has the one without.
func sameAddress(a, b string) bool { return a == b || isASCII(a) && isASCII(b) }

func isASCII(s string) bool {
	for _, r := range s {
		if r >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// updateIdentity writes what the identity says of a member, and reports whether any of it is new.
func (s *Store) updateIdentity(ctx context.Context, tx bun.Tx, row *memberRow, wanted video.Member) (changed bool, err error) {
	if err := checkMember(wanted); err != nil {
		return false, err
	}
	role := wanted.Role
	if row.Role == video.RoleOwner && role != video.RoleOwner {
		others, err := owners(tx, row.Account).Where("id <> ?", row.ID).Exists(ctx)
		if err != nil {
			return false, err
		}
		if !others {
			role = video.RoleOwner
		}
	}
	before := *row
	row.Name, row.Role, row.Issuer, row.Subject = wanted.Name, role, wanted.Issuer, wanted.Subject
	if *row == before {
		return false, nil
	}
	row.UpdatedAt = max(row.UpdatedAt, s.now().UnixMicro())
	_, err = tx.NewUpdate().Model(row).Column("name", "role", "issuer", "subject", "updated_at").WherePK().Exec(ctx)
	return true, err
}
