package download

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

var (
	errMethod = errors.New("method not allowed")
	errBusy   = errors.New("too many downloads at once")
)

// refusal is how a failure is answered, with codes of the REST API's table.
type refusal struct {
	status              int
	Code, Title, Detail string
}

var (
	notThere = refusal{http.StatusNotFound, "10005", "Resource not found", "This is no address of media."}
	forged   = refusal{http.StatusForbidden, "10010", "Authorization failed", "The address was changed, or is not one of this server. Get the recording or composition again for a good one."}
	expired  = refusal{http.StatusForbidden, "10010", "Authorization failed", "The address has expired. Get the recording or composition again for a new one."}
	deleted  = refusal{http.StatusGone, "10005", "Resource not found", "The media was deleted."}
	early    = refusal{http.StatusNotFound, "10005", "Resource not found", "The media is not complete, or could not be made."}
	method   = refusal{http.StatusMethodNotAllowed, "10030", "Method not allowed", "Media can only be read."}
	busy     = refusal{http.StatusServiceUnavailable, "10037", "Service unavailable", "Too many downloads at once. Try again in a moment."}
	down     = refusal{http.StatusServiceUnavailable, "10037", "Service unavailable", "The media cannot be read at present. Try again in a moment."}
)

// refusalOf translates any error. The second result says whether the error is the server's fault and belongs in the log.
func refusalOf(err error) (refusal, bool) {
	switch {
	case errors.Is(err, errMethod):
		return method, false
	case errors.Is(err, errBusy):
		return busy, false
	case errors.Is(err, blob.ErrNoLink):
		return notThere, false
	case errors.Is(err, blob.ErrLinkForged):
		return forged, false
	case errors.Is(err, blob.ErrLinkExpired):
		return expired, false
	case video.CodeOf(err) == video.CodeNotFound:
		return deleted, false
	case video.CodeOf(err) == video.CodeState:
		return early, false
	}
	return down, true
}

// page is for people who follow a link.
var page = template.Must(template.New("refusal").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1><p>{{.Detail}}</p><p><a href="{{.Page}}">Error {{.Code}}</a></p></body>
</html>
`))

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	answer, ours := refusalOf(err)
	if r.Context().Err() != nil {
		ours = false // the client has gone, and took the work with it
	}
	if ours {
		h.Log.Error("media was not served", "path", r.URL.Path, "error", err)
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	if answer.status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "5")
	}
	about := h.ErrorPages + answer.Code
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		header.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(answer.status)
		_ = page.Execute(w, struct {
			refusal

			Page string
		}{answer, about})
		return
	}
	header.Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]any{{
		"code": answer.Code, "title": answer.Title, "detail": answer.Detail, "meta": map[string]string{"url": about},
	}}})
}
