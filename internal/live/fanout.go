package live

import "time"

// Lossy data goes to its receivers in a goroutine of its own: it is the only thing that one client may have sent to all others hundreds
// of times a second, and the loop has everything else to do meanwhile. A session sends it fanOutRate times a second, over a burst of
// fanOutBurst: 20 clients that each send 50 messages a second to 49 others. fanOutWaiting messages wait at most. What is beyond is dropped.
const (
	fanOutRate    = 50_000
	fanOutBurst   = 25_000
	fanOutWaiting = 256
)

// fanOut is that goroutine's queue. It is of the loop.
type fanOut struct {
	queue chan delivery // nil before the first message
	spent allowance
}

// delivery is a message and whom it goes to.
type delivery struct {
	message []byte
	to      []Transport
}

// deliverLossy hands a delivery on, unless there are too many. It runs in the loop.
func (s *session) deliverLossy(d delivery) {
	f := &s.fanOut
	full := f.queue != nil && len(f.queue) == cap(f.queue) // the newest is dropped, as on every hop
	if len(d.to) == 0 || full || !f.spent.spendOf(len(d.to), fanOutRate, fanOutBurst, time.Now()) {
		return
	}
	if f.queue == nil {
		queue := make(chan delivery, fanOutWaiting)
		f.queue = queue
		s.background.Go(func() {
			for d := range queue {
				s.guard(func() { d.send() })
			}
		})
	}
	f.queue <- d // nobody else puts anything there
}

func (d *delivery) send() {
	for _, t := range d.to {
		t.SendData(d.message)
	}
}

// stopFanOut ends the goroutine when it has sent what waits. It runs at the end of the loop.
func (s *session) stopFanOut() {
	if s.fanOut.queue != nil {
		close(s.fanOut.queue)
		s.fanOut.queue = nil
	}
}
