package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MaxHeaderBytes is how large path, query and headers of a request may be together; beyond it the answer is 431. The
// limit of the http.Server should be higher, since its own refusal has no body.
const MaxHeaderBytes = 32 << 10

// operation is one method on one path.
type operation struct {
	method, path   string
	right          right  // what its caller must have; empty where anybody may ask
	action         string // what the audit log calls it, or audited; every change has one
	public         bool   // takes no API key
	anyOrigin      bool   // browsers may call it from any origin
	limited        bool   // by address
	changesSession bool   // of the portal, whose operations take no API key
	signsIn        bool   // by address, and narrowly: passwords and secrets could be guessed
	do             func(*request) (answer, error)
	check          func(*request) ([]fault, error) // of the body, for what no schema can say; may be nil

	idName string           // of the path parameter; empty if there is none
	body   *openapi3.Schema // nil if it takes no body
	weight float64          // in the rate limit of its key
}

// resource is everything that can be done with one path.
type resource struct {
	operations map[string]*operation
	anyOrigin  bool
}

// request is what an operation is asked. Its fields beyond the http.Request are checked already.
type request struct {
	*http.Request
	caller  caller          // zero where no credential is taken
	account video.AccountID // the caller's; empty where no credential is taken
	id      string          // the id in the path, in lower case
	content []byte          // of the body, as it came
	body    body
	unknown []string  // fields of the body that mean nothing
	once    *[32]byte // hash of its idempotency key; nil without one
	begun   time.Time // when a request came first with this key

	requestID        string
	objectID, detail string // for the audit log
}

// answer is what an operation says. Either data, or raw with its type, or a stream, or none of them for an answer without a
// body.
type answer struct {
	status      int
	data        any
	raw         []byte
	contentType string
	cookies     []*http.Cookie                  // that are set
	stream      func(http.ResponseWriter) error // writes all of the answer; fails only before anything was sent
}

// ServeHTTP does what concerns every request alike.
func (e *entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := requestID(r)
	header := w.Header()
	header.Set("X-Request-Id", id)
	header.Set("Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		e.Log.LogAttrs(r.Context(), slog.LevelDebug, "request",
			slog.String("request", id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", recorder.status), slog.Duration("took", time.Since(start)),
			slog.String("user_agent", r.UserAgent()), slog.String("attempt", r.Header.Get("X-Stainless-Retry-Count")))
	}()
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			e.refuse(recorder, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	switch {
	case headerBytes(r) > MaxHeaderBytes:
		e.refuse(recorder, r, errHeadersTooLarge)
	case !cleanPath(r.URL): // the mux would redirect
		e.unknownPath(recorder, r)
	default:
		e.routes.ServeHTTP(recorder, r)
	}
}

// serve answers requests for one path.
func (e *entrance) serve(res *resource) http.HandlerFunc {
	methods := slices.Collect(maps.Keys(res.operations))
	if res.operations[http.MethodGet] != nil {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	allow := strings.Join(append(methods, http.MethodOptions), ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		headers, shared := e.share(w, r, res.anyOrigin)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		op := res.operations[method]
		switch {
		case op != nil:
			e.carryOut(w, r, op)
		case method == http.MethodOptions:
			e.options(w, allow, headers, shared)
		default:
			w.Header().Set("Allow", allow)
			e.refuse(w, r, refuse(http.StatusMethodNotAllowed, methodNotAllowed, "%s is not possible here. Possible: %s.", r.Method, allow))
		}
	}
}

// carryOut takes a request through all that is checked of it to the operation.
func (e *entrance) carryOut(w http.ResponseWriter, r *http.Request, op *operation) {
	r, span := e.trace(w, r, op)
	req, err := e.admit(w, r, op)
	if len(req.unknown) > 0 {
		w.Header().Set("X-Unknown-Fields", joinUnknown(req.unknown))
	}
	if err == nil {
		var result answer
		if result, err = e.perform(w, req, op); err == nil {
			if result.stream != nil { // which goes on for hours
				endTrace(span, result.status)
			}
			err = result.write(w)
		}
	}
	if err != nil {
		e.refuse(w, r, err)
	}
	endTrace(span, statusOf(w))
}

// admit checks all that can be checked without knowing the operation. The request comes back even with an error, for the sake
// of its unknown fields.
func (e *entrance) admit(w http.ResponseWriter, r *http.Request, op *operation) (*request, error) {
	req := &request{Request: r, requestID: w.Header().Get("X-Request-Id")}
	if op.limited && !e.strangers.Admit(r) {
		return req, refuse(http.StatusTooManyRequests, tooManyRequests, "Too many tokens were asked for from this address. Wait a second.")
	}
	if op.signsIn && !e.guests.Admit(r) {
		return req, refuse(http.StatusTooManyRequests, tooManyRequests, "Too many attempts came from this address. Wait some seconds.")
	}
	if op.public && op.path == portalPath || op.signsIn {
		if err := sameOrigin(r); err != nil {
			return req, err
		}
	}
	if op.public {
		actor := e.actor(w, r)
		req.Request = r.WithContext(video.WithActor(r.Context(), actor))
	} else {
		if err := e.identify(w, req, op); err != nil {
			return req, err
		}
	}
	if op.idName != "" {
		req.id = strings.ToLower(r.PathValue(op.idName))
		if !video.IsUUID(req.id) {
			return req, refuse(http.StatusNotFound, invalidID, "The id in the path is no UUID.")
		}
	}
	if op.body == nil {
		return req, nil
	}
	var err error
	if req.content, err = readContent(w, r); err == nil {
		req.body, req.unknown, err = readBody(r.Header, req.content, op.body)
	}
	return req, op.further(req, err)
}

// identify finds whose credential the request carries, and whether they may do this now.
func (e *entrance) identify(w http.ResponseWriter, req *request, op *operation) error {
	actor := e.actor(w, req.Request)
	who, err := e.authenticate(req.Request.WithContext(video.WithActor(req.Context(), actor)), &actor)
	if err != nil {
		return err
	}
	if err := e.limit(w, who.id, op); err != nil {
		return err
	}
	if err := entitle(who, op.right); err != nil {
		return err
	}
	req.caller, req.account = who, who.account
	req.Request = req.WithContext(video.WithActor(req.Context(), actor))
	req.once, err = idempotencyKey(req.Request, req.account)
	return err
}

// further adds what the operation itself has against the body to what its schema has. It says nothing more of a field
// that is at fault already.
func (op *operation) further(req *request, err error) error {
	found, _ := errors.AsType[*refusal](err)
	if op.check == nil || err != nil && (found == nil || found.status != http.StatusUnprocessableEntity) {
		return err
	}
	more, checkErr := op.check(req)
	if checkErr != nil {
		return checkErr
	}
	if found == nil {
		return refuseBody(inOrder(more))
	}
	for _, f := range more {
		if !slices.ContainsFunc(found.faults, func(known fault) bool { return orDefault(known.pointer, "") == orDefault(f.pointer, "") }) {
			found.faults = append(found.faults, f)
		}
	}
	return refuseBody(inOrder(found.faults))
}

// authenticate finds who asks: by an API key or, without one, by the cookie of a portal session. It puts them into actor.
func (e *entrance) authenticate(r *http.Request, actor *video.Actor) (caller, error) {
	if secret := sessionSecret(r); secret != "" && r.Header.Get("Authorization") == "" {
		who, err := e.signedIn(r, secret)
		actor.MemberID, actor.MemberName = who.member.ID, who.member.Name
		return who, err
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return caller{}, refuse(http.StatusUnauthorized, authenticationFailed,
			"An API key is needed, in the header Authorization: Bearer KEY.")
	}
	found, err := e.Keys.Authenticate(r.Context(), key)
	if err != nil && video.CodeOf(err) == video.CodeUnauthorized {
		return caller{}, refuse(http.StatusUnauthorized, authenticationFailed,
			"The API key is unknown, revoked or expired.")
	}
	actor.KeyID, actor.KeyName = found.ID, found.Name
	return keyCaller(found), err
}

func (e *entrance) unknownPath(w http.ResponseWriter, r *http.Request) {
	e.share(w, r, false)
	e.refuse(w, r, refuse(http.StatusNotFound, notFound, "There is nothing at this path."))
}

// requestID is the caller's own name for the request, or a new one.
func requestID(r *http.Request) string {
	for _, name := range []string{"X-Request-Id", "Request_id"} {
		if id := r.Header.Get(name); id != "" && len(id) <= 128 && visibleASCII(id) {
			return id
		}
	}
	return video.NewUUID()
}

func visibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func headerBytes(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return n
}

// cleanPath reports whether the path has no empty, "." or ".." segments.
func cleanPath(u *url.URL) bool {
	p := u.EscapedPath()
	clean := path.Clean("/" + p)
	return p == clean || p == clean+"/"
}

// statusRecorder remembers the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
