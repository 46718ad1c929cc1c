// Package packet reads RTP packets and what surrounds them: headers, sequence numbers, codec descriptors, loss and
// history. Everything here is pure: no sockets, no goroutines, no clock of its own (times are passed in). What comes
// from the network is checked before it is believed, and the parsers are fuzzed.
package packet
