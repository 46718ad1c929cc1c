package whip

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Codes this package has beside those of package video.
const (
	codeMethod        video.Code = "method_not_allowed"
	codeNotSDP        video.Code = "not_sdp"
	codeNotFragment   video.Code = "not_a_fragment"
	codeNotAcceptable video.Code = "not_acceptable"
	codeNoTag         video.Code = "precondition_required"
	codeOtherTag      video.Code = "precondition_failed"
)

var (
	errNotFound      = video.Errorf(video.CodeNotFound, "there is nothing here")
	errMethod        = video.Errorf(codeMethod, "the path does not have this method")
	errNotSDP        = video.Errorf(codeNotSDP, "the body must be an SDP offer, of type application/sdp")
	errNotFragment   = video.Errorf(codeNotFragment, "the body must be of type application/trickle-ice-sdpfrag")
	errNoTag         = video.Errorf(codeNoTag, "If-Match must have the ETag of the last answer, or be * to restart ICE")
	errOtherTag      = video.Errorf(codeOtherTag, "If-Match has the ETag of another ICE session")
	errNotAcceptable = video.Errorf(codeNotAcceptable, "the answer is of type application/sdp")
	errShuttingDown  = video.Errorf(video.CodeUnavailable, "the server is shutting down")
)

// shown is how a code looks in HTTP. The codes and titles are those of the REST API.
type shown struct {
	status      int
	code, title string
}

var answers = map[video.Code]shown{
	video.CodeInvalid:        {http.StatusBadRequest, "10015", "Bad Request"},
	video.CodeUnauthorized:   {http.StatusUnauthorized, "10009", "Authentication failed"},
	video.CodeForbidden:      {http.StatusForbidden, "10010", "Authorization failed"},
	video.CodeNotFound:       {http.StatusNotFound, "10005", "Resource not found"},
	video.CodeRoomNotFound:   {http.StatusNotFound, "10005", "Resource not found"},
	video.CodeStreamNotFound: {http.StatusConflict, "10005", "Resource not found"}, // it may come: WHEP has the viewer try again
	video.CodeDuplicate:      {http.StatusConflict, "10012", "Duplicate resource"},
	video.CodeState:          {http.StatusConflict, "10027", "Unprocessable Entity"},
	video.CodeTooLarge:       {http.StatusRequestEntityTooLarge, "10015", "Bad Request"},
	video.CodeMedia:          {http.StatusUnprocessableEntity, "10027", "Unprocessable Entity"},
	video.CodeRoomFull:       {http.StatusServiceUnavailable, "10037", "Service unavailable"},
	video.CodeTooMany:        {http.StatusServiceUnavailable, "10037", "Service unavailable"},
	video.CodeUnavailable:    {http.StatusServiceUnavailable, "10037", "Service unavailable"},
	video.CodeOverloaded:     {http.StatusServiceUnavailable, "10037", "Service unavailable"},
	codeMethod:               {http.StatusMethodNotAllowed, "10030", "Method not allowed"},
	codeNotSDP:               {http.StatusUnsupportedMediaType, "10014", "Unsupported Media Type"},
	codeNotFragment:          {http.StatusUnsupportedMediaType, "10014", "Unsupported Media Type"},
	codeNoTag:                {http.StatusPreconditionRequired, "10015", "Bad Request"},
	codeOtherTag:             {http.StatusPreconditionFailed, "10015", "Bad Request"},
	codeNotAcceptable:        {http.StatusNotAcceptable, "10015", "Bad Request"},
}

// refuse answers a request with an error, in the envelope of the REST API.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		err = video.Errorf(video.CodeUnavailable, "the request was given up")
	}
	detail := ""
	answer := shown{http.StatusInternalServerError, "10007", "Unexpected error"}
	if e, ok := errors.AsType[*video.Error](err); ok {
		if known, ok := answers[e.Code]; ok {
			answer, detail = known, e.Message
		}
	}
	log := h.config.Logger.With("method", r.Method, "room", r.PathValue("room_id"), "status", answer.status)
	if detail == "" {
		id := video.NewUUID()
		detail = "internal error " + id
		log.Error("request failed", "id", id, "error", err)
	} else {
		if cause := errors.Unwrap(err); cause != nil {
			log = log.With("cause", cause)
		}
		log.Info("request refused", "detail", detail)
	}
	switch {
	case answer.status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case answer.status == http.StatusServiceUnavailable, video.CodeOf(err) == video.CodeStreamNotFound:
		w.Header().Set("Retry-After", "2")
	case errors.Is(err, errNotSDP):
		w.Header().Set("Accept-Post", sdpType)
	case errors.Is(err, errNotFragment):
		w.Header().Set("Accept-Patch", fragmentType)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{
		map[string]string{"code": answer.code, "title": answer.title, "detail": detail},
	}})
}
