package video

import "time"

// Account owns rooms and everything in them. What belongs to another account does not exist for this one.
type Account struct {
	ID        AccountID
	Name      string
	Default   bool // the one that is meant where none is named
	CreatedAt time.Time

	// RecordingRetentionDays is how long recordings and compositions are kept where their room does not say it; nil is as the
	// server says, 0 is for ever.
	RecordingRetentionDays *int
}

// MaxRetentionDays bounds how long recordings can be asked to be kept, in days. For ever is 0.
const MaxRetentionDays = 3650

// MaxAccountName and MaxKeyName bound names that operators give, in bytes and in characters.
const (
	MaxAccountName = 128
	MaxKeyName     = 128
)

// Rights are what an API key allows.
type Rights string

const (
	RightsAdmin      Rights = "admin"       // everything
	RightsReadOnly   Rights = "read-only"   // reading, but no secrets and no bodies of webhooks
	RightsTokensOnly Rights = "tokens-only" // making client tokens, and nothing else
)

// AllRights are all there are.
var AllRights = []Rights{RightsAdmin, RightsReadOnly, RightsTokensOnly}

// APIKey is the record of a key. Only a hash of the key itself is kept.
type APIKey struct {
	ID         string
	AccountID  AccountID
	Name       string
	Rights     Rights
	Hash       [32]byte   // SHA-256 of the whole key
	ExpiresAt  *time.Time // nil: never
	RevokedAt  *time.Time // nil: it is not
	LastUsedAt *time.Time // to within a minute; nil: not yet
	LastAgent  string     // the User-Agent of the last use
	CreatedAt  time.Time
}

// SigningKey is one of an account's key pairs. Sealed is the private part, encrypted under the root key.
type SigningKey struct {
	ID        string // the token's kid
	AccountID AccountID
	Public    []byte // raw Ed25519 public key, 32 bytes
	Sealed    []byte
	CreatedAt time.Time
}
