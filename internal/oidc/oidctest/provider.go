// Package oidctest is a small OpenID Connect provider for tests. It is a real one, over HTTP: it signs with RSA or ECDSA, checks PKCE,
// redirects and the client's secret, takes each code once, and can be made to lie.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ClientID and ClientSecret are what the provider knows its only client by.
const (
	ClientID     = "rotunda"
	ClientSecret = "the client's secret & more"
)

// Provider is one that runs until the test ends. Its fields may be changed while nobody asks it anything.
type Provider struct {
	// Claims are of whoever signs in next; the provider adds iss, aud, exp, iat and nonce unless they are there.
	Claims map[string]any
	// Info is what the UserInfo endpoint tells; nil: there is no such endpoint.
	Info map[string]any
	// Method signs: RS256 or ES256.
	Method string
	// Down makes it answer 500 to everything.
	Down bool
	// KeysDown makes it answer 500 to who asks for its keys.
	KeysDown bool
	// Stolen signs with a key that the provider never had.
	Stolen bool
	// Unsigned makes tokens without a signature.
	Unsigned bool
	// Issuer is what it says it is; its own address at first.
	Issuer string
	// Authorize is the address that browsers are sent to; its own at first.
	Authorize string
	// AuthMethods are the ways it takes a client's secret; nil: it does not say, and takes it in the header.
	AuthMethods []string

	t      testing.TB
	server *httptest.Server

	mu    sync.Mutex
	keys  map[string]crypto.Signer // by method
	id    int                      // of the keys
	codes map[string]url.Values    // what each was asked with
	asked map[string]int           // requests by path
}

// New starts one whose member is Ada, with a verified address and no groups.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{
		Claims: map[string]any{"sub": "ada-1", "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace"},
		Method: "RS256", t: t, codes: map[string]url.Values{}, asked: map[string]int{},
	}
	p.Rotate()
	routes := http.NewServeMux()
	routes.HandleFunc("GET /.well-known/openid-configuration", p.configuration)
	routes.HandleFunc("GET /keys", p.publicKeys)
	routes.HandleFunc("POST /token", p.token)
	routes.HandleFunc("GET /me", p.userInfo)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		p.mu.Unlock()
		if p.Down || p.KeysDown && r.URL.Path == "/keys" {
			http.Error(w, "down for repairs", http.StatusInternalServerError)
			return
		}
		routes.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	p.Issuer, p.Authorize = p.server.URL, p.server.URL+"/authorize"
	return p
}

// Rotate replaces the keys; what the former ones signed is good no more.
func (p *Provider) Rotate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id++
	p.keys = newKeys(p.t)
}

func newKeys(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	byRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	byCurve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"RS256": byRSA, "ES256": byCurve}
}

// Asked is how often a path was asked.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// Close stops it before the test ends, so that nobody answers at its address.
func (p *Provider) Close() { p.server.Close() }

// SignIn is a browser that comes to the address of Begin and is sent back: what it comes back with.
func (p *Provider) SignIn(address string) (code, state string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != p.server.URL+"/authorize" {
		p.t.Fatalf("the browser is sent to %q", address)
	}
	query := u.Query()
	for name, want := range map[string]string{"response_type": "code", "client_id": ClientID, "code_challenge_method": "S256"} {
		if query.Get(name) != want {
			p.t.Errorf("%s is %q", name, query.Get(name))
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(query.Get(name)) != 43 {
			p.t.Errorf("%s is %q", name, query.Get(name))
		}
	}
	code = rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = query
	return code, query.Get("state")
}

func (p *Provider) configuration(w http.ResponseWriter, _ *http.Request) {
	says := map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Authorize, "token_endpoint": p.server.URL + "/token",
		"jwks_uri": p.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
	}
	if p.Info != nil {
		says["userinfo_endpoint"] = p.server.URL + "/me"
	}
	if p.AuthMethods != nil {
		says["token_endpoint_auth_methods_supported"] = p.AuthMethods
	}
	answer(w, http.StatusOK, says)
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer access" {
		answer(w, http.StatusUnauthorized, nil)
		return
	}
	answer(w, http.StatusOK, p.Info)
}

func (p *Provider) publicKeys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	byRSA := p.keys["RS256"].Public().(*rsa.PublicKey)
	point, err := p.keys["ES256"].Public().(*ecdsa.PublicKey).Bytes() // 4, then x and y
	if err != nil {
		p.t.Error(err)
	}
	half := len(point) / 2
	answer(w, http.StatusOK, map[string]any{"keys": []map[string]any{
		{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": p.keyID("RS256"), "n": number(byRSA.N), "e": number(big.NewInt(int64(byRSA.E)))},
		{
			"kty": "EC", "use": "sig", "alg": "ES256", "kid": p.keyID("ES256"), "crv": "P-256",
			"x": base64.RawURLEncoding.EncodeToString(point[1 : half+1]), "y": base64.RawURLEncoding.EncodeToString(point[half+1:]),
		},
	}})
}

func (p *Provider) keyID(method string) string {
	return method + " " + big.NewInt(int64(p.id)).String()
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// lasting is how long tokens are good.
const lasting = 5 * time.Minute

func (p *Provider) idToken(nonce string) string {
	now := time.Now()
	claims := jwt.MapClaims{"iss": p.server.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(lasting).Unix(), "nonce": nonce}
	for name, value := range p.Claims {
		claims[name] = value
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(p.Method), claims)
	p.mu.Lock()
	token.Header["kid"] = p.keyID(p.Method)
	key := any(p.keys[p.Method])
	p.mu.Unlock()
	if p.Stolen {
		key = newKeys(p.t)[p.Method]
	}
	if p.Unsigned {
		token.Method, token.Header["alg"], key = jwt.SigningMethodNone, "none", jwt.UnsafeAllowNoneSignatureType
	}
	signed, err := token.SignedString(key)
	if err != nil {
		p.t.Error(err)
	}
	return signed
}
