// Package opus encodes and decodes Opus (RFC 6716): libopus as WebAssembly, run by wazero, so that the binary stays static.
// All sound is float32 at 48 kHz, interleaved if it is stereo, with full scale at 1.
//
// A [Library] is compiled once and shared. An [Instance] is a memory of its own in which encoders and decoders live; one
// goroutine uses it at a time. What peers send can harm nothing but the instance that decodes it: libopus cannot reach beyond
// its memory, and stops where it finds its state broken.
package opus
