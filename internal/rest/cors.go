package rest

import (
	"net/http"
	"slices"
)

// exposedHeaders are those of our answers that scripts of other origins may read.
const exposedHeaders = "x-request-id, x-unknown-fields, retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, " +
	"idempotent-replayed"

// share lets browsers show the answer to scripts of other origins: to all of them where anyone may call, else to those the
// operator named. No cookies or other credentials of the browser are wanted, so that nobody is made to act unknowingly. It
// reports whether the answer is shared, and with which request headers.
func (e *entrance) share(w http.ResponseWriter, r *http.Request, anyOrigin bool) (allowed string, shared bool) {
	header := w.Header()
	if anyOrigin {
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Expose-Headers", exposedHeaders)
		return "authorization, content-type, x-request-id", true
	}
	if len(e.CORSOrigins) == 0 {
		return "", false
	}
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(e.CORSOrigins, origin) {
		return "", false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Expose-Headers", exposedHeaders)
	return "authorization, *", true // the star is all other headers, such as SDKs add
}

// options says what is possible with a path, to a browser that asks before it sends the real request among others.
func (e *entrance) options(w http.ResponseWriter, allow, headers string, shared bool) {
	header := w.Header()
	header.Set("Allow", allow)
	if shared {
		header.Set("Access-Control-Allow-Methods", allow)
		header.Set("Access-Control-Allow-Headers", headers)
		header.Set("Access-Control-Max-Age", "86400")
	}
	w.WriteHeader(http.StatusNoContent)
}
