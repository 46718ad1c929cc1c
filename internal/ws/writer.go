package ws

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// run is the writer, and owns the pinger.
func (c *Conn) run() {
	defer close(c.closed)
	var pinger sync.WaitGroup
	pinger.Go(c.ping)
	defer pinger.Wait()
	c.write()
	why := c.why()
	if why.Lost() {
		_ = c.socket.CloseNow() // nobody is there to hear a reason
		return
	}
	_ = c.socket.Close(websocket.StatusCode(why.Code), why.Reason)
}

// write sends what is queued until the connection is closing and the queue is empty, or the socket fails.
func (c *Conn) write() {
	var buf []byte
	for {
		f, open := c.next()
		switch {
		case f != nil:
			buf = f.AppendTo(buf[:0])
			if c.socket.Write(context.Background(), websocket.MessageText, buf) != nil {
				// Why is for the reader to say: a close frame of the peer may have come before.
				_ = c.net.SetReadDeadline(time.Now().Add(c.config.CloseTimeout))
				<-c.shutting
				return
			}
			if cap(buf) > keepBuffer {
				buf = nil
			}
		case !open:
			return
		default:
			select {
			case <-c.wake:
			case <-c.shutting:
			}
		}
	}
}

// keepBuffer is the largest buffer the writer keeps between frames.
const keepBuffer = 16 << 10

func (c *Conn) next() (f Frame, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue = nil
		return nil, c.closing == nil
	}
	f = c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	c.bytes -= f.Size()
	return f, true
}

// ping asks the peer for a sign of life, one ping at a time.
func (c *Conn) ping() {
	ticker := time.NewTicker(c.config.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			// Not canceled when closing begins: that would break the handshake off. It ends with the socket.
			ctx, cancel := context.WithTimeout(context.Background(), c.config.Silence)
			_ = c.socket.Ping(ctx) // what matters is what was heard: the watchdog sees to it
			cancel()
		case <-c.shutting:
			return
		}
	}
}
