package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Idempotency keeps the answers to requests that carry an Idempotency-Key, for a day. Key and request are hashes.
type Idempotency interface {
	// BeginIdempotent returns what is kept under the key: this very request without an answer if it is the first, or if the last
	// one came to none.
	BeginIdempotent(ctx context.Context, account video.AccountID, key, request [32]byte) (video.KeptAnswer, error)
	FinishIdempotent(ctx context.Context, account video.AccountID, key [32]byte, status int, body []byte) error
}

// Vault seals what must not lie open in the database.
type Vault interface {
	SealSecret(plain []byte) ([]byte, error)
	OpenSecret(sealed []byte) ([]byte, error)
}

// maxIdempotencyKey is how many characters such a key may have.
const maxIdempotencyKey = 255

// idempotencyKey returns the hash of the request's key, if it has one.
func idempotencyKey(r *http.Request, account video.AccountID) (*[32]byte, error) {
	values := r.Header.Values("Idempotency-Key")
	if r.Method != http.MethodPost || len(values) == 0 {
		return nil, nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || !visibleASCII(key) {
		return nil, refuse(http.StatusBadRequest, badRequest,
			"The header Idempotency-Key must be given once, with 1 to %d visible ASCII characters.", maxIdempotencyKey)
	}
	hash := digest("key", string(account), key)
	return &hash, nil
}

// digest is a hash of all parts that is another if any part, or the border between two, is another.
func digest(parts ...string) [32]byte {
	var all []byte
	for _, part := range parts {
		hash := sha256.Sum256([]byte(part))
		all = append(all, hash[:]...)
	}
	return sha256.Sum256(all)
}

// newID is the id of what the request makes. With an idempotency key it is the same for as long as the key is kept, so that a
// request repeated after the server died over it, or did not hear of its commit, finds what it made.
func (r *request) newID() string {
	if r.once == nil {
		return video.NewUUID()
	}
	id := digest("id", string(r.once[:]), r.begun.UTC().Format(time.RFC3339Nano))
	return video.NewUUIDFrom(bytes.NewReader(id[:]))
}

// flights are the requests with an idempotency key that are being carried out. There are as many as such requests.
type flights struct {
	mu  sync.Mutex
	all map[[32]byte]flight // guarded by mu; keys are hashes of account and key
}

type flight struct {
	request [32]byte
	landed  chan struct{}
}

// begin returns when no other request with this key is being carried out, with what is to be called at the end of this one.
// It refuses another request than the one under way.
func (f *flights) begin(ctx context.Context, key, asked [32]byte) (land func(), err error) {
	for {
		f.mu.Lock()
		other, busy := f.all[key]
		if !busy {
			landed := make(chan struct{})
			f.all[key] = flight{asked, landed}
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.all, key)
				f.mu.Unlock()
				close(landed)
			}, nil
		}
		f.mu.Unlock()
		if other.request != asked {
			return nil, errOtherRequest
		}
		select {
		case <-other.landed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errOtherRequest = refuse(http.StatusUnprocessableEntity, unprocessable,
	"The idempotency key was used with another request. Each request needs a key of its own.")

// perform carries out an operation, or repeats the answer if it was carried out before under the same idempotency key.
func (e *entrance) perform(w http.ResponseWriter, r *request, op *operation) (answer, error) {
	if r.once == nil {
		return e.do(r, op)
	}
	asked := digest(r.Method, r.URL.Path, r.URL.RawQuery, string(r.content))
	land, err := e.flights.begin(r.Context(), *r.once, asked)
	if err != nil {
		return answer{}, err
	}
	defer land()
	kept, err := e.Idempotency.BeginIdempotent(r.Context(), r.account, *r.once, asked)
	switch {
	case err != nil:
		return answer{}, err
	case kept.Request != asked:
		return answer{}, errOtherRequest
	case kept.Status != 0:
		w.Header().Set("Idempotent-Replayed", "true")
		return e.repeat(kept)
	}
	r.begun = kept.BegunAt
	return e.performFirst(r, op)
}

// performFirst carries out an operation and keeps its answer. Failures of the server are not kept: the request may be tried again.
func (e *entrance) performFirst(r *request, op *operation) (answer, error) {
	ctx := context.WithoutCancel(r.Context()) // what was done is noted even if the caller has gone
	result, err := e.do(r, op)
	if err != nil {
		ref, _ := refusalOf(err)
		if !lasting(ref.status) || r.Context().Err() != nil {
			return answer{}, err
		}
		result = answer{status: ref.status, data: e.renderErrors(r.Request, ref)}
	}
	if result, err = result.render(); err != nil {
		return answer{}, err
	}
	sealed, err := e.Vault.SealSecret(result.raw) // there may be tokens in it
	if err == nil {
		err = e.Idempotency.FinishIdempotent(ctx, r.account, *r.once, result.status, sealed)
	}
	e.warn(r, "answer to an idempotent request was not kept", err)
	return result, nil
}

// lasting reports whether a request answered so would be answered so again.
func lasting(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// repeat is the answer that was kept.
func (e *entrance) repeat(kept video.KeptAnswer) (answer, error) {
	raw, err := e.Vault.OpenSecret(kept.Body)
	if err != nil {
		return answer{}, video.Errorf(video.CodeInternal, "open kept answer: %w", err)
	}
	again := answer{status: kept.Status, raw: raw}
	if len(raw) > 0 {
		again.contentType = "application/json"
	}
	return again, nil
}

// warn logs what went wrong beside a request that is answered all the same.
func (e *entrance) warn(r *request, message string, err error) {
	if err != nil {
		e.Log.LogAttrs(r.Context(), slog.LevelWarn, message, slog.String("request", r.requestID), slog.Any("error", withCause(err)))
	}
}
