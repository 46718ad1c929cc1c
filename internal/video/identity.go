package video

// Identity is who an OpenID Connect provider says somebody is, and what the operator's settings make of it.
type Identity struct {
	Issuer        string // the provider; with Subject the only thing that never changes
	Subject       string // who it is there
	Email         string
	EmailVerified bool // whether the provider vouches for the address
	Name          string
	Role          Role // what they get here; empty: who is no member yet is refused
	RoleStays     bool // whether members keep the role they have, so that Role is for newcomers alone
}
