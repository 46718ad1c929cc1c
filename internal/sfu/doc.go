// Package sfu forwards media: it terminates ICE, DTLS and SRTP for each connection and passes RTP packets on to those
// who subscribed, all over one UDP port.
//
// What it offers upward is one Transport per connection (see transport.go for its calls); transports of the same
// session find each other's streams through a router. It speaks of sessions, streams and lines only by their ids.
//
// # Goroutines
//
//   - One reader per socket (socket.go). It takes a packet from the socket, decrypts it, and forwards it to every
//     subscriber before it reads the next: run to completion, no queue and no goroutine per subscriber. A remote
//     address always arrives at the same socket, so a publisher's packets keep their order.
//   - One ticker per engine (ticker.go): repair requests, feedback, reports, keyframe repetition, dead connections.
//   - One per DTLS connection (dtls.go): the handshake, then waiting for the peer's close.
//
// # Locks
//
// They are taken in this order and never in another:
//
//	router.mu    one session: lines, streams, subscriptions. Never taken by a reader.
//	inbound.mu   one connection's receiving side: its sources, their loss and feedback. Once per received packet.
//	outbound.mu  one connection's sending side: SRTP keys, forwarders. Once per packet and receiver.
//	Engine.mu    who there is, by credentials and by address. Per packet for reading, and let go before any other is taken.
//	iceLite.mu   one connection's credentials and paths. Per ICE check and per offer.
//	History.mu   one layer's stored packets, in package packet.
//	told.mu      what was told upward of one connection's path. The updates are called under it, which lock nothing of ours.
//
// The last four are leaves: nothing else is locked under them. No two locks of the same kind are ever held together. Gates, keyframe wishes and layer wishes are atomics.
//
// A tap (tap.go) is where a track is recorded: beside the forwarders, and called after them with inbound.mu held, so that
// nothing is taken any more once it was taken off under that lock. What it calls must not come back for more than a keyframe.
//
// # Closing
//
//	Engine.Close → Transport.Close → DTLS close_notify, lines freed, router told
//	             → readers and ticker end, sockets closed
package sfu
