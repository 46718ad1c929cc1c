package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// kind is one row of the published table of error codes. Help tells a developer what to do about it.
type kind struct{ code, title, help string }

var (
	invalidURL           = kind{"10003", "Invalid URL", "The field must hold an absolute http or https URL of at most 2,000 characters."}
	missingParameter     = kind{"10004", "Missing required parameter", "Add the field or parameter that the source names."}
	notFound             = kind{"10005", "Resource not found", "There is nothing with this path or id in the account of the key. What belongs to another account, or was deleted, is not found either."}
	invalidID            = kind{"10006", "Invalid ID", "Ids are UUIDs in lower case."}
	unexpectedError      = kind{"10007", "Unexpected error", "The server failed. Its log has the cause under the request id of the answer."}
	requestTimeout       = kind{"10008", "Request timeout", "The request took too long to arrive. Send it again."}
	authenticationFailed = kind{"10009", "Authentication failed", "Send a valid API key: Authorization: Bearer KEY…"}
	authorizationFailed  = kind{"10010", "Authorization failed", "The credential is genuine but does not allow this: the API key may be read-only or for tokens only, a refresh token may be expired or made for another room."}
	tooManyRequests      = kind{"10011", "Too many requests", "More requests came with this API key, or from this address, than may. Wait for the time in the Retry-After header."}
	duplicateResource    = kind{"10012", "Duplicate resource", "Something with this name exists. Names are unique within an account."}
	unsupportedMediaType = kind{"10014", "Unsupported Media Type", "The content type is not one this path takes."}
	badRequest           = kind{"10015", "Bad Request", "The request is wrong in the way the detail says."}
	associatedAbsent     = kind{"10017", "Associated resource does not exist", "Something the request names, such as a session or a recording, is not there, or is not of the kind wanted. The detail says which."}
	invalidJSON          = kind{"10023", "Invalid JSON", "The body is not well-formed JSON."}
	stringLength         = kind{"10025", "String length out of range", "The text is too short or too long; the detail names the bounds."}
	invalidType          = kind{"10026", "Invalid parameter type", "The value has another type than the field takes."}
	unprocessable        = kind{"10027", "Unprocessable Entity", "The request is well formed, but cannot be carried out as things are: the session has ended, say, or the idempotency key belongs to another request. The detail says which."}
	characterEncoding    = kind{"10028", "Character encoding error", "Bodies and parameters are UTF-8."}
	jsonExpected         = kind{"10029", "JSON expected", "Send the body as application/json."}
	methodNotAllowed     = kind{"10030", "Method not allowed", "The path exists, but not with this method. The Allow header names those it takes."}
	invalidFilter        = kind{"10031", "Invalid request filter", "The filter is unknown, or its value cannot be read."}
	invalidEnum          = kind{"10032", "Invalid enumerated value", "The value is not one of those the field takes; the detail lists them."}
	outsideRange         = kind{"10033", "Value outside of range", "The number is too small or too large; the detail names the bounds."}
	beingProcessed       = kind{"10036", "Resource is being processed", "The recording is still being made. Try again when its status is completed or failed."}
	serviceUnavailable   = kind{"10037", "Service unavailable", "The server cannot do this now. Try again after the time in the Retry-After header."}
)

var kinds = []kind{
	invalidURL, missingParameter, notFound, invalidID, unexpectedError, requestTimeout, authenticationFailed,
	authorizationFailed, tooManyRequests, duplicateResource, unsupportedMediaType, badRequest, associatedAbsent, invalidJSON,
	stringLength, invalidType,
	unprocessable, characterEncoding, jsonExpected, methodNotAllowed, invalidFilter, invalidEnum, outsideRange,
	beingProcessed, serviceUnavailable,
}

// row is how a failure is answered.
type row struct {
	status int
	kind   kind
}

func rowOf(code video.Code) row {
	if known, ok := byCode[code]; ok {
		return known
	}
	return byCode[video.CodeInternal]
}

// byCode says how each failure the core knows is answered.
var byCode = map[video.Code]row{
	video.CodeInvalid:              {http.StatusUnprocessableEntity, badRequest},
	video.CodeState:                {http.StatusUnprocessableEntity, unprocessable},
	video.CodeUnauthorized:         {http.StatusUnauthorized, authenticationFailed},
	video.CodeForbidden:            {http.StatusForbidden, authorizationFailed},
	video.CodeNotFound:             {http.StatusNotFound, notFound},
	video.CodeRoomNotFound:         {http.StatusNotFound, notFound},
	video.CodeRoomFull:             {http.StatusUnprocessableEntity, unprocessable},
	video.CodeDuplicate:            {http.StatusUnprocessableEntity, duplicateResource},
	video.CodeDuplicateParticipant: {http.StatusUnprocessableEntity, duplicateResource},
	video.CodeKeyInUse:             {http.StatusUnprocessableEntity, duplicateResource},
	video.CodeStreamNotFound:       {http.StatusNotFound, notFound},
	video.CodeParticipantNotFound:  {http.StatusUnprocessableEntity, associatedAbsent},
	video.CodeSubscriptionNotFound: {http.StatusNotFound, notFound},
	video.CodeTooLarge:             {http.StatusRequestEntityTooLarge, badRequest},
	video.CodeTooMany:              {http.StatusUnprocessableEntity, unprocessable},
	video.CodeMedia:                {http.StatusUnprocessableEntity, unprocessable},
	video.CodeUnavailable:          {http.StatusServiceUnavailable, serviceUnavailable},
	video.CodeOverloaded:           {http.StatusServiceUnavailable, serviceUnavailable},
	video.CodeInternal:             {http.StatusInternalServerError, unexpectedError},
}

// fault is one entry of an error answer. At most one of pointer and parameter is set.
type fault struct {
	kind      kind
	detail    string
	pointer   *string // JSON pointer into the body; empty is the body itself
	parameter string  // of the query
}

// refusal is an error answer: a status and what is wrong.
type refusal struct {
	status     int
	faults     []fault
	retryAfter time.Duration // when to come again; 0 where that is not known
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s", r.status, r.faults[0].kind.title, r.faults[0].detail)
}

func refuse(status int, k kind, format string, args ...any) *refusal {
	return &refusal{status: status, faults: []fault{{kind: k, detail: fmt.Sprintf(format, args...)}}}
}

var errHeadersTooLarge = refuse(http.StatusRequestHeaderFieldsTooLarge, badRequest,
	"Path, query and headers together are larger than %d bytes.", MaxHeaderBytes)

// refusalOf translates any error. The second result says whether the error is the server's fault and belongs in the log.
func refusalOf(err error) (*refusal, bool) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r, false
	}
	known := errorsIn(err)
	if len(known) == 0 || known[0].Code == video.CodeInternal {
		return refuse(http.StatusInternalServerError, unexpectedError,
			"Something went wrong in the server. Its log has more under the request id."), true
	}
	status := rowOf(known[0].Code).status
	var faults []fault
	for _, each := range known {
		row := rowOf(each.Code)
		if row.status != status {
			continue // an answer has one status: that of the first
		}
		f := fault{kind: row.kind, detail: sentence(each.Message)}
		if each.Field != "" {
			f.pointer = &each.Field
		}
		faults = append(faults, f)
	}
	return &refusal{status: status, faults: faults}, status >= http.StatusInternalServerError
}

// errorsIn are the errors to be shown in a chain or in several that are joined. What lies below one of them is its cause.
func errorsIn(err error) []*video.Error {
	switch err := err.(type) { //nolint:errorlint // this walks the chain
	case nil:
		return nil
	case *video.Error:
		return []*video.Error{err}
	case interface{ Unwrap() []error }:
		var all []*video.Error
		for _, each := range err.Unwrap() {
			all = append(all, errorsIn(each)...)
		}
		return all
	}
	return errorsIn(errors.Unwrap(err))
}

// sentence makes one of an error message, which is written to be wrapped.
func sentence(message string) string {
	first, size := utf8.DecodeRuneInString(message)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(message[size:], ".") + "."
}

// refuse writes an error answer, and logs the error if the server is at fault.
func (e *entrance) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		// The caller has gone; nobody reads this, and nobody is at fault.
		err = refuse(http.StatusRequestTimeout, requestTimeout, "The request was given up by its caller.")
	}
	ref, ours := refusalOf(err)
	if ours {
		level := slog.LevelError
		if ref.status == http.StatusServiceUnavailable {
			level = slog.LevelWarn
		}
		e.Log.LogAttrs(r.Context(), level, "request failed",
			slog.String("request", w.Header().Get("X-Request-Id")),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", withCause(err)))
	}
	header := w.Header()
	switch ref.status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="rotunda"`)
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		header.Set("Connection", "close") // the rest of the body is not worth reading
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if ref.retryAfter > 0 {
			header.Set("Retry-After", wholeSeconds(ref.retryAfter))
		} else if header.Get("Retry-After") == "" {
			header.Set("Retry-After", "1")
		}
	}
	if r.Method == http.MethodPost && doubtful(r, ref.status, err) {
		header.Set("X-Should-Retry", "false")
	}
	_ = answer{status: ref.status, data: e.renderErrors(r, ref)}.write(w)
}

// doubtful reports whether nobody knows what came of a POST, so that doing it again, as SDKs do after a 5xx, could do it twice.
// After a failed commit an idempotency key makes that safe.
func doubtful(r *http.Request, status int, err error) bool {
	return status == http.StatusInternalServerError || errors.Is(err, video.ErrInDoubt) && r.Header.Get("Idempotency-Key") == ""
}

// withCause adds what a video.Error hides from callers, for the log.
func withCause(err error) error {
	known, ok := errors.AsType[*video.Error](err)
	if !ok || known.Unwrap() == nil || strings.Contains(err.Error(), known.Unwrap().Error()) {
		return err
	}
	return fmt.Errorf("%w: %w", err, known.Unwrap())
}

// root is what links in answers begin with.
func (e *entrance) root(r *http.Request) string {
	if e.PublicURL != "" {
		return strings.TrimSuffix(e.PublicURL, "/")
	}
	u := url.URL{Scheme: e.Proxies.Scheme(r), Host: r.Host}
	return u.String()
}

func (e *entrance) renderErrors(r *http.Request, ref *refusal) any {
	root := e.root(r)
	entries := make([]errorEntry, len(ref.faults))
	for i, f := range ref.faults {
		entries[i] = errorEntry{
			Code: f.kind.code, Title: f.kind.title, Detail: f.detail,
			Meta: errorMeta{URL: root + ErrorPages + f.kind.code},
		}
		if f.pointer != nil || f.parameter != "" {
			entries[i].Source = &errorSource{Pointer: f.pointer, Parameter: f.parameter}
		}
	}
	return errorList{Errors: entries}
}
