package blob

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	linkAccount = video.AccountID("4f1c2d3e-5a6b-4c7d-8e9f-0a1b2c3d4e5f")
	linkID      = "0ccc7b54-4df3-4bca-a65a-3da1ecc777f0"
)

func parsed(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}

func TestLinks(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 700_000_000, time.UTC)
	links := NewLinks(secret, func() time.Time { return now })
	for _, kind := range video.MediaKinds {
		path := links.Path(kind, linkAccount, linkID)
		link, err := links.Read(parsed(t, "https://video.example.com"+path+"&utm_source=mail"))
		must(t, err)
		if want := (Link{kind, linkID, linkAccount, time.Unix(now.Add(LinkLife).Unix(), 0)}); link != want {
			t.Errorf("%s is %+v, want %+v", path, link, want)
		}
	}
	path := links.Path(video.MediaRecording, linkAccount, linkID)
	for name, c := range map[string]struct {
		from, to string
		want     error
	}{
		"another object":         {linkID, video.NewUUID(), ErrLinkForged},
		"another account":        {string(linkAccount), video.NewUUID(), ErrLinkForged},
		"another kind":           {"/recording/", "/composition/", ErrLinkForged},
		"a longer life":          {"expires=1", "expires=2", ErrLinkForged},
		"a rewritten time":       {"expires=1", "expires=%2B1", ErrLinkForged},
		"no signature":           {"&signature=", "&s=", ErrLinkForged},
		"two accounts":           {"?", "?account=x&", ErrLinkForged},
		"an escape that is none": {"?", "?%zz&", ErrLinkForged},
		"an unknown kind":        {"/recording/", "/recordings/", ErrNoLink},
		"no id":                  {linkID, "", ErrNoLink},
		"more path":              {"?", "/x?", ErrNoLink},
		"an id of its own":       {linkID, strings.ToUpper(linkID), ErrNoLink},
		"another beginning":      {LinkPath, "/v2/", ErrNoLink},
	} {
		if _, err := links.Read(parsed(t, strings.Replace(path, c.from, c.to, 1))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := NewLinks([]byte("another"), nil).Read(parsed(t, path)); !errors.Is(err, ErrLinkForged) {
		t.Errorf("with another secret: %v", err)
	}
	now = now.Add(LinkLife - time.Second)
	_, err := links.Read(parsed(t, path))
	must(t, err)
	now = now.Add(time.Second)
	if _, err := links.Read(parsed(t, path)); !errors.Is(err, ErrLinkExpired) {
		t.Errorf("after its life: %v", err)
	}
}

// Only what was signed is read, whatever is sent.
func FuzzLinks(f *testing.F) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	links := NewLinks(secret, func() time.Time { return now })
	for _, kind := range video.MediaKinds {
		f.Add(links.Path(kind, linkAccount, linkID))
	}
	f.Add(LinkPath + "recording/" + linkID + "?account=%00&expires=9223372036854775807&signature=")
	f.Add(LinkPath + "//?;&&==")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(s)
		if err != nil {
			return
		}
		link, err := links.Read(u)
		if err == nil && links.Path(link.Kind, linkAccount, linkID) != links.render(link) {
			t.Fatalf("%q was read as %+v, which nobody signed", s, link)
		}
	})
}
