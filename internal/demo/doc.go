// Package demo is the smallest entrance: it hands out client tokens for the demo room to everyone who shows the secret of
// the demo link. It exists in demo mode only. The room is made when it is missing, so that deleting it does no harm.
//
// The handler runs no goroutine and may be called concurrently. cmd/rotunda mounts it.
package demo
