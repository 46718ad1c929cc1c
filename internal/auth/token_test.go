package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var request = TokenRequest{Identity: "Ada ✓", Grants: video.Grants{Publish: true, SendMessages: true}}

func TestGenerateVerifyRefresh(t *testing.T) {
	d := newDesk(t)
	tokens, err := d.Generate(t.Context(), account, room, request)
	must(t, err)
	whole := start.Truncate(time.Second)
	if want := whole.Add(video.DefaultTokenTTLSecs * time.Second); !tokens.ExpiresAt.Equal(want) {
		t.Fatalf("expires %v, want %v", tokens.ExpiresAt, want)
	}
	if want := whole.Add(video.DefaultRefreshTokenTTLSecs * time.Second); !tokens.RefreshExpiresAt.Equal(want) {
		t.Fatalf("refresh expires %v, want %v", tokens.RefreshExpiresAt, want)
	}
	grant, err := d.again().Verify(t.Context(), tokens.Token)
	must(t, err)
	want := video.Grant{
		AccountID: account, RoomID: room, Family: grant.Family, Identity: request.Identity, Grants: request.Grants,
		ExpiresAt: tokens.ExpiresAt,
	}
	if grant != want || !video.IsUUID(grant.Family) {
		t.Fatalf("grant %+v, want %+v", grant, want)
	}

	d.time = d.time.Add(30 * time.Minute) // the client token is long expired
	fresh, err := d.Refresh(t.Context(), room, tokens.RefreshToken, 10*time.Second)
	must(t, err)
	if fresh.RefreshToken != "" || !fresh.RefreshExpiresAt.IsZero() {
		t.Fatal("refresh made a refresh token")
	}
	again, err := d.Verify(t.Context(), fresh.Token)
	must(t, err)
	want.ExpiresAt = fresh.ExpiresAt
	if again != want || !fresh.ExpiresAt.Equal(d.time.Truncate(time.Second).Add(10*time.Second)) {
		t.Fatalf("refreshed grant %+v, want %+v", again, want)
	}
	other, err := d.Generate(t.Context(), account, room, request)
	must(t, err)
	grant, err = d.Verify(t.Context(), other.Token)
	must(t, err)
	if grant.Family == again.Family {
		t.Fatal("two generate calls share a family")
	}
}

func TestExpiry(t *testing.T) {
	d := newDesk(t)
	tokens, err := d.Generate(t.Context(), account, room, TokenRequest{TTL: 10 * time.Second, RefreshTTL: 60 * time.Second})
	must(t, err)
	for _, c := range []struct {
		after time.Duration
		good  bool
	}{{-time.Hour, true}, {0, true}, {Leeway - time.Nanosecond, true}, {Leeway, false}, {time.Hour, false}} {
		d.time = tokens.ExpiresAt.Add(c.after)
		if _, err := d.Verify(t.Context(), tokens.Token); (err == nil) != c.good {
			t.Errorf("client token %v after its expiry: %v", c.after, err)
		} else if err != nil && !errors.Is(err, errExpired) {
			t.Errorf("refused as %v", err)
		}
		d.time = tokens.RefreshExpiresAt.Add(c.after)
		if _, err := d.Refresh(t.Context(), room, tokens.RefreshToken, 0); (err == nil) != c.good {
			t.Errorf("refresh token %v after its expiry: %v", c.after, err)
		} else if err != nil && (video.CodeOf(err) != video.CodeForbidden || !strings.Contains(err.Error(), "refresh token has expired")) {
			t.Errorf("refused as %v", err)
		}
	}
}

func TestLimits(t *testing.T) {
	d := newDesk(t)
	for field, r := range map[string]TokenRequest{
		"/token_ttl_secs":         {TTL: 9 * time.Second},
		"/refresh_token_ttl_secs": {RefreshTTL: 86401 * time.Second},
		"/identity":               {Identity: strings.Repeat("x", MaxIdentityBytes+1)},
	} {
		_, err := d.Generate(t.Context(), account, room, r)
		e, ok := errors.AsType[*video.Error](err)
		if !ok || e.Code != video.CodeInvalid || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := d.Generate(t.Context(), account, room, TokenRequest{Identity: "\xff"})
	wantCode(t, err, video.CodeInvalid)
	_, err = d.Refresh(t.Context(), room, "", -time.Second)
	wantCode(t, err, video.CodeInvalid)

	// The longest identity, every byte of which JSON escapes, still fits.
	tokens, err := d.Generate(t.Context(), account, room, TokenRequest{
		TTL: time.Hour, RefreshTTL: 24 * time.Hour, Identity: strings.Repeat("\x01", MaxIdentityBytes),
	})
	must(t, err)
	grant, err := d.Verify(t.Context(), tokens.Token)
	must(t, err)
	if len(grant.Identity) != MaxIdentityBytes {
		t.Fatalf("identity of %d bytes", len(grant.Identity))
	}
}

// body is what a good client token holds; forgeries change it.
func body(d *desk) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": issuer, "aud": clientAudience, "exp": d.time.Add(time.Minute).Unix(), "account": account, "room": room,
		"fam": video.NewUUID(), "grants": map[string]bool{"publish": true},
	}
}

func signed(t *testing.T, method jwt.SigningMethod, kid any, claims jwt.Claims, key any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != nil {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	must(t, err)
	return s
}

func TestForgeries(t *testing.T) {
	d := newDesk(t)
	own, err := d.signer(t.Context(), account)
	must(t, err)
	theirs, err := d.signer(t.Context(), foreign)
	must(t, err)
	public := own.private.Public().(ed25519.PublicKey)
	_, stranger, err := ed25519.GenerateKey(nil)
	must(t, err)
	tokens, err := d.Generate(t.Context(), account, room, request)
	must(t, err)
	ed := jwt.SigningMethodEdDSA

	with := func(key string, value any) jwt.MapClaims {
		c := maps.Clone(body(d))
		if c[key] = value; value == nil {
			delete(c, key)
		}
		return c
	}
	if _, err := d.Verify(t.Context(), signed(t, ed, own.kid, body(d), own.private)); err != nil {
		t.Fatalf("the body forgeries start from is itself refused: %v", err)
	}
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"missing":                      {"", errMissing},
		"garbage":                      {"garbage", errMalformed},
		"three dots":                   {"...", errMalformed},
		"huge":                         {strings.Repeat("a", 1<<20), errMalformed},
		"unknown algorithm":            {reheaded(tokens.Token, `{"alg":"XX1","kid":"`+own.kid+`"}`), errMalformed},
		"no algorithm":                 {reheaded(tokens.Token, `{"kid":"`+own.kid+`"}`), errMalformed},
		"null header":                  {reheaded(tokens.Token, `null`), errMalformed},
		"null body":                    {rebodied(tokens.Token, `null`), errForged},
		"alg none":                     {signed(t, jwt.SigningMethodNone, own.kid, body(d), jwt.UnsafeAllowNoneSignatureType), errForged},
		"alg none over our signature":  {reheaded(tokens.Token, `{"alg":"none","kid":"`+own.kid+`"}`), errForged},
		"HS256 with the public key":    {signed(t, jwt.SigningMethodHS256, own.kid, body(d), []byte(public)), errForged},
		"no kid":                       {signed(t, ed, nil, body(d), own.private), errForged},
		"kid is no string":             {signed(t, ed, 7, body(d), own.private), errForged},
		"kid with SQL":                 {signed(t, ed, "' OR 1=1 --", body(d), own.private), errForged},
		"unknown kid":                  {signed(t, ed, video.NewUUID(), body(d), own.private), errForged},
		"stranger's key, our kid":      {signed(t, ed, own.kid, body(d), stranger), errForged},
		"foreign account's kid":        {signed(t, ed, theirs.kid, body(d), theirs.private), errForged},
		"foreign kid over our key":     {signed(t, ed, theirs.kid, body(d), own.private), errForged},
		"foreign account in the body":  {signed(t, ed, own.kid, with("account", foreign), own.private), errForged},
		"tampered body":                {rebodied(tokens.Token, tamperedBody(t, tokens.Token)), errForged},
		"no signature":                 {tokens.Token[:strings.LastIndex(tokens.Token, ".")+1], errForged},
		"signature cut":                {tokens.Token[:len(tokens.Token)-2], errForged},
		"refresh token to join":        {tokens.RefreshToken, errPurpose},
		"no audience":                  {signed(t, ed, own.kid, with("aud", nil), own.private), errMalformed},
		"no expiry":                    {signed(t, ed, own.kid, with("exp", nil), own.private), errMalformed},
		"expiry is text":               {signed(t, ed, own.kid, with("exp", "soon"), own.private), errMalformed},
		"another issuer":               {signed(t, ed, own.kid, with("iss", "else"), own.private), errMalformed},
		"not yet valid":                {signed(t, ed, own.kid, with("nbf", d.time.Add(time.Hour).Unix()), own.private), errMalformed},
		"no room":                      {signed(t, ed, own.kid, with("room", nil), own.private), errMalformed},
		"room is no UUID":              {signed(t, ed, own.kid, with("room", "x"), own.private), errMalformed},
		"no family":                    {signed(t, ed, own.kid, with("fam", nil), own.private), errMalformed},
		"no grants":                    {signed(t, ed, own.kid, with("grants", nil), own.private), errMalformed},
		"grants of another type":       {signed(t, ed, own.kid, with("grants", "all"), own.private), errMalformed},
		"audience of another purpose":  {signed(t, ed, own.kid, with("aud", "x"), own.private), errPurpose},
		"whitespace around":            {" " + tokens.Token, errMalformed},
		"one token behind another":     {tokens.Token + "." + tokens.Token, errMalformed},
		"expired, of a foreign signer": {signed(t, ed, own.kid, with("exp", 1), stranger), errForged},
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := d.Verify(t.Context(), c.token)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if grant != (video.Grant{}) {
				t.Fatalf("refused, and yet granted %+v", grant)
			}
			if len(c.token) > 9 && strings.Contains(err.Error(), c.token[:9]) {
				t.Fatalf("the error quotes the token: %v", err)
			}
			if name == "refresh token to join" {
				return
			}
			_, err = d.Refresh(t.Context(), room, c.token, 0)
			wantCode(t, err, video.CodeForbidden)
		})
	}
	_, err = d.Refresh(t.Context(), room, tokens.Token, 0)
	wantCode(t, err, video.CodeForbidden) // a client token refreshes nothing
	_, err = d.Refresh(t.Context(), video.RoomID(video.NewUUID()), tokens.RefreshToken, 0)
	wantCode(t, err, video.CodeForbidden) // nor does a refresh token of another room
}

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func reheaded(token, header string) string {
	_, rest, _ := strings.Cut(token, ".")
	return encoded(header) + "." + rest
}

func rebodied(token, body string) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + encoded(body) + "." + parts[2]
}

func headerOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	must(t, err)
	return parsed.Header
}

func tamperedBody(t *testing.T, token string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(t, err)
	var c map[string]any
	must(t, json.Unmarshal(raw, &c))
	c["room"] = video.NewUUID()
	raw, err = json.Marshal(c)
	must(t, err)
	return string(raw)
}

func TestSigningKeys(t *testing.T) {
	d := newDesk(t)
	old, err := d.Generate(t.Context(), account, room, request)
	must(t, err)
	must(t, d.EnsureSigningKey(t.Context(), account))
	if len(d.store.signing) != 2 {
		t.Fatal("a second key was made for an account that has one")
	}

	// Rotation: a newer key signs, tokens of the older one stay good.
	donor := newDesk(t)
	key := donor.store.signing[0]
	seed, err := donor.unseal(key)
	must(t, err)
	key.ID, key.AccountID = video.NewUUID(), account
	key.Sealed = d.signingSeal.seal(key.ID, seed.Seed())
	must(t, d.store.AddSigningKey(t.Context(), key))
	fresh, err := d.Generate(t.Context(), account, room, request)
	must(t, err)
	if kid := headerOf(t, fresh.Token)["kid"]; kid != key.ID {
		t.Fatalf("signed with %v, the newest is %s", kid, key.ID)
	}
	for _, token := range []string{old.Token, fresh.Token, old.Token, fresh.Token} {
		_, err := d.Verify(t.Context(), token)
		must(t, err)
	}
}

func TestSealing(t *testing.T) {
	d := newDesk(t)
	key := d.store.signing[0]
	private, err := d.unseal(key)
	must(t, err)
	if strings.Contains(string(key.Sealed), string(private.Seed())) {
		t.Fatal("the private part lies open")
	}
	other := *d
	other.root = []byte(strings.Repeat("x", RootKeySize))
	if err := other.again().EnsureSigningKey(t.Context(), account); err == nil || !strings.Contains(err.Error(), "root key") {
		t.Fatalf("another root key: %v", err)
	}
	_, err = other.again().Generate(t.Context(), account, room, request)
	wantCode(t, err, video.CodeInternal)

	for name, change := range map[string]func(*video.SigningKey){
		"kid swapped":     func(k *video.SigningKey) { k.ID = d.store.signing[1].ID },
		"public swapped":  func(k *video.SigningKey) { k.Public = d.store.signing[1].Public },
		"bit flipped":     func(k *video.SigningKey) { k.Sealed[20] ^= 1 },
		"version changed": func(k *video.SigningKey) { k.Sealed[0]++ },
		"cut":             func(k *video.SigningKey) { k.Sealed = k.Sealed[:5] },
		"empty":           func(k *video.SigningKey) { k.Sealed = nil },
	} {
		broken := key
		broken.Sealed = append([]byte(nil), key.Sealed...)
		change(&broken)
		if _, err := d.unseal(broken); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// A store that does not answer is not the token's fault.
func TestBrokenStore(t *testing.T) {
	d := newDesk(t)
	tokens, err := d.Generate(t.Context(), account, room, request)
	must(t, err)
	d.store.broken = errors.New("disk on fire")
	_, err = d.Verify(t.Context(), tokens.Token)
	wantCode(t, err, video.CodeInternal)
	_, err = d.Refresh(t.Context(), room, tokens.RefreshToken, 0)
	wantCode(t, err, video.CodeInternal)
	d.store.broken = video.Errorf(video.CodeUnavailable, "later")
	_, err = d.Verify(t.Context(), tokens.Token)
	wantCode(t, err, video.CodeUnavailable)
}

func FuzzVerify(f *testing.F) {
	d := newDesk(f)
	tokens, err := d.Generate(f.Context(), account, room, request)
	must(f, err)
	f.Add(tokens.Token)
	f.Add(tokens.RefreshToken)
	f.Add(reheaded(tokens.Token, `{"alg":"none"}`))
	f.Add(rebodied(tokens.Token, `{"exp":1e400,"aud":[1]}`))
	f.Add("")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		grant, err := d.Verify(t.Context(), token)
		if token == tokens.Token {
			must(t, err)
			return
		}
		wantCode(t, err, video.CodeUnauthorized)
		if grant != (video.Grant{}) {
			t.Fatalf("granted %+v", grant)
		}
	})
}
