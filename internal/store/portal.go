package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type portalSessionRow struct {
	bun.BaseModel `bun:"table:portal_sessions"`

	Hash       []byte `bun:"hash,pk"`
	MemberID   string `bun:"member_id"`
	Address    string `bun:"address"`
	UserAgent  string `bun:"user_agent"`
	CreatedAt  int64  `bun:"created_at"`
	LastUsedAt int64  `bun:"last_used_at"`
	ExpiresAt  int64  `bun:"expires_at"`
	Vouched    bool   `bun:"vouched"`
}

type portalLinkRow struct {
	bun.BaseModel `bun:"table:portal_links"`

	Hash      []byte  `bun:"hash,pk"`
	Account   account `bun:"account"`
	MemberID  *string `bun:"member_id"`
	ExpiresAt int64   `bun:"expires_at"`
}

// OpenPortalSession keeps where a member signed in.
func (s *Store) OpenPortalSession(ctx context.Context, session video.PortalSession) error {
	row := portalSessionRow{
		Hash: session.Hash[:], MemberID: session.MemberID, Address: session.Address, UserAgent: session.UserAgent,
		CreatedAt: session.CreatedAt.UnixMicro(), LastUsedAt: session.LastUsedAt.UnixMicro(), ExpiresAt: session.ExpiresAt.UnixMicro(),
		Vouched: session.Vouched,
	}
	return s.write(ctx, "open portal session", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*memberRow)(nil)).Set("last_login_at = ?", row.CreatedAt).Where("id = ?", row.MemberID).Exec(ctx)
		return err
	})
}

// PortalSession finds a session that is good at the time given, and whose it is. Any other is unauthorized.
func (s *Store) PortalSession(ctx context.Context, hash [32]byte, at time.Time) (video.PortalSession, video.Member, error) {
	absent := video.Errorf(video.CodeUnauthorized, "the portal session has ended")
	var row portalSessionRow
	err := s.reads.NewSelect().Model(&row).Where("hash = ?", hash[:]).Where("expires_at > ?", at.UnixMicro()).Scan(ctx)
	if err := one(err, absent, "find portal session"); err != nil {
		return video.PortalSession{}, video.Member{}, err
	}
	var of memberRow
	err = selectMembers(s.reads, &of).Where("member_row.id = ?", row.MemberID).Scan(ctx)
	if err := one(err, absent, "find member"); err != nil {
		return video.PortalSession{}, video.Member{}, err
	}
	return video.PortalSession{
		Hash: hash, MemberID: row.MemberID, Address: row.Address, UserAgent: row.UserAgent,
		CreatedAt: moment(row.CreatedAt), LastUsedAt: moment(row.LastUsedAt), ExpiresAt: moment(row.ExpiresAt), Vouched: row.Vouched,
	}, of.member(), nil
}

// ExtendPortalSession notes a use of a session, and until when it is good from now on.
func (s *Store) ExtendPortalSession(ctx context.Context, hash [32]byte, used, expires time.Time) error {
	_, err := s.writes.NewUpdate().Model((*portalSessionRow)(nil)).
		Set("last_used_at = ?", used.UnixMicro()).Set("expires_at = ?", expires.UnixMicro()).
		Where("hash = ?", hash[:]).Where("expires_at > ?", used.UnixMicro()).Exec(ctx)
	if err != nil {
		return failed("extend portal session", err)
	}
	return nil
}

// EndPortalSession makes a session useless at once. Its row stays for KnownAddress.
func (s *Store) EndPortalSession(ctx context.Context, hash [32]byte, at time.Time) error {
	_, err := s.writes.NewUpdate().Model((*portalSessionRow)(nil)).Set("expires_at = ?", at.UnixMicro()).
		Where("hash = ?", hash[:]).Where("expires_at > ?", at.UnixMicro()).Exec(ctx)
	if err != nil {
		return failed("end portal session", err)
	}
	return nil
}

// ForgetPortalSessions removes sessions and links that ended before a time.
func (s *Store) ForgetPortalSessions(ctx context.Context, before time.Time) error {
	return s.write(ctx, "forget portal sessions", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*portalSessionRow)(nil)).Where("expires_at < ?", before.UnixMicro()).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewDelete().Model((*portalLinkRow)(nil)).Where("expires_at < ?", before.UnixMicro()).Exec(ctx)
		return err
	})
}

// KnownAddress reports whether the member signed in from the address before, as far as that is remembered.
func (s *Store) KnownAddress(ctx context.Context, member, address string) (bool, error) {
	known, err := s.reads.NewSelect().Model((*portalSessionRow)(nil)).
		Where("member_id = ?", member).Where("address = ?", address).Exists(ctx)
	if err != nil {
		return false, failed("find portal sessions", err)
	}
	return known, nil
}

// AddPortalLink keeps a link. It is the only one of its member from now on, or the only one that makes the account's owner.
func (s *Store) AddPortalLink(ctx context.Context, link video.PortalLink) error {
	number, err := s.existing(ctx, link.AccountID)
	if err != nil {
		return err
	}
	row := portalLinkRow{Hash: link.Hash[:], Account: number, MemberID: textOrNil(link.MemberID), ExpiresAt: link.ExpiresAt.UnixMicro()}
	return s.write(ctx, "add portal link", func(ctx context.Context, tx bun.Tx) error {
		former := tx.NewDelete().Model((*portalLinkRow)(nil)).Where("account = ?", number)
		if link.MemberID == "" {
			former = former.Where("member_id IS NULL")
		} else {
			if _, err := findMember(ctx, tx, link.AccountID, link.MemberID); err != nil {
				return err
			}
			former = former.Where("member_id = ?", link.MemberID)
		}
		if _, err := former.Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil || link.MemberID == "" {
			return err
		}
		return s.auditTx(ctx, tx, number, "member.reset_password", link.MemberID, "")
	})
}

// UsePortalLink spends a link that is good at the time given: its member, or the owner it makes, has the password from now
// on and is signed in nowhere. Of owner, the email address, the name and the hash of the password count; for a link with a
// member only the last does. A link that is unknown, spent or expired is forbidden.
func (s *Store) UsePortalLink(ctx context.Context, hash [32]byte, at time.Time, owner video.Member) (video.Member, error) {
	var row memberRow
	err := s.write(ctx, "use portal link", func(ctx context.Context, tx bun.Tx) error {
		var link portalLinkRow
		err := tx.NewDelete().Model(&link).Where("hash = ?", hash[:]).Where("expires_at > ?", at.UnixMicro()).Returning("*").Scan(ctx)
		if err := one(err, linkSpent(), "find portal link"); err != nil {
			return err
		}
		if link.MemberID == nil {
			row, err = s.insertOwner(ctx, tx, link.Account, owner)
			return err
		}
		if err := selectMembers(tx, &row).Where("member_row.id = ?", *link.MemberID).Scan(ctx); err != nil {
			return err
		}
		return s.setPasswordTx(ctx, tx, &row, owner.Password, at)
	})
	return row.member(), emailTaken(err)
}

func linkSpent() *video.Error {
	return video.Errorf(video.CodeForbidden, "the link was used already, or has expired").WithField("/link_secret")
}

func (s *Store) insertOwner(ctx context.Context, tx bun.Tx, number account, owner video.Member) (memberRow, error) {
	var of accountRow
	if err := tx.NewSelect().Model(&of).Where("number = ?", number).Scan(ctx); err != nil {
		return memberRow{}, err
	}
	switch owned, err := owners(tx, number).Exists(ctx); {
	case err != nil:
		return memberRow{}, err
	case owned:
		return memberRow{}, linkSpent()
	}
	owner.Role, owner.AccountID = video.RoleOwner, of.ID
	if err := checkMember(owner); err != nil {
		return memberRow{}, err
	}
	row := s.newMemberRow(owner, number)
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return memberRow{}, err
	}
	return row, s.auditTx(ctx, tx, number, "member.create", row.ID, row.Email+", owner, by the setup link")
}

// SetPassword gives a member another password and ends all sessions of theirs.
func (s *Store) SetPassword(ctx context.Context, account video.AccountID, id, hash string, at time.Time) error {
	return s.write(ctx, "set password", func(ctx context.Context, tx bun.Tx) error {
		row, err := findMember(ctx, tx, account, id)
		if err != nil {
			return err
		}
		return s.setPasswordTx(ctx, tx, &row, hash, at)
	})
}

func (s *Store) setPasswordTx(ctx context.Context, tx bun.Tx, row *memberRow, hash string, at time.Time) error {
	row.Password, row.UpdatedAt = hash, max(row.UpdatedAt, at.UnixMicro())
	if _, err := tx.NewUpdate().Model(row).Column("password", "updated_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model((*portalSessionRow)(nil)).Set("expires_at = ?", at.UnixMicro()).
		Where("member_id = ?", row.ID).Where("expires_at > ?", at.UnixMicro()).Exec(ctx)
	if err != nil {
		return err
	}
	return s.auditTx(ctx, tx, row.Account, "member.set_password", row.ID, row.Email)
}
