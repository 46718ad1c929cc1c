// Package mixer mixes the sound of a session: Opus in, Opus out, to each listener everybody but itself. docs/design/mixer.md has the
// reasons.
//
// An [Engine] is a node's, a [Mix] a session's. A mix has one goroutine, which Open starts and Close awaits; it owns all decoders, jitter
// buffers and encoders. It is fed by [Source]s, whose Take runs on the media path and only copies, and by asks: AddSource, AddListener, SetOn and
// Close wait for the loop, for as long as a frame takes at most. It calls each [Receiver].
//
//	media path → Source.Take → queue → source (jitter buffer, decoder) → participant → output (limiter, encoder) → Receiver.Send
//
// A participant without a mix leg is heard through its streams; one with a leg that is on, through that alone. The caller says what
// is on: it switches off what is censored or disabled.
package mixer
