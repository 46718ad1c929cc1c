// Package janus speaks the dialect of Janus 0.x that the Telnyx Video clients were built on, over websockets at /{room}/janus. It
// keeps nothing of a room: each connection translates what live tells it, with numbers of its own (docs/design/janus.md).
//
// Per connection three goroutines run: the reader decodes frames, answers keepalives and trickles at once, and queues the rest; the
// performer, which is the goroutine of the HTTP request, carries out one thing after the other, owns the handles, and at the end takes
// the participant out; and the writer of ws. What comes by the text channel, and what media connections tell, is queued for the
// performer too. Pushes are rendered in the session loop by the view, which that loop owns.
//
//	socket ──create──▶ session ──first attach──▶ admitted ──join on R──▶ participant ──destroy, close, removed──▶ gone
//	                             └ refused: a frame with status_code, then the close ─────────────────────────────▲
package janus
