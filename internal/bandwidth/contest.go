package bandwidth

const (
	// contestLooks is how long a queue is given to shrink when we send little (ns), and contestShrinks by how much it must.
	contestLooks   = 1e9
	contestShrinks = 0.7
	// A contest is over when the wait was below contestQueue for contestOver (ns).
	contestQueue = 20e6
	contestOver  = 2e9
)

// contest tells whether someone else keeps the queue full, such as a download. Whoever then yields to delay gets nothing: while it
// lasts only losses count.
type contest struct {
	began, ends int64 // when we began to send little; when the queue was first found short, 0 if it is not
	wait        float64
	active      bool
}

// begin notes that little is sent from now on, so that the queue should shrink.
func (c *contest) begin(now int64, wait float64) { c.began, c.wait = now, wait }

func (c *contest) look(now int64, wait float64) {
	if c.began != 0 && now-c.began >= contestLooks {
		c.active, c.ends = c.active || wait > contestShrinks*c.wait, 0
		c.began = 0
	}
	switch {
	case !c.active:
	case wait >= contestQueue:
		c.ends = 0
	case c.ends == 0:
		c.ends = now
	case now-c.ends >= contestOver:
		c.active = false
	}
}

func (c *contest) lasts() bool { return c.active }
