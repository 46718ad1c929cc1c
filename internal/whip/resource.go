package whip

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// resource is what a POST made: a publisher or a viewer. Its channels have room for one; only the first wish to end it
// counts, and only the first news that it is connected.
type resource struct {
	grant  video.Grant
	id     string                 // the last part of its path; nobody can guess it
	leave  func(video.LeftReason) // takes it out of the session and returns when its transport is closed
	logger *slog.Logger
	ice    ice

	ending    atomic.Bool           // somebody wanted it gone
	ends      chan video.LeftReason // why
	connected chan struct{}
	gone      chan struct{} // closed when it is
}

func newResource(grant video.Grant, offer *offer, logger *slog.Logger) *resource {
	return &resource{
		grant: grant, id: video.NewUUID(), logger: logger, ice: ice{offer: offer, tag: newTag()},
		ends: make(chan video.LeftReason, 1), connected: make(chan struct{}, 1), gone: make(chan struct{}),
	}
}

// end asks the resource's goroutine to end it. It reports false if somebody asked before.
func (r *resource) end(reason video.LeftReason) bool {
	if r.ending.Swap(true) {
		return false
	}
	r.ends <- reason
	return true
}

// Notify implements live.Listener.
func (r *resource) Notify(n live.Notice) {
	switch n := n.(type) {
	case live.MediaConnected:
		select {
		case r.connected <- struct{}{}:
		default:
		}
	case live.MediaFailed:
		r.logger.Info("media failed", "error", n.Err)
		r.end(video.LeftConnectionLost)
	case live.Removed:
		r.end(n.Reason)
	}
}

// serve is the resource's goroutine.
func (r *resource) serve(connectTimeout time.Duration) {
	timeout := time.NewTimer(connectTimeout)
	defer timeout.Stop()
	reason := video.LeftConnectionLost
	for waiting := true; waiting; {
		select {
		case <-r.connected:
			timeout.Stop()
		case <-timeout.C:
			r.logger.Info("media did not connect", "within", connectTimeout)
			waiting = !r.end(reason) // otherwise why it ends is coming
		case reason = <-r.ends:
			waiting = false
		}
	}
	r.leave(reason)
}

// keep registers a resource under its path and starts its goroutine. It reports false when the handler is closing; the
// resource is gone then.
func (h *Handler) keep(r *resource) bool {
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		r.leave(video.LeftServerShutdown)
		return false
	}
	defer h.mu.Unlock()
	h.resources[r.id] = r
	h.serving.Go(func() {
		r.serve(h.config.ConnectTimeout)
		h.mu.Lock()
		delete(h.resources, r.id)
		h.mu.Unlock()
		close(r.gone)
	})
	return true
}

// find returns the resource that a request is for, if its token is for the same room.
func (h *Handler) find(req *http.Request) (*resource, error) {
	grant, err := h.authorize(req)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	r := h.resources[req.PathValue("resource")]
	h.mu.Unlock()
	if r == nil || r.grant.RoomID != grant.RoomID || r.grant.AccountID != grant.AccountID {
		return nil, errNotFound
	}
	return r, nil
}

// remove serves DELETE. An If-Match is ignored: it does not matter which ICE session is ended.
func (h *Handler) remove(w http.ResponseWriter, req *http.Request) error {
	r, err := h.find(req)
	if err != nil {
		return err
	}
	ended := r.end(video.LeftByChoice)
	<-r.gone
	if !ended {
		return errNotFound // its end was under way
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// created answers a POST.
func (h *Handler) created(w http.ResponseWriter, req *http.Request, r *resource, tag, answer string) {
	w.Header().Set("Content-Type", sdpType)
	w.Header().Set("Location", h.config.PublicURL+req.URL.EscapedPath()+"/"+r.id)
	w.Header().Set("ETag", tag)
	w.Header().Set("Accept-Patch", fragmentType)
	for _, link := range h.iceLinks(r.grant) {
		w.Header().Add("Link", link)
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(answer))
}
