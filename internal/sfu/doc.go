// Package sfu forwards media: it terminates ICE, DTLS and SRTP for each connection and passes RTP packets on to those
// who subscribed, all over one UDP port, and one of TCP for those whose networks let no UDP through.
//
// What it offers upward is one Transport per connection (see transport.go for its calls); transports of the same
// session find each other's streams through a router. It speaks of sessions, streams and lines only by their ids.
//
// # Goroutines
//
//   - One reader per socket (socket.go). It takes a burst of datagrams (receive_linux.go), decrypts each packet, decides who
//     gets it (forwarder.go) and seals it for them (seal.go) into its batch (batch.go), which is sent before the reader rests:
//     run to completion, no queue and no goroutine per subscriber. A remote address always arrives at the same socket, so a
//     publisher's packets keep their order. How much it has to do, and what it gives up when that is too much, is in overload.go.
//   - One ticker per engine (ticker.go): repair requests, feedback, reports, keyframe repetition, dead connections, and what each
//     client is sent in view of what its path carries (allocate.go, probe.go; docs/design/bandwidth.md).
//   - Two per connection of ICE-TCP (tcp_conn.go): one reads and takes what came to completion, as a reader does, one writes what
//     waits in the connection's queue (tcp_queue.go). One per listener accepts them (tcp.go).
//   - One per DTLS connection (dtls.go): the handshake, then passing on data until the peer closes.
//   - For a connection with data channels (data.go) one that accepts them, one for each that reads it, and those of the SCTP
//     library. The DTLS goroutine awaits them all.
//
// # Who offers
//
// Clients offer, and Negotiate answers. For clients of the Janus dialect the server offers (propose.go), and Accept takes the answer; a
// connection for text messages (text.go) has nothing but data channels.
//
// # Locks
//
// They are taken in this order and never in another:
//
//	router.mu     one session: lines, streams, subscriptions. Never taken by a reader.
//	router.media  one session: what packets meet, of all its connections. Once for a run of packets of a burst, and per tick.
//	Engine.mu     who there is, by credentials and by address. Per burst, if that changed, and let go before any other is taken.
//	iceLite.mu    one connection's credentials and paths. Per ICE check and per offer.
//	tcpPort.mu    which connections of ICE-TCP there are. When one begins or ends.
//	tcpQueue.mu   what waits for one of them. Per chain of a batch.
//	told.mu       what was told upward of one connection's path. The updates are called under it, which lock nothing of ours.
//
// The last five are leaves: nothing else is locked under them. No two locks of the same kind are ever held together. Gates are
// atomics.
//
// A mix (mix.go) is sent by the goroutine that makes it, with router.media held for each packet.
//
// A tap (tap.go) is where a track is recorded, or mixed: beside the forwarders, and called after them with router.media held, so that
// nothing is taken any more once it was taken off under that lock. What it calls must not come back.
//
// # Closing
//
//	Engine.Close → Transport.Close → DTLS close_notify, lines freed, router told
//	             → readers and ticker end, sockets closed
package sfu
