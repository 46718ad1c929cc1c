package bandwidth

const (
	// contestLooks is for how long little is sent before it is judged whether the queue shrank (ns), and contestShrinks to what part it must.
	contestLooks   = 1e9
	contestShrinks = 0.7
	// A contest is over when the wait was below contestQueue for contestOver (ns).
	contestQueue = 20e6
	contestOver  = 2e9
	// It is doubted after contestDoubt, and for each time that it was one all the same after twice as long, up to contestSure (ns).
	contestDoubt = 20e9
	contestSure  = 60e9
	// contestStep is by how much more than twice what arrives the estimate may grow unproven (bit/s): enough for the lowest rung.
	contestStep = 150e3
)

// contest tells whether someone else keeps the queue full, such as a download. Whoever then yields to delay gets nothing: while it
// lasts only losses count. It judges by packets that were sent after less was: those before them still wait behind what was too much.
type contest struct {
	began  int64   // since when little is sent, 0 if it is not
	first  int64   // when the first packet was sent that came since
	wait   float64 // that it met
	ends   int64   // when the queue was first found short, 0 if it is not
	doubt  int64   // when to look again
	lasted int64   // how long it was believed the last time (ns), 0 for the first
	active bool
}

// begin notes that little is sent from now on, so that the queue should shrink.
func (c *contest) begin(now int64) { c.began, c.first = now, 0 }

// packet takes how long a packet waited that was sent at this time.
func (c *contest) packet(sent int64, wait float64) {
	switch {
	case c.began == 0 || sent < c.began:
	case c.first == 0:
		c.first, c.wait = sent, wait
	case sent-c.first >= contestLooks:
		c.began = 0
		if wait > contestShrinks*c.wait {
			c.active, c.ends = true, 0
			c.lasted = min(max(2*c.lasted, contestDoubt), contestSure)
			c.doubt = sent + c.lasted
		}
	}
}

func (c *contest) look(now int64, wait float64) {
	switch {
	case !c.active:
	case now >= c.doubt:
		c.active = false
	case wait >= contestQueue:
		c.ends = 0
	case c.ends == 0:
		c.ends = now
	case now-c.ends >= contestOver:
		c.active, c.lasted = false, 0
	}
}

func (c *contest) lasts() bool { return c.active }
