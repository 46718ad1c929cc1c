package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type apiKeyRow struct {
	bun.BaseModel `bun:"table:api_keys"`

	ID        string          `bun:"id,pk"`
	AccountID video.AccountID `bun:"account_id"`
	Name      string          `bun:"name"`
	Hash      []byte          `bun:"hash"`
	CreatedAt int64           `bun:"created_at"`
}

type signingKeyRow struct {
	bun.BaseModel `bun:"table:signing_keys"`

	ID        string          `bun:"id,pk"`
	AccountID video.AccountID `bun:"account_id"`
	Public    []byte          `bun:"public"`
	Sealed    []byte          `bun:"sealed"`
	CreatedAt int64           `bun:"created_at"`
}

func (r signingKeyRow) signingKey() video.SigningKey {
	return video.SigningKey{
		ID: r.ID, AccountID: r.AccountID, Public: r.Public, Sealed: r.Sealed, CreatedAt: moment(r.CreatedAt),
	}
}

// AddAPIKey keeps the record of a key. An empty ID and a zero CreatedAt are filled in; the same key twice is a
// duplicate.
func (s *Store) AddAPIKey(ctx context.Context, key video.APIKey) error {
	if key.ID == "" {
		key.ID = video.NewUUID()
	}
	if key.CreatedAt.IsZero() {
		key.CreatedAt = s.now()
	}
	row := apiKeyRow{
		ID: key.ID, AccountID: key.AccountID, Name: key.Name, Hash: key.Hash[:], CreatedAt: key.CreatedAt.UnixMicro(),
	}
	_, err := s.writes.NewInsert().Model(&row).Exec(ctx)
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "this API key exists already")
	}
	if err != nil {
		return failed("add API key", err)
	}
	return nil
}

// APIKeyByHash finds a key by the SHA-256 of the whole key. An unknown one is unauthorized.
func (s *Store) APIKeyByHash(ctx context.Context, hash [32]byte) (video.APIKey, error) {
	var row apiKeyRow
	err := s.reads.NewSelect().Model(&row).Where("hash = ?", hash[:]).Scan(ctx)
	if err := one(err, video.Errorf(video.CodeUnauthorized, "the API key is not valid"), "find API key"); err != nil {
		return video.APIKey{}, err
	}
	return video.APIKey{
		ID: row.ID, AccountID: row.AccountID, Name: row.Name, Hash: [32]byte(row.Hash), CreatedAt: moment(row.CreatedAt),
	}, nil
}

// CountAPIKeys returns how many keys the account has.
func (s *Store) CountAPIKeys(ctx context.Context, account video.AccountID) (int, error) {
	n, err := s.reads.NewSelect().Model((*apiKeyRow)(nil)).Where("account_id = ?", account).Count(ctx)
	if err != nil {
		return 0, failed("count API keys", err)
	}
	return int(n), nil
}

// AddSigningKey keeps a key pair. A zero CreatedAt is filled in.
func (s *Store) AddSigningKey(ctx context.Context, key video.SigningKey) error {
	if key.CreatedAt.IsZero() {
		key.CreatedAt = s.now()
	}
	row := signingKeyRow{
		ID: key.ID, AccountID: key.AccountID, Public: key.Public, Sealed: key.Sealed, CreatedAt: key.CreatedAt.UnixMicro(),
	}
	_, err := s.writes.NewInsert().Model(&row).Exec(ctx)
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "a signing key with this id exists already")
	}
	if err != nil {
		return failed("add signing key", err)
	}
	return nil
}

// SigningKeys returns the account's key pairs, newest first.
func (s *Store) SigningKeys(ctx context.Context, account video.AccountID) ([]video.SigningKey, error) {
	var rows []signingKeyRow
	err := s.reads.NewSelect().Model(&rows).Where("account_id = ?", account).
		OrderExpr("created_at DESC, id DESC").Scan(ctx)
	if err != nil {
		return nil, failed("list signing keys", err)
	}
	keys := make([]video.SigningKey, len(rows))
	for i, row := range rows {
		keys[i] = row.signingKey()
	}
	return keys, nil
}

// SigningKey finds a key pair by the kid that tokens name it by, in whichever account it is.
func (s *Store) SigningKey(ctx context.Context, kid string) (video.SigningKey, error) {
	var row signingKeyRow
	err := s.reads.NewSelect().Model(&row).Where("id = ?", kid).Scan(ctx)
	if err := one(err, video.Errorf(video.CodeNotFound, "no such signing key"), "find signing key"); err != nil {
		return video.SigningKey{}, err
	}
	return row.signingKey(), nil
}
