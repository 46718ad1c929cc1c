// Package turn is the STUN and TURN server (RFC 8489, RFC 8656) for clients whose networks let them reach neither the media port over UDP nor
// that of ICE-TCP. It listens on UDP and TCP, and on TLS where there is a certificate.
//
// It relays to nowhere but our own media port: an allocation is a UDP socket that is connected to it (relay.go), so that even a
// client with good credentials reaches nothing else, and nobody else reaches the client. No port but those it listens on has to be open.
//
// Credentials (credentials.go) are made for one participant, and hold for a time. What each may have, and all together, is
// bounded (quota.go), and so is who may come in by TCP (door.go).
//
// # Goroutines
//
// One per UDP socket, per listener, per TCP connection and per allocation; they are the library's, and end with what they read.
// One per listener lets connections in (door.go), and one for each TLS handshake. All have ended, or are about to, when Close returns.
package turn
