package rest

import (
	"context"
	"net/http"
	"time"
)

// push is an answer that goes on: a stream of server-sent events (HTML Living Standard, section 9.2) to one caller.
type push struct {
	ctx   context.Context
	out   http.ResponseWriter
	begun bool // something was sent
}

// send opens the stream if it is not yet, sends what there is at once, and reports whether the caller is still there.
func (p *push) send(content []byte) bool {
	if !p.begun {
		p.begun = true
		header := p.out.Header()
		header.Set("Content-Type", eventStream)
		header.Set("X-Accel-Buffering", "no") // nginx would keep events to itself
		p.out.WriteHeader(http.StatusOK)
	}
	control := http.NewResponseController(p.out)
	_ = control.SetWriteDeadline(time.Now().Add(sendTimeout)) // a recorder of tests has none
	_, err := p.out.Write(content)
	sent := err == nil && control.Flush() == nil && p.ctx.Err() == nil
	// HTTP/2 ends a stream at its deadline whether or not there was anything to send.
	_ = control.SetWriteDeadline(time.Now().Add(heartbeat + sendTimeout))
	return sent
}
