package store

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type apiKeyRow struct {
	bun.BaseModel `bun:"table:api_keys"`

	ID         string          `bun:"id,pk"`
	AccountID  video.AccountID `bun:"account_id"`
	Name       string          `bun:"name"`
	Rights     video.Rights    `bun:"rights"`
	Hash       []byte          `bun:"hash"`
	ExpiresAt  *int64          `bun:"expires_at"`
	RevokedAt  *int64          `bun:"revoked_at"`
	LastUsedAt *int64          `bun:"last_used_at"`
	LastAgent  string          `bun:"last_agent"`
	CreatedAt  int64           `bun:"created_at"`
}

func (r apiKeyRow) apiKey() video.APIKey {
	return video.APIKey{
		ID: r.ID, AccountID: r.AccountID, Name: r.Name, Rights: r.Rights, Hash: [32]byte(r.Hash),
		ExpiresAt: momentOrNil(r.ExpiresAt), RevokedAt: momentOrNil(r.RevokedAt),
		LastUsedAt: momentOrNil(r.LastUsedAt), LastAgent: r.LastAgent, CreatedAt: moment(r.CreatedAt),
	}
}

// AddAPIKey keeps the record of a key. An empty ID, a zero CreatedAt and empty Rights (admin) are filled in; the same key
// twice is a duplicate. When the key was used and revoked is for other methods to write.
func (s *Store) AddAPIKey(ctx context.Context, key video.APIKey) error {
	if key.ID == "" {
		key.ID = video.NewUUID()
	}
	if key.CreatedAt.IsZero() {
		key.CreatedAt = s.now()
	}
	if key.Rights == "" {
		key.Rights = video.RightsAdmin
	}
	if err := checkAPIKey(key); err != nil {
		return err
	}
	number, err := s.existing(ctx, key.AccountID)
	if err != nil {
		return err
	}
	row := apiKeyRow{
		ID: key.ID, AccountID: key.AccountID, Name: key.Name, Rights: key.Rights, Hash: key.Hash[:],
		ExpiresAt: microsOrNil(key.ExpiresAt), CreatedAt: key.CreatedAt.UnixMicro(),
	}
	err = s.write(ctx, "add API key", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, number, "api_key.create", row.ID, fmt.Sprintf("%s, %s", row.Name, row.Rights))
	})
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "this API key exists already")
	}
	return err
}

func checkAPIKey(key video.APIKey) error {
	if !slices.Contains(video.AllRights, key.Rights) {
		return video.Errorf(video.CodeInvalid, "rights are one of %v", video.AllRights).WithField("/rights")
	}
	if utf8.RuneCountInString(key.Name) > video.MaxKeyName || !isText(key.Name) {
		return video.Errorf(video.CodeInvalid, "the name of a key has at most %d characters of UTF-8, without NUL", video.MaxKeyName).
			WithField("/name")
	}
	return nil
}

// APIKeyByHash finds a key that is good now by the SHA-256 of the whole key. One that is unknown, revoked or expired is
// unauthorized; nobody learns which.
func (s *Store) APIKeyByHash(ctx context.Context, hash [32]byte) (video.APIKey, error) {
	var row apiKeyRow
	err := s.reads.NewSelect().Model(&row).Where("hash = ?", hash[:]).Where("revoked_at IS NULL").
		Where("(expires_at IS NULL OR expires_at > ?)", s.now().UnixMicro()).Scan(ctx)
	if err := one(err, video.Errorf(video.CodeUnauthorized, "the API key is not valid"), "find API key"); err != nil {
		return video.APIKey{}, err
	}
	return row.apiKey(), nil
}

// APIKeys returns the account's keys, newest first, those that are good no more among them.
func (s *Store) APIKeys(ctx context.Context, account video.AccountID) ([]video.APIKey, error) {
	if _, err := s.existing(ctx, account); err != nil {
		return nil, err
	}
	var rows []apiKeyRow
	err := s.reads.NewSelect().Model(&rows).Where("account_id = ?", account).
		OrderExpr("created_at DESC, id DESC").Scan(ctx)
	if err != nil {
		return nil, failed("list API keys", err)
	}
	keys := make([]video.APIKey, len(rows))
	for i, row := range rows {
		keys[i] = row.apiKey()
	}
	return keys, nil
}

// RevokeAPIKey makes a key of the account useless from now on, and returns its record. Revoking it again changes nothing.
func (s *Store) RevokeAPIKey(ctx context.Context, account video.AccountID, id string) (video.APIKey, error) {
	number, err := s.existing(ctx, account)
	if err != nil {
		return video.APIKey{}, err
	}
	var row apiKeyRow
	err = s.write(ctx, "revoke API key", func(ctx context.Context, tx bun.Tx) error {
		changed, err := affected(tx.NewUpdate().Model((*apiKeyRow)(nil)).Set("revoked_at = ?", s.now().UnixMicro()).
			Where("id = ?", id).Where("account_id = ?", account).Where("revoked_at IS NULL").Exec(ctx))
		if err != nil {
			return err
		}
		err = tx.NewSelect().Model(&row).Where("id = ?", id).Where("account_id = ?", account).Scan(ctx)
		err = one(err, video.Errorf(video.CodeNotFound, "no API key with id %s", id), "find API key")
		if err != nil || changed == 0 {
			return err
		}
		return s.auditTx(ctx, tx, number, "api_key.revoke", id, row.Name)
	})
	if err != nil {
		return video.APIKey{}, err
	}
	return row.apiKey(), nil
}

// touchAgain is how old the last use must be to be written anew.
const touchAgain = time.Minute

// TouchAPIKey notes that a key was used, if its last use before was a minute ago or longer.
func (s *Store) TouchAPIKey(ctx context.Context, id string, at time.Time, agent string) error {
	_, err := s.writes.NewUpdate().Model((*apiKeyRow)(nil)).
		Set("last_used_at = ?", at.UnixMicro()).Set("last_agent = ?", agent).
		Where("id = ?", id).
		Where("(last_used_at IS NULL OR last_used_at <= ?)", at.Add(-touchAgain).UnixMicro()).Exec(ctx)
	if err != nil {
		return failed("note use of API key", err)
	}
	return nil
}

// CountAPIKeys returns how many keys the account has, those that are good no more among them.
func (s *Store) CountAPIKeys(ctx context.Context, account video.AccountID) (int, error) {
	n, err := s.reads.NewSelect().Model((*apiKeyRow)(nil)).Where("account_id = ?", account).Count(ctx)
	if err != nil {
		return 0, failed("count API keys", err)
	}
	return int(n), nil
}

func microsOrNil(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	us := t.UnixMicro()
	return &us
}
