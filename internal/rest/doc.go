// Package rest is the REST entrance: it authenticates, decodes and checks requests, asks the floors below, and renders
// their answers as api/openapi.yaml describes them.
//
// The handler made by New starts no goroutine and may be called concurrently. Its only state that changes is what it counts, by
// address (auth.Visitors) and by API key (rateLimit), and which requests with an idempotency key are under way (flights).
// The document is loaded when the handler is made: bodies are checked against its schemas, and an operation that is routed
// but not documented, or the other way round, or whose protection is not as documented, is an error there.
package rest
