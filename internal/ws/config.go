package ws

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Closing is the code and reason of a close frame (RFC 6455, section 7.4).
type Closing struct {
	Code   int
	Reason string // at most 123 bytes
}

// Config sets the limits of a connection, and with which close they are enforced. A zero limit means the default.
type Config struct {
	Subprotocols []string // those the server speaks, best first
	Origins      []string // host patterns of allowed origins, as path.Match has them; none allows any

	FrameBytes   int64         // largest frame read; default 512 KiB
	QueueFrames  int           // frames that may wait for the writer; default 1,024
	QueueBytes   int           // bytes that may wait for the writer, unless it is one frame; default 4 MiB
	PingInterval time.Duration // default 3 s
	Silence      time.Duration // with nothing heard for so long the peer is gone; default 8 s
	Rate         rate.Limit    // frames read per second, sustained; default 100
	Burst        int           // default 400
	CloseTimeout time.Duration // for the last frames and the handshake; default 2 s

	TooLarge, Slow, Silent, Flood Closing
}

func (c Config) withDefaults() Config {
	set(&c.FrameBytes, 512<<10)
	set(&c.QueueFrames, 1024)
	set(&c.QueueBytes, 4<<20)
	set(&c.PingInterval, 3*time.Second)
	set(&c.Silence, 8*time.Second)
	set(&c.Rate, 100)
	set(&c.Burst, 400)
	set(&c.CloseTimeout, 2*time.Second)
	set(&c.TooLarge, Closing{1009, "frame_too_large"})
	set(&c.Slow, Closing{1008, "slow"})
	set(&c.Silent, Closing{1008, "silent"})
	set(&c.Flood, Closing{1008, "flood"})
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// codeLost stands for a connection that broke without a close frame (RFC 6455, section 7.1.5).
const codeLost = 1006

// CloseError says how a connection ended. Peer is set if it was the peer's doing: it closed with this code (1005 when it
// gave none), or, with 1006, it was lost.
type CloseError struct {
	Closing
	Peer  bool
	cause error
}

func (e *CloseError) Error() string {
	by := "us"
	if e.Peer {
		by = "the peer"
	}
	return fmt.Sprintf("websocket closed by %s: %d %s", by, e.Code, e.Reason)
}

// Unwrap returns the error of the socket, if there was one.
func (e *CloseError) Unwrap() error { return e.cause }

// Lost reports whether the connection broke without a close frame.
func (e *CloseError) Lost() bool { return e.Peer && e.Code == codeLost }
