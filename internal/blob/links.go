package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// LinkPath is what the paths of media URLs begin with.
const LinkPath = "/v2/media/"

// LinkLife is how long a media URL is good.
const LinkLife = time.Hour

// Link is what a media URL is good for.
type Link struct {
	Kind    video.MediaKind
	ID      string
	Account video.AccountID
	Expires time.Time // in whole seconds
}

// What is wrong with a media URL.
var (
	ErrNoLink      = errors.New("no path of media")
	ErrLinkForged  = errors.New("not signed by this server")
	ErrLinkExpired = errors.New("expired")
)

// Links makes and checks media URLs.
type Links struct {
	secret []byte
	now    func() time.Time
}

// NewLinks makes URLs that are signed with the secret. A nil now is time.Now.
func NewLinks(secret []byte, now func() time.Time) *Links {
	if now == nil {
		now = time.Now
	}
	return &Links{secret, now}
}

// Path returns path and query of a URL for the object, good for LinkLife from now on.
func (l *Links) Path(kind video.MediaKind, account video.AccountID, id string) string {
	return l.render(Link{kind, id, account, l.now().Add(LinkLife)})
}

func (l *Links) render(link Link) string {
	return LinkPath + string(link.Kind) + "/" + link.ID + "?account=" + string(link.Account) +
		"&expires=" + strconv.FormatInt(link.Expires.Unix(), 10) + "&signature=" + l.sign(link)
}

func (l *Links) sign(link Link) string {
	mac := hmac.New(sha256.New, l.secret)
	// None of the fields can hold a line break.
	_, _ = mac.Write([]byte(strings.Join([]string{
		"rotunda media 1", string(link.Kind), link.ID, string(link.Account), strconv.FormatInt(link.Expires.Unix(), 10),
	}, "\n")))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Read checks a URL. Parameters that are not of the link are passed over; each of the link's comes once.
func (l *Links) Read(u *url.URL) (Link, error) {
	kind, id, _ := strings.Cut(strings.TrimPrefix(u.Path, LinkPath), "/")
	link := Link{Kind: video.MediaKind(kind), ID: id}
	if !strings.HasPrefix(u.Path, LinkPath) || !slices.Contains(video.MediaKinds, link.Kind) || !video.IsUUID(id) {
		return Link{}, ErrNoLink
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || len(query["account"]) != 1 || len(query["expires"]) != 1 || len(query["signature"]) != 1 {
		return Link{}, ErrLinkForged
	}
	expires, err := strconv.ParseInt(query.Get("expires"), 10, 64)
	if err != nil || strconv.FormatInt(expires, 10) != query.Get("expires") {
		return Link{}, ErrLinkForged
	}
	link.Account, link.Expires = video.AccountID(query.Get("account")), time.Unix(expires, 0)
	if !video.IsUUID(string(link.Account)) || subtle.ConstantTimeCompare([]byte(l.sign(link)), []byte(query.Get("signature"))) != 1 {
		return Link{}, ErrLinkForged
	}
	if !l.now().Before(link.Expires) {
		return Link{}, ErrLinkExpired
	}
	return link, nil
}
