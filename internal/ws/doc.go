// Package ws is one websocket of a client: a reader with limits, a bounded queue with a writer, pings, and a close that
// always completes. The entrances that speak over websockets (signal) accept connections here and give frames their
// meaning.
//
// Three things run per connection. The reader is the caller's own goroutine, in [Conn.Read]. The writer goroutine sends
// what was queued, then makes the close handshake, and is the last to end. The pinger goroutine asks the peer for a sign
// of life; a timer, the watchdog, ends the connection when there was none. [Conn.Close] awaits them.
//
//	open ──Close, a limit, silence──▶ closing ──queue flushed, handshake made, or CloseTimeout──▶ closed
//	  └────────────── peer closed, or lost ─────────────────────────────────────────────────────────▲
package ws
