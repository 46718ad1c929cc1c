package whip

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const fragmentType = "application/trickle-ice-sdpfrag"

// ice is the ICE session of a resource: the offer it began with, and what tells it from those before it.
type ice struct {
	negotiate func(ctx context.Context, offer string) (answer string, err error)

	mu    sync.Mutex // held while a restart is negotiated, so that PATCHes take their turn
	offer *offer     // guarded by mu
	tag   string     // guarded by mu; the entity tag, quoted
}

// patch serves PATCH: more candidates of the client, or new credentials, which restart ICE.
func (h *Handler) patch(w http.ResponseWriter, req *http.Request) error {
	r, err := h.find(req)
	if err != nil {
		return err
	}
	if mediaType, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || mediaType != fragmentType {
		return errNotFragment
	}
	body, err := readBody(w, req)
	if err != nil {
		return err
	}
	r.ice.mu.Lock()
	defer r.ice.mu.Unlock()
	if err := r.ice.matches(req.Header.Values("If-Match")); err != nil {
		return err
	}
	fragment, err := parseFragment(body)
	if err != nil {
		return err
	}
	given, err := r.ice.concerns(fragment)
	if err != nil {
		return err
	}
	if given.ufrag == r.ice.offer.ufrag {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	ctx, cancel := h.negotiating(req.Context())
	defer cancel()
	answer, err := r.ice.restart(ctx, given)
	if err != nil {
		return err
	}
	r.logger.Info("ICE restarts")
	w.Header().Set("Content-Type", fragmentType)
	w.Header().Set("ETag", r.ice.tag)
	_, _ = w.Write([]byte(answer))
	return nil
}

// matches holds If-Match against the entity tag. The quotes around the asterisk are in the examples of RFC 9725, and so in
// clients.
func (i *ice) matches(wanted []string) error {
	if strings.TrimSpace(strings.Join(wanted, "")) == "" {
		return errNoTag
	}
	for tag := range strings.SplitSeq(strings.Join(wanted, ","), ",") {
		switch strings.TrimSpace(tag) {
		case "*", `"*"`, i.tag:
			return nil
		}
	}
	return errOtherTag
}

// concerns returns the credentials that a fragment gives for the transport. A fragment that is about other lines of the bundle
// alone gives none, so those in use are returned.
func (i *ice) concerns(f fragment) (credentials, error) {
	lines := 0
	for mid := range f {
		switch _, known := i.offer.mids[mid]; {
		case mid == "":
		case !known:
			return credentials{}, malformed("the connection has no line with the mid %q", mid)
		default:
			lines++
		}
	}
	if lines > 0 && f[i.offer.leading] == nil {
		return i.offer.credentials, nil
	}
	return f.of(i.offer.leading)
}

// restart begins another ICE session, and returns the server's side of it. That is the offer of before with new credentials:
// nothing else of it may change (RFC 9725, section 4.3.3). When it is refused, the session of before stays.
func (i *ice) restart(ctx context.Context, given credentials) (string, error) {
	next := i.offer.with(given)
	answer, err := i.negotiate(ctx, next.sdp)
	if err != nil {
		return "", err
	}
	fragment, err := fragmentOf(answer)
	if err != nil {
		return "", err
	}
	i.offer, i.tag = next, newTag()
	return fragment, nil
}

func newTag() string { return `"` + video.NewUUID() + `"` }
