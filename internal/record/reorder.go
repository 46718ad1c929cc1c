package record

const (
	reorderWindow = 512   // packets
	reorderWait   = 500e6 // ns; repairs come within it
	farBehind     = 4096  // packets; what is older is not late, but of a sender that began anew
)

// reorder puts the packets of one layer into order. A packet waits for missing ones before it, at most reorderWait and
// reorderWindow packets long.
type reorder struct {
	deliver func(s *slot, lost uint64) // takes the slot; lost packets are missing before it
	late    func(s *slot)              // takes a slot that comes too late or twice

	started bool
	next    uint64 // number of the packet to be delivered next
	held    int
	slots   [reorderWindow]*slot // by number
	lost    uint64               // given up since the last delivery
	since   int64                // when the hole at next became known; valid while held > 0
}

// add takes a packet.
func (r *reorder) add(s *slot) {
	n := s.media.Number
	if r.started && n+farBehind < r.next {
		r.flush()
		r.started = false
	}
	switch {
	case !r.started:
		r.started, r.next = true, n
	case n < r.next:
		r.late(s)
		return
	}
	if n >= r.next+reorderWindow {
		r.skipTo(n - reorderWindow + 1)
	}
	if n == r.next {
		r.pass(s)
		r.run()
		return
	}
	if r.slots[n%reorderWindow] != nil {
		r.late(s)
		return
	}
	if r.held == 0 {
		r.since = s.media.Arrived
	}
	r.slots[n%reorderWindow] = s
	r.held++
}

func (r *reorder) pass(s *slot) {
	lost := r.lost
	r.lost = 0
	r.next++
	r.deliver(s, lost)
}

// run delivers what is in order now.
func (r *reorder) run() {
	delivered := false
	for r.held > 0 {
		at := r.next % reorderWindow
		s := r.slots[at]
		if s == nil {
			break
		}
		r.slots[at] = nil
		r.held--
		delivered = true
		r.pass(s)
	}
	if delivered && r.held > 0 { // another hole, known since the first packet behind it came
		r.since = 0
		for _, s := range r.slots {
			if s != nil && (r.since == 0 || s.media.Arrived < r.since) {
				r.since = s.media.Arrived
			}
		}
	}
}

// skipTo gives up what is missing before the number.
func (r *reorder) skipTo(number uint64) {
	for r.next < number {
		if r.held == 0 {
			r.lost += number - r.next
			r.next = number
			return
		}
		if r.slots[r.next%reorderWindow] == nil {
			r.lost++
			r.next++
			continue
		}
		r.run()
	}
	r.run()
}

// expire gives up what has been missing for too long.
func (r *reorder) expire(now int64) {
	for r.held > 0 && now-r.since >= reorderWait {
		r.skipHole()
	}
}

// skipHole gives up what is missing before the first packet that waits.
func (r *reorder) skipHole() {
	for r.slots[r.next%reorderWindow] == nil {
		r.lost++
		r.next++
	}
	r.run()
}

// flush delivers everything that waits.
func (r *reorder) flush() {
	for r.held > 0 {
		r.skipHole()
	}
}

// reset delivers everything that waits; what comes next is numbered otherwise.
func (r *reorder) reset() {
	r.flush()
	r.started, r.lost = false, 0
}
