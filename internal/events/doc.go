// Package events delivers what happened to the webhooks of those who want to know: outbox → the world.
//
// A delivery is a row of the outbox, written in the transaction of the change it tells of. The Relay claims rows that are
// due, makes one attempt each, and settles what came of them; the schedule says when and where the next attempt is. What
// was claimed and not settled when a process died is due again when the next one starts. So an event is delivered at least
// once, and twice only if its request may have been sent.
//
// One goroutine, the dispatcher, owns all state: which endpoints there are, how many attempts each has under way, what waits
// for a place. It starts an attempt's goroutine only where there is a place for it, and awaits them all before it ends.
//
//	          claim                 place is free              answer, error, time is up
//	due row ────────▶ queued at its endpoint ────────▶ under way ────────▶ settled: delivered, failed, or due again
//
// An endpoint is a URL. It has placesPerEndpoint attempts under way at most, and one while its last attempt ran out of time;
// endpoints of the second kind together take half of all places. Hence one that hangs costs its own places and
// delays no other.
//
// Callers are the command, which starts and closes the Relay. Everything it needs of others is in Outbox and Signer.
package events
