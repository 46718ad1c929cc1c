// Package loadtest plays the people of many rooms at once against a running server, over its REST API, the native signalling and real media,
// and measures what that takes: CPU per packet, latency, loss, the time of joins, memory.
//
// It must cost far less than the server it measures, so it has a client transport of its own instead of a PeerConnection for each participant
// (transport.go), counts most packets by their clear headers and decrypts few (receiver.go), and sends a frame's packets in one system
// call (sender.go, socket_linux.go).
//
// # Goroutines
//
//   - One for each loop (loop.go), of which there is one to two processors: it owns the media of its participants, reads their sockets every
//     four milliseconds and sends what is due. Others hand it functions to run.
//   - Two for each participant (participant.go): one has its life, one reads its signalling socket. While it connects a third shakes hands.
//   - One that tells the progress (progress.go).
//
// Run ends when all of them have.
package loadtest
