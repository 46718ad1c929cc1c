package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
)

// invitation is a connection that the server is ready for.
type invitation struct {
	ufrag, password string // the server's
	own             string // our ufrag
	udp, tcp        []netip.AddrPort
	relays          []relay
}

// relay is a TURN server that the server names.
type relay struct {
	transport, address, username, password string
	trust                                  *tls.Config
}

// media looks at the ways that media may take.
func (e *examination) media(ctx context.Context) {
	token, forget, err := e.token(ctx)
	if err != nil {
		e.note("room", Fail, "--api-key or --token of this command", "%v", err)
		return
	}
	if token == "" {
		e.note("media", Skipped, "--api-key or --token of this command", "needs a key, or a client token of a room")
		return
	}
	defer forget()
	i, leave, err := e.invite(ctx, token)
	if err != nil {
		e.note("room", Fail, "a token that may publish, or an API key", "%v", err)
		return
	}
	defer leave()
	e.publicAddress(ctx, i)
	e.reach(ctx, i)
}

// token returns the token given, or makes a room and a token of it, which forget deletes.
func (e *examination) token(ctx context.Context) (token string, forget func(), err error) {
	if e.server.Token != "" || e.server.APIKey == "" {
		return e.server.Token, func() {}, nil
	}
	api := restclient.Client{URL: e.base, Key: e.server.APIKey, HTTP: e.client}
	var room struct {
		ID string `json:"id"`
	}
	name := "doctor-" + hex.EncodeToString(random(6))
	if err := api.Call(ctx, http.MethodPost, "/rooms", map[string]any{"unique_name": name}, &room); err != nil {
		return "", nil, fmt.Errorf("make a room: %w", plain(err))
	}
	path := "/rooms/" + url.PathEscape(room.ID)
	forget = func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
		defer cancel()
		if err := api.Call(after, http.MethodDelete, path, nil, nil); err != nil {
			e.note("room", Warn, "delete it", "the room %s that was made for this stays: %v", name, plain(err))
		}
	}
	var made struct {
		Token string `json:"token"`
	}
	if err := api.Call(ctx, http.MethodPost, path+"/actions/generate_join_client_token", map[string]any{}, &made); err != nil {
		forget()
		return "", nil, fmt.Errorf("make a token: %w", plain(err))
	}
	return made.Token, forget, nil
}

// do makes a request. An answer that is no success is an error, with what the server says.
func (e *examination) do(request *http.Request) (http.Header, []byte, error) {
	header, answer, err := restclient.Do(e.client, request)
	return header, answer, plain(err)
}

// invite offers to publish over WHIP, so that the server says how it is reached. leave takes that back.
func (e *examination) invite(ctx context.Context, token string) (*invitation, func(), error) {
	room, err := roomOf(token)
	if err != nil {
		return nil, nil, err
	}
	i := &invitation{own: hex.EncodeToString(random(4))}
	at := e.base + "/rooms/" + url.PathEscape(room) + "/whip/doctor-" + hex.EncodeToString(random(6))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(offerOf(i.own)))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/sdp")
	header, answer, err := e.do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("offer media: %w", err)
	}
	leave := func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
		defer cancel()
		location, err := request.URL.Parse(header.Get("Location"))
		if err != nil {
			return
		}
		gone, err := http.NewRequestWithContext(after, http.MethodDelete, location.String(), nil)
		if err != nil {
			return
		}
		gone.Header.Set("Authorization", "Bearer "+token)
		_, _, _ = e.do(gone) // it goes by itself after 30 s
	}
	i.read(string(answer))
	i.readLinks(header.Values("Link"))
	if i.ufrag == "" {
		leave()
		return nil, nil, errors.New("the server's answer names no ICE credentials")
	}
	return i, leave, nil
}

// roomOf reads the room of a client token. The server verifies it.
func roomOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	var claims struct {
		Room string `json:"room"`
	}
	if len(parts) == 3 {
		if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(raw, &claims)
		}
	}
	if claims.Room == "" {
		return "", errors.New("the token is no client token of a room")
	}
	return claims.Room, nil
}

// offerOf is an offer to send sound, of which none is ever sent.
func offerOf(ufrag string) string {
	fingerprint := make([]string, 32)
	for i, b := range random(32) {
		fingerprint[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join([]string{
		"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
		"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=ice-ufrag:" + ufrag, "a=ice-pwd:" + hex.EncodeToString(random(12)),
		"a=fingerprint:sha-256 " + strings.Join(fingerprint, ":"), "a=setup:actpass", "a=sendonly", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "",
	}, "\r\n")
}

// read takes what an answer says of ICE.
func (i *invitation) read(answer string) {
	for line := range strings.Lines(answer) {
		line = strings.TrimSpace(line)
		if value, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok {
			i.ufrag = value
		}
		if value, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok {
			i.password = value
		}
		value, ok := strings.CutPrefix(line, "a=candidate:")
		words := strings.Fields(value)
		if !ok || len(words) < 8 {
			continue
		}
		address, err := netip.ParseAddr(words[4])
		port, wrong := strconv.ParseUint(words[5], 10, 16)
		if err != nil || wrong != nil {
			continue
		}
		at := netip.AddrPortFrom(address, uint16(port))
		switch strings.ToLower(words[2]) {
		case "udp":
			i.udp = append(i.udp, at)
		case "tcp":
			i.tcp = append(i.tcp, at)
		}
	}
}

var iceLink = regexp.MustCompile(`^<(turns?):([^>?]+)(?:\?transport=(udp|tcp))?>; rel="ice-server"; username="([^"]*)"; credential="([^"]*)"`)

// readLinks takes the relays of the Link headers (RFC 9725 section 4.6).
func (i *invitation) readLinks(links []string) {
	for _, link := range links {
		found := iceLink.FindStringSubmatch(link)
		if found == nil {
			continue
		}
		r := relay{transport: found[3], address: withPort(found[2], found[1] == "turns"), username: found[4], password: found[5]}
		switch {
		case found[1] == "turns":
			r.transport = "tls"
		case r.transport == "":
			r.transport = "udp"
		}
		i.relays = append(i.relays, r)
	}
}

// withPort adds the usual port where a URL has none.
func withPort(s string, secure bool) string {
	switch {
	case strings.Contains(s, ":") && !strings.HasSuffix(s, "]"):
		return s
	case secure:
		return s + ":5349"
	}
	return s + ":3478"
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// answerTime is how long each way has to answer.
const answerTime = 3 * time.Second
