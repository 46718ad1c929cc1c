// Package quality keeps how well media went: what clients report of it, and what the server measured, for each participant
// (docs/design/quality.md). It is fed by sessions, as live tells of them, and by the media engine's totals.
//
// # Goroutines
//
// One, that of Run: every QualityInterval it reads the engine's totals and makes samples of them, and writes the minutes that are over.
// All else is done by whoever calls; nobody waits for the database but those who read from it.
//
// # Locks
//
// Keeper.mu guards who is there, their last samples, and what waits to be written. It is a leaf, and held for the time of a
// copy, never while something is encoded, written or asked of others.
package quality
