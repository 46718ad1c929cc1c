package video

import "time"

// Account owns rooms and everything in them. What belongs to another account does not exist for this one.
type Account struct {
	ID        AccountID
	Name      string
	CreatedAt time.Time
}

// APIKey is the record of a key. Only a hash of the key itself is kept.
type APIKey struct {
	ID        string
	AccountID AccountID
	Name      string
	Hash      [32]byte // SHA-256 of the whole key
	CreatedAt time.Time
}

// SigningKey is one of an account's key pairs. Sealed is the private part, encrypted under the root key.
type SigningKey struct {
	ID        string // the token's kid
	AccountID AccountID
	Public    []byte // raw Ed25519 public key, 32 bytes
	Sealed    []byte
	CreatedAt time.Time
}
