package oidc

import (
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestRolesComeFromTheClaim(t *testing.T) {
	mapping := func(claim string, otherwise video.Role) Mapping {
		return Mapping{Claim: claim, Default: otherwise, Roles: map[string]video.Role{
			"admins": video.RoleOwner, "engineers": video.RoleDeveloper, "true": video.RoleSupport, "7": video.RoleViewer,
		}}
	}
	for name, c := range map[string]struct {
		said  claims
		claim string
		want  video.Role
	}{
		"one value":              {claims{"role": "engineers"}, "role", video.RoleDeveloper},
		"the mightiest of many":  {claims{"groups": []any{"engineers", "tea", "admins"}}, "groups", video.RoleOwner},
		"inside of objects":      {claims{"realm_access": map[string]any{"roles": []any{"admins"}}}, "realm_access.roles", video.RoleOwner},
		"a name with dots":       {claims{"https://example.com/roles": []any{"admins"}}, "https://example.com/roles", video.RoleOwner},
		"a boolean":              {claims{"staff": true}, "staff", video.RoleSupport},
		"a number":               {claims{"level": 7.0}, "level", video.RoleViewer},
		"another value":          {claims{"groups": []any{"tea"}}, "groups", ""},
		"another letter's case":  {claims{"groups": []any{"Admins"}}, "groups", ""},
		"no such claim":          {claims{}, "groups", ""},
		"nothing where it leads": {claims{"realm_access": "x"}, "realm_access.roles", ""},
		"objects":                {claims{"groups": []any{map[string]any{"admins": "admins"}, nil}}, "groups", ""},
	} {
		if got := mapping(c.claim, "").role(c.said); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
		if got := mapping(c.claim, video.RoleViewer).role(c.said); c.want == "" && got != video.RoleViewer {
			t.Errorf("%s, with a default: %q", name, got)
		}
	}
}

func TestWhoMaySignIn(t *testing.T) {
	company := func(c *Config) { c.Domains = []string{"example.com", "example.org", "book.example"} }
	strict := func(c *Config) { c.Roles.Default = "" }
	invited := func(c *Config) { c.Roles = Mapping{Claim: "groups"} }
	for name, c := range map[string]struct {
		change func(*Config)
		claims map[string]any
		why    string // empty: they may
	}{
		"of the domain":              {company, nil, ""},
		"of the other, in capitals":  {company, map[string]any{"email": "ada@EXAMPLE.ORG"}, ""},
		"verified, as text":          {company, map[string]any{"email_verified": "true"}, ""},
		"of another domain":          {company, map[string]any{"email": "ada@example.com.elsewhere.example"}, "domain"},
		"of a domain within":         {company, map[string]any{"email": "ada@it.example.com"}, "domain"},
		"not verified":               {company, map[string]any{"email_verified": false}, "not verified"},
		"not said to be verified":    {company, map[string]any{"email_verified": nil}, "not verified"},
		"not verified, any domain":   {func(*Config) {}, map[string]any{"email_verified": false}, ""},
		"no address":                 {func(*Config) {}, map[string]any{"email": ""}, "no email address"},
		"no group":                   {strict, nil, "no role"},
		"a group that means nothing": {strict, map[string]any{"groups": []any{"tea"}}, "no role"},
		"a group that does":          {strict, map[string]any{"groups": []any{"help desk"}}, ""},
		"groups that do not matter":  {invited, nil, ""},
		"of a domain in disguise":    {company, map[string]any{"email": "ada@boo\u212a.example"}, "domain"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, c.change)
			for claim, value := range c.claims {
				d.away.Claims[claim] = value
			}
			_, err := d.signIn()
			if c.why == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			turnedAway(t, err, video.CodeForbidden, c.why)
		})
	}
}

// Where no values give roles, the provider says nothing of them.
func TestRolesMayBeOurs(t *testing.T) {
	for _, newcomers := range []video.Role{"", video.RoleSupport} {
		d := newDoor(t, func(c *Config) { c.Roles = Mapping{Claim: "groups", Default: newcomers} })
		d.away.Claims["groups"] = []any{"admins"}
		if who := d.welcome(); who.Role != newcomers || !who.RoleStays || d.SetsRoles() {
			t.Errorf("it is %+v", who)
		}
	}
	if d := newDoor(t); d.welcome().RoleStays || !d.SetsRoles() {
		t.Error("a mapping says nothing")
	}
}

// What the token lacks, the UserInfo endpoint tells; what it has, the endpoint does not change.
func TestUserInfoCompletesTheToken(t *testing.T) {
	d := newDoor(t)
	d.away.Claims = map[string]any{"sub": "ada-1", "name": "Ada"}
	d.away.Info = map[string]any{
		"sub": "ada-1", "name": "Somebody", "email": "ada@example.com", "email_verified": true, "groups": []any{"admins"},
	}
	who := d.welcome()
	if who.Email != "ada@example.com" || !who.EmailVerified || who.Name != "Ada" || who.Role != video.RoleOwner {
		t.Errorf("it is %+v", who)
	}
	d.away.Info["sub"] = "somebody else"
	_, err := d.signIn()
	turnedAway(t, err, video.CodeUnauthorized, "another subject")
	d.away.Info = map[string]any{"sub": "ada-1", "email": "other@example.com", "email_verified": true}
	d.away.Claims["email"] = "mine@example.com"
	if who := d.welcome(); who.Email != "mine@example.com" || who.EmailVerified {
		t.Errorf("another address counts: %+v", who)
	}
}

func TestNamesAreThoseMembersMayHave(t *testing.T) {
	for name, c := range map[string]struct {
		said claims
		want string
	}{
		"the name":       {claims{"name": " Ada\nLovelace\x00 "}, "AdaLovelace"},
		"the user's":     {claims{"name": " \t", "preferred_username": "ada"}, "ada"},
		"the address":    {claims{}, "ada@example.com"},
		"cut":            {claims{"name": strings.Repeat("ä", 300)}, strings.Repeat("ä", video.MaxMemberName)},
		"broken text":    {claims{"name": "Ada\xff"}, "Ada"},
		"something else": {claims{"name": []any{"Ada"}}, "ada@example.com"},
	} {
		if got := c.said.name("ada@example.com"); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
