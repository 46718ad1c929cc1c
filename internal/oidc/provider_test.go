package oidc

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/oidc/oidctest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const redirect = "https://video.example.com/portal/oidc"

// door is a Provider of ours in front of a real one.
type door struct {
	*Provider
	t    *testing.T
	away *oidctest.Provider
	past time.Duration // by how much our clock is ahead of the provider's
}

func newDoor(t *testing.T, change ...func(*Config)) *door {
	t.Helper()
	d := &door{t: t, away: oidctest.New(t)}
	config := Config{
		Issuer: d.away.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Scopes: []string{"email", "profile"},
		Roles: Mapping{
			Claim: "groups", Default: video.RoleViewer,
			Roles: map[string]video.Role{"admins": video.RoleOwner, "engineers": video.RoleDeveloper, "help desk": video.RoleSupport},
		},
		Now: func() time.Time { return time.Now().Add(d.past) },
	}
	for _, each := range change {
		each(&config)
	}
	var err error
	if d.Provider, err = New(config); err != nil {
		t.Fatal(err)
	}
	return d
}

// begin goes to the provider and comes back.
func (d *door) begin() Return {
	d.t.Helper()
	address, secret, err := d.Begin(d.t.Context(), redirect)
	if err != nil {
		d.t.Fatal(err)
	}
	code, state := d.away.SignIn(address)
	return Return{Secret: secret, State: state, Code: code, Redirect: redirect}
}

func (d *door) signIn() (video.Identity, error) {
	d.t.Helper()
	return d.Finish(d.t.Context(), d.begin())
}

func (d *door) welcome() video.Identity {
	d.t.Helper()
	who, err := d.signIn()
	if err != nil {
		d.t.Fatal(err)
	}
	return who
}

// turnedAway demands a refusal, whose cause holds neither code nor token nor secret.
func turnedAway(t *testing.T, err error, want video.Code, cause string) {
	t.Helper()
	if err == nil || video.CodeOf(err) != want || !strings.Contains(err.Error(), cause) {
		t.Errorf("got %v, want %s because of %q", err, want, cause)
		return
	}
	for _, secret := range []string{"eyJ", "secret &"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q holds %q", err, secret)
		}
	}
}

func TestSomebodySignsIn(t *testing.T) {
	for _, method := range []string{"RS256", "ES256"} {
		t.Run(method, func(t *testing.T) {
			d := newDoor(t)
			d.away.Method, d.away.Claims["groups"] = method, []any{"tea", "engineers", "help desk"}
			want := video.Identity{
				Issuer: d.away.Issuer, Subject: "ada-1", Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace", Role: video.RoleDeveloper,
			}
			if who := d.welcome(); who != want {
				t.Errorf("it is %+v", who)
			}
		})
	}
}

func TestTheAddressAsksForWhatIsNeeded(t *testing.T) {
	d := newDoor(t)
	address, secret, err := d.Begin(t.Context(), redirect)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("scope") != "openid email profile" || q.Get("redirect_uri") != redirect {
		t.Errorf("it asks %s", address)
	}
	if strings.Contains(address, secret) {
		t.Error("the secret is in the address")
	}
	other, another, err := d.Begin(t.Context(), redirect)
	if err != nil || other == address || another == secret {
		t.Errorf("a second attempt is the first: %v", err)
	}
	if n := d.away.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the provider was discovered %d times", n)
	}
}

// An attempt is finished in the browser where it was begun, once, and by what was sent back for it.
func TestAttemptsCannotBeSwapped(t *testing.T) {
	d := newDoor(t)
	mine, theirs := d.begin(), d.begin()
	for name, back := range map[string]Return{
		"no secret":       {State: mine.State, Code: mine.Code, Redirect: redirect},
		"broken secret":   {Secret: "x", State: mine.State, Code: mine.Code, Redirect: redirect},
		"no state":        {Secret: mine.Secret, Code: mine.Code, Redirect: redirect},
		"another's state": {Secret: mine.Secret, State: theirs.State, Code: theirs.Code, Redirect: redirect},
	} {
		_, err := d.Finish(t.Context(), back)
		t.Log(name)
		turnedAway(t, err, video.CodeUnauthorized, "not begun in this browser")
	}
	if n := d.away.Asked("/token"); n != 0 {
		t.Fatalf("the provider was asked %d times", n)
	}
	stolen := mine
	stolen.Code = theirs.Code
	_, err := d.Finish(t.Context(), stolen)
	turnedAway(t, err, video.CodeUnauthorized, "finished before")
	mixed := mine
	mixed.Issuer = "https://elsewhere.example"
	_, err = d.Finish(t.Context(), mixed)
	turnedAway(t, err, video.CodeUnauthorized, "elsewhere.example")
	mine.Issuer = d.away.Issuer
	if _, err := d.Finish(t.Context(), mine); err != nil {
		t.Error(err)
	}
	_, err = d.Finish(t.Context(), mine)
	turnedAway(t, err, video.CodeUnauthorized, "finished before")
}

func TestLiesAreNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		lie   func(*oidctest.Provider)
		cause string
	}{
		"another nonce":   {func(p *oidctest.Provider) { p.Claims["nonce"] = "another" }, "another nonce"},
		"no nonce":        {func(p *oidctest.Provider) { p.Claims["nonce"] = "" }, "another nonce"},
		"another client":  {func(p *oidctest.Provider) { p.Claims["aud"] = "somebody else" }, "audience"},
		"another party":   {func(p *oidctest.Provider) { p.Claims["azp"] = "somebody else" }, "somebody else"},
		"another issuer":  {func(p *oidctest.Provider) { p.Claims["iss"] = "https://elsewhere.example" }, "elsewhere.example"},
		"no subject":      {func(p *oidctest.Provider) { p.Claims["sub"] = "" }, "subject"},
		"a stolen key":    {func(p *oidctest.Provider) { p.Stolen = true }, "signature"},
		"no signature":    {func(p *oidctest.Provider) { p.Unsigned = true }, ""},
		"another's token": {func(p *oidctest.Provider) { p.Claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, "access token"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			c.lie(d.away)
			_, err := d.signIn()
			turnedAway(t, err, video.CodeUnauthorized, "does not hold")
			turnedAway(t, err, video.CodeUnauthorized, c.cause)
		})
	}
}

// New keys are taken at once; those that were withdrawn are good for discoveryAge at most.
func TestKeysRotate(t *testing.T) {
	d := newDoor(t)
	d.welcome()
	d.away.Rotate()
	d.welcome()
	if n := d.away.Asked("/keys"); n != 2 {
		t.Errorf("the keys were fetched %d times", n)
	}
	d.welcome()
	if n := d.away.Asked("/keys"); n != 2 {
		t.Errorf("known keys were fetched again: %d times", n)
	}
	d.past = discoveryAge
	d.away.Claims["exp"] = time.Now().Add(time.Hour).Unix()
	d.welcome()
	if n := d.away.Asked("/keys"); n != 3 {
		t.Errorf("after %v the keys were fetched %d times", discoveryAge, n)
	}
}

func TestClocksMayDiffer(t *testing.T) {
	d := newDoor(t)
	d.away.Claims["exp"] = time.Now().Add(-skew + 30*time.Second).Unix()
	d.welcome()
	d.past = -2 * time.Minute // the provider is ahead
	d.away.Claims["exp"] = time.Now().Add(time.Minute).Unix()
	d.away.Claims["nbf"] = time.Now().Unix()
	d.welcome()
}

// A token that is good at another time is told from a lie, since it is most often a wrong clock.
func TestTokensOfAnotherTime(t *testing.T) {
	for name, c := range map[string]struct {
		claim string
		in    time.Duration
		cause string
	}{
		"expired":      {"exp", -skew - 30*time.Second, "expired"},
		"not yet good": {"nbf", time.Hour, "nbf"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			d.away.Claims[c.claim] = time.Now().Add(c.in).Unix()
			_, err := d.signIn()
			turnedAway(t, err, video.CodeUnauthorized, "whether the clocks")
			turnedAway(t, err, video.CodeUnauthorized, c.cause)
		})
	}
}

// What the provider sends back in the place of a code is told in our words, and only to the browser that began.
func TestTheProviderSaysNo(t *testing.T) {
	for sent, c := range map[string]struct {
		code  video.Code
		cause string
	}{
		"access_denied":           {video.CodeForbidden, "was given up"},
		"login_required":          {video.CodeForbidden, "was given up"},
		"temporarily_unavailable": {video.CodeUnavailable, "at present: try again later"},
		"invalid_scope":           {video.CodeUnavailable, "refuses what this server asks for"},
		"call\n555-0100":          {video.CodeUnavailable, `"call 555-0100"`},
	} {
		d := newDoor(t)
		back := d.begin()
		back.Code, back.Error = "", sent
		_, err := d.Finish(t.Context(), back)
		turnedAway(t, err, c.code, c.cause)
		told, ok := errors.AsType[*video.Error](err)
		if !ok || strings.Contains(told.Message, "555") {
			t.Errorf("people are told %v", told)
		}
		back.State = "another's"
		_, err = d.Finish(t.Context(), back)
		turnedAway(t, err, video.CodeUnauthorized, "not begun in this browser")
	}
	d := newDoor(t)
	back := d.begin()
	back.Code = ""
	_, err := d.Finish(t.Context(), back)
	turnedAway(t, err, video.CodeUnauthorized, "neither a code nor an error")
}

func TestAProviderThatIsDown(t *testing.T) {
	d := newDoor(t)
	d.away.Down = true
	_, _, err := d.Begin(t.Context(), redirect)
	turnedAway(t, err, video.CodeUnavailable, "500")
	turnedAway(t, d.Check(t.Context()), video.CodeUnavailable, "500")
	d.away.Down = false
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
	back := d.begin()
	d.away.Down = true
	_, err = d.Finish(t.Context(), back)
	turnedAway(t, err, video.CodeUnavailable, "cannot be reached")
	d.away.Down, d.away.KeysDown = false, true
	_, err = d.signIn()
	turnedAway(t, err, video.CodeUnavailable, "cannot be reached")
	d.away.KeysDown = false
	d.welcome()
	d.away.Close()
	d.past = discoveryAge
	_, _, err = d.Begin(t.Context(), redirect)
	turnedAway(t, err, video.CodeUnavailable, "cannot be reached")
}

func TestAWrongSetUp(t *testing.T) {
	wrong := newDoor(t, func(c *Config) { c.ClientSecret = "a wrong secret & more" })
	_, err := wrong.signIn()
	turnedAway(t, err, video.CodeUnavailable, "invalid_client")
	if strings.Contains(err.Error(), "never heard") {
		t.Errorf("it repeats what the provider wrote: %v", err)
	}
	other := newDoor(t)
	other.away.Issuer = "https://elsewhere.example"
	_, _, err = other.Begin(t.Context(), redirect)
	turnedAway(t, err, video.CodeUnavailable, "elsewhere.example")
	for _, address := range []string{"", "javascript:alert(1)", "/authorize", "ftp://id.example.com/authorize"} {
		odd := newDoor(t)
		odd.away.Authorize = address
		_, _, err := odd.Begin(t.Context(), redirect)
		turnedAway(t, err, video.CodeUnavailable, "cannot be used")
	}
	for name, config := range map[string]Config{
		"no issuer": {ClientID: "x", Roles: Mapping{Default: video.RoleViewer}},
		"no client": {Issuer: "https://id.example.com", Roles: Mapping{Default: video.RoleViewer}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestRedirectsThatAreFollowed(t *testing.T) {
	request := func(method, address string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, c := range map[string]struct {
		method, from, to string
		hops             int
		followed         bool
	}{
		"elsewhere":        {http.MethodGet, "https://a.example", "https://b.example", 1, true},
		"to TLS":           {http.MethodGet, "http://127.0.0.1", "https://b.example", 1, true},
		"out of TLS":       {http.MethodGet, "https://a.example", "http://a.example", 1, false},
		"out of TLS later": {http.MethodGet, "https://a.example", "http://a.example", 2, false},
		"in circles":       {http.MethodGet, "https://a.example", "https://a.example", 4, false},
		"with a code":      {http.MethodPost, "https://a.example", "https://b.example", 1, false},
	} {
		via := slices.Repeat([]*http.Request{request(c.method, c.from)}, c.hops)
		if err := newClient().CheckRedirect(request(http.MethodGet, c.to), via); (err == nil) != c.followed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Some providers take the secret in the body alone.
func TestTheSecretInTheBody(t *testing.T) {
	d := newDoor(t)
	d.away.AuthMethods = []string{"client_secret_post"}
	d.welcome()
}
