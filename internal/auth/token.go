package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// MaxIdentityBytes is the longest identity a token carries.
	MaxIdentityBytes = 256

	// Leeway is how long a token is accepted after its expiry, for clocks that differ.
	Leeway = 5 * time.Second

	maxTokenBytes   = 4096 // ours stay under 3 KiB, even if JSON escapes all of the longest identity
	issuer          = "rotunda"
	clientAudience  = "rotunda:client"
	refreshAudience = "rotunda:refresh"
)

// What a stranger learns about a bad token: enough to mend it, nothing about keys.
var (
	errMissing   = video.Errorf(video.CodeUnauthorized, "a token is required")
	errMalformed = video.Errorf(video.CodeUnauthorized, "the token is malformed")
	errExpired   = video.Errorf(video.CodeUnauthorized, "the token has expired")
	errForged    = video.Errorf(video.CodeUnauthorized, "the token is not genuine")
	errRevoked   = video.Errorf(video.CodeUnauthorized, "the token was revoked")
	errPurpose   = video.Errorf(video.CodeUnauthorized, "the token is for another purpose")
)

// TokenRequest is what a backend asks for one person.
type TokenRequest struct {
	TTL        time.Duration // of the client token; 0 is the default, otherwise 10 s to 1 h
	RefreshTTL time.Duration // of the refresh token; 0 is the default, otherwise 60 s to 24 h
	Identity   string        // the backend's own name for the person, at most MaxIdentityBytes of UTF-8; may be empty
	Grants     video.Grants  // the zero value allows nothing but being there
	Watcher    string        // not empty: who watches by it, which the room is told
}

// Tokens are what the person gets. Refresh leaves the refresh fields empty.
type Tokens struct {
	Token            string
	RefreshToken     string
	ExpiresAt        time.Time
	RefreshExpiresAt time.Time
}

// claims are the body of both kinds of token; docs/tokens.md describes them. Pointers tell what is absent.
type claims struct {
	jwt.RegisteredClaims

	Account  video.AccountID `json:"account"`
	Room     video.RoomID    `json:"room"`
	Family   string          `json:"fam"`
	Identity string          `json:"identity,omitempty"`
	Watcher  string          `json:"watcher,omitempty"`
	Grants   *grantClaims    `json:"grants"`
}

type grantClaims struct {
	Publish      bool `json:"publish"`
	Subscribe    bool `json:"subscribe"`
	SendMessages bool `json:"send_messages"`
}

func (c *claims) complete() bool {
	return video.IsUUID(string(c.Account)) && video.IsUUID(string(c.Room)) && video.IsUUID(c.Family) && c.Grants != nil
}

// Generate makes a client token and a refresh token for a room, which begin a family of their own. Whether the room
// exists is for the caller to know. A lifetime or identity out of range is an error with CodeInvalid that names the field
// of the request body.
func (a *Authority) Generate(
	ctx context.Context, account video.AccountID, room video.RoomID, request TokenRequest,
) (Tokens, error) {
	ttl, err := clientTTL(request.TTL)
	if err != nil {
		return Tokens{}, err
	}
	refreshTTL, err := lifetime(request.RefreshTTL, "refresh_token_ttl_secs",
		video.MinRefreshTokenTTLSecs, video.MaxRefreshTokenTTLSecs, video.DefaultRefreshTokenTTLSecs)
	if err != nil {
		return Tokens{}, err
	}
	if len(request.Identity) > MaxIdentityBytes || !utf8.ValidString(request.Identity) {
		return Tokens{}, video.Errorf(video.CodeInvalid, "identity has at most %d bytes of UTF-8", MaxIdentityBytes).
			WithField("/identity")
	}
	grants := grantClaims(request.Grants)
	c := claims{Account: account, Room: room, Family: video.NewUUID(), Identity: request.Identity, Watcher: request.Watcher, Grants: &grants}

	key, err := a.signer(ctx, account)
	if err != nil {
		return Tokens{}, err
	}
	var tokens Tokens
	if tokens.Token, tokens.ExpiresAt, err = a.sign(key, c, clientAudience, ttl); err != nil {
		return Tokens{}, err
	}
	if tokens.RefreshToken, tokens.RefreshExpiresAt, err = a.sign(key, c, refreshAudience, refreshTTL); err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

// Refresh makes a new client token of the same family, identity and grants from a refresh token; a ttl of 0 is the
// default. A refresh token that is bad, expired, revoked or for another room is an error with CodeForbidden.
func (a *Authority) Refresh(ctx context.Context, room video.RoomID, refreshToken string, ttl time.Duration) (Tokens, error) {
	ttl, err := clientTTL(ttl)
	if err != nil {
		return Tokens{}, err
	}
	c, err := a.verify(ctx, refreshToken, refreshAudience)
	if e, ok := errors.AsType[*video.Error](err); ok && e.Code == video.CodeUnauthorized {
		return Tokens{}, video.Errorf(video.CodeForbidden, "%s", strings.Replace(e.Message, "token", "refresh token", 1))
	}
	if err != nil {
		return Tokens{}, err
	}
	if c.Room != room {
		return Tokens{}, video.Errorf(video.CodeForbidden, "the refresh token is for another room")
	}
	key, err := a.signer(ctx, c.Account)
	if err != nil {
		return Tokens{}, err
	}
	var tokens Tokens
	tokens.Token, tokens.ExpiresAt, err = a.sign(key, *c, clientAudience, ttl)
	return tokens, err
}

// Verify checks a client token and returns what it allows. A token that is missing, malformed, expired, revoked, forged
// or of another kind is an error with CodeUnauthorized that says which. Grant.ExpiresAt is without Leeway.
func (a *Authority) Verify(ctx context.Context, token string) (video.Grant, error) {
	c, err := a.verify(ctx, token, clientAudience)
	if err != nil {
		return video.Grant{}, err
	}
	return video.Grant{
		AccountID: c.Account, RoomID: c.Room, Family: c.Family, Identity: c.Identity, Watcher: c.Watcher, Grants: video.Grants(*c.Grants),
		ExpiresAt: c.ExpiresAt.UTC(),
	}, nil
}

func (a *Authority) sign(
	key signer, c claims, audience string, ttl time.Duration,
) (token string, expires time.Time, err error) {
	now := a.now()
	c.RegisteredClaims = jwt.RegisteredClaims{
		Issuer: issuer, Audience: jwt.ClaimStrings{audience}, ID: video.NewUUID(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &c)
	t.Header["kid"] = key.kid
	token, err = t.SignedString(key.private)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign token: %w", err)
	}
	return token, c.ExpiresAt.UTC(), nil
}

func (a *Authority) verify(ctx context.Context, token, audience string) (*claims, error) {
	if token == "" {
		return nil, errMissing
	}
	if len(token) > maxTokenBytes {
		return nil, errMalformed
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(Leeway), jwt.WithTimeFunc(a.now), jwt.WithStrictDecoding(),
	)
	var c claims
	var lookup error // a refusal of ours, or a store that does not answer, which is not the token's fault
	_, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		var public publicKey
		if public, lookup = a.verifier(ctx, kid); lookup == nil && public.account != c.Account {
			lookup = errForged // a key speaks for its own account only
		}
		return public.key, lookup
	})
	if lookup != nil {
		return nil, lookup
	}
	if err != nil {
		return nil, refusal(err)
	}
	if !c.complete() {
		return nil, errMalformed
	}
	switch revoked, err := a.store.FamilyRevoked(ctx, c.Family); {
	case err != nil:
		return nil, fmt.Errorf("verify token: %w", err)
	case revoked:
		return nil, errRevoked
	}
	return &c, nil
}

// refusal says in our words why a token was refused. The library's own error may quote the token.
func refusal(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return errForged
	case errors.Is(err, jwt.ErrTokenExpired):
		return errExpired
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return errPurpose
	}
	return errMalformed
}

func clientTTL(ttl time.Duration) (time.Duration, error) {
	return lifetime(ttl, "token_ttl_secs", video.MinTokenTTLSecs, video.MaxTokenTTLSecs, video.DefaultTokenTTLSecs)
}

func lifetime(asked time.Duration, field string, least, most, standard int) (time.Duration, error) {
	switch {
	case asked == 0:
		return time.Duration(standard) * time.Second, nil
	case asked < time.Duration(least)*time.Second || asked > time.Duration(most)*time.Second:
		return 0, video.Errorf(video.CodeInvalid, "%s is %d to %d seconds", field, least, most).WithField("/" + field)
	}
	return asked, nil
}
