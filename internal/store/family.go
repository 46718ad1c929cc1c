package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type familyRow struct {
	bun.BaseModel `bun:"table:revoked_families"`

	Family    string  `bun:"family,pk"`
	Account   account `bun:"account"`
	RevokedAt int64   `bun:"revoked_at"`
}

// RevokeFamilies makes all tokens of these families useless for joining and refreshing, at once and for good. Families that
// are revoked already stay as they are.
func (s *Store) RevokeFamilies(ctx context.Context, account video.AccountID, families []string) error {
	number, err := s.existing(ctx, account)
	if err != nil || len(families) == 0 {
		return err
	}
	now := s.now().UnixMicro()
	rows := make([]familyRow, len(families))
	for i, family := range families {
		rows[i] = familyRow{Family: family, Account: number, RevokedAt: now}
	}
	if _, err := s.writes.NewInsert().Model(&rows).On("CONFLICT (family) DO NOTHING").Exec(ctx); err != nil {
		return failed("revoke tokens", err)
	}
	return nil
}

// FamilyRevoked reports whether the tokens of a family are dead. Families are unique across accounts.
func (s *Store) FamilyRevoked(ctx context.Context, family string) (bool, error) {
	revoked, err := s.reads.NewSelect().Model((*familyRow)(nil)).Where("family = ?", family).Exists(ctx)
	if err != nil {
		return false, failed("look up token family", err)
	}
	return revoked, nil
}

// ForgetFamilies removes what was revoked before a time, when no token of these families can be good any longer.
func (s *Store) ForgetFamilies(ctx context.Context, before time.Time) error {
	_, err := s.writes.NewDelete().Model((*familyRow)(nil)).Where("revoked_at < ?", before.UnixMicro()).Exec(ctx)
	if err != nil {
		return failed("forget token families", err)
	}
	return nil
}
