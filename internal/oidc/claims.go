package oidc

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Mapping says which role people get by what the provider claims of them.
type Mapping struct {
	// Claim is the name of the claim whose values count, such as groups. Where no claim has the name, its dots lead into objects, as in
	// realm_access.roles.
	Claim string
	// Roles are those that values give. Of several, the mightiest counts. Where there are none, the provider says nothing of roles:
	// members keep those they have.
	Roles map[string]video.Role
	// Default is the role of those who have none of the values, or of newcomers where there are no values; empty: they are refused.
	Default video.Role
}

// governs reports whether the provider says which roles people have.
func (m Mapping) governs() bool { return len(m.Roles) > 0 }

func (m Mapping) role(said claims) video.Role {
	values := said.values(m.Claim)
	for _, role := range video.AllRoles {
		for value, gives := range m.Roles {
			if gives == role && slices.Contains(values, value) {
				return role
			}
		}
	}
	return m.Default
}

// identify says who the claims are about, or why they may not sign in.
func (p *Provider) identify(said claims) (video.Identity, error) {
	who := video.Identity{
		Issuer: p.config.Issuer, Subject: said.text("sub"), Email: said.text("email"), EmailVerified: said.verified(),
		Role: p.config.Roles.role(said), RoleStays: !p.config.Roles.governs(),
	}
	who.Name = said.name(who.Email)
	switch {
	case who.Email == "":
		return video.Identity{}, errNoAddress
	case len(p.config.Domains) > 0 && !who.EmailVerified:
		return video.Identity{}, errNotVerified
	case len(p.config.Domains) > 0 && !slices.Contains(p.config.Domains, domainOf(who.Email)):
		return video.Identity{}, errDomain
	case who.Role == "" && p.config.Roles.governs():
		return video.Identity{}, errNoRole
	}
	return who, nil
}

func domainOf(email string) string {
	return lower(email[strings.LastIndexByte(email, '@')+1:])
}

// lower is for ASCII alone: some other letters become ASCII in lower case, and would pass for it.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, s)
}

// claims are what a provider says of somebody, as JSON has it.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// verified reports whether the provider vouches for the email address. Some write the boolean as text.
func (c claims) verified() bool { return c["email_verified"] == true || c["email_verified"] == "true" }

// values are those of a claim, or of what its dots lead to: one or a list.
func (c claims) values(claim string) []string {
	found, known := c[claim]
	if !known {
		found = inside(map[string]any(c), strings.Split(claim, "."))
	}
	list, several := found.([]any)
	if !several {
		list = []any{found}
	}
	var values []string
	for _, value := range list {
		switch value.(type) {
		case string, bool, float64:
			values = append(values, fmt.Sprint(value))
		}
	}
	return values
}

func inside(value any, path []string) any {
	for _, step := range path {
		object, _ := value.(map[string]any)
		value = object[step]
	}
	return value
}

// name is what to call somebody: as the provider does, or by their address. It is always one that members may have.
func (c claims) name(email string) string {
	for _, candidate := range []string{c.text("name"), c.text("preferred_username"), email} {
		printable := strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(candidate, ""))
		runes := []rune(strings.TrimSpace(printable))
		if len(runes) > 0 {
			return strings.TrimSpace(string(runes[:min(len(runes), video.MaxMemberName)]))
		}
	}
	return ""
}

// complete adds claims that are missing. That an address is verified is only said of the address it is said with.
func (c claims) complete(more claims) {
	switch c.text("email") {
	case "":
		delete(c, "email")
		delete(c, "email_verified")
	case more.text("email"):
	default:
		delete(more, "email_verified")
	}
	for name, value := range more {
		if _, known := c[name]; !known {
			c[name] = value
		}
	}
}
