// Package rest is the REST entrance: it authenticates, decodes and checks requests, asks the floors below, and renders
// their answers as api/openapi.yaml describes them.
//
// The handler made by New holds no state that changes, but the count of refreshes by address, and starts no goroutine; it
// may be called concurrently. The
// document is loaded when the handler is made: bodies are checked against its schemas, and an operation that is routed but
// not documented, or the other way round, is an error there.
package rest
