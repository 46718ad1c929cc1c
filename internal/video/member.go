package video

import "time"

// Role is what a member of an account may do in the portal. internal/rest says which operations that is.
type Role string

const (
	RoleOwner     Role = "owner"     // everything, keys and members included
	RoleDeveloper Role = "developer" // everything but keys, members and the audit log
	RoleSupport   Role = "support"   // sees records and moderates, but neither sees nor hears what was recorded
	RoleViewer    Role = "viewer"    // sees everything that is no secret, and changes nothing
)

// AllRoles are all there are, the mightiest first.
var AllRoles = []Role{RoleOwner, RoleDeveloper, RoleSupport, RoleViewer}

// MaxMemberName and MaxEmail bound what members are called, in characters.
const (
	MaxMemberName = 128
	MaxEmail      = 254
)

// Member is a person who may sign in to the portal of an account.
type Member struct {
	ID          string
	AccountID   AccountID
	Email       string // unique on the server, whatever its letters' case
	Name        string
	Role        Role
	Password    string // its hash; empty until one was chosen
	Issuer      string // of the OpenID provider they signed in by; empty: none
	Subject     string // who they are there
	CreatedAt   time.Time
	UpdatedAt   time.Time
	LastLoginAt *time.Time // nil: not yet
}

// MemberChange holds what an update sets. A nil field keeps its value.
type MemberChange struct {
	Name *string
	Role *Role
}

// PortalSession is one browser in which a member is signed in. Only a hash of its secret is kept.
type PortalSession struct {
	Hash       [32]byte // SHA-256 of the secret
	MemberID   string
	Address    string // where the member signed in
	UserAgent  string
	CreatedAt  time.Time
	LastUsedAt time.Time // to within a minute
	ExpiresAt  time.Time
	Vouched    bool // by an OpenID provider
}

// PortalLink lets its holder choose a password, once. Only a hash of its secret is kept.
type PortalLink struct {
	Hash      [32]byte // SHA-256 of the secret
	AccountID AccountID
	MemberID  string // whose password; empty: it makes the first owner
	ExpiresAt time.Time
}
