// Package signal speaks the native protocol, api/signalling.md, over websockets: it decodes requests, asks live, and
// writes replies and notices. It keeps nothing of a room.
//
// Per connection three goroutines run: the reader decodes frames into a bounded queue and answers pings at once; the
// performer, which is the goroutine of the HTTP request, carries out one request after the other and at the end takes
// the participant out; and the writer of ws renders what is queued. Replies are queued from within the session loop, at
// the moment the change takes effect, so that replies and notices stand in the order in which things happened.
//
//	hello ──▶ welcomed ──join──▶ in the session ──leave, close, removed──▶ gone
//	  └ refused ─────┴ refused (some refusals close) ──────────────────────▲
//
// A participant outlives its connection: the stay between the two hears the notices, and another connection may step in front of
// it (resume). A connection that was lost waits for that in the performer's goroutine, as long as Config.ResumeGrace. Why it is
// built like this is in docs/design/reconnect.md.
//
// [Handler.Close] ends the connections that are in no session; those in one end with it.
package signal
