package bandwidth

// queueMemory is for how long, once or twice, the shortest delay is remembered (ns). A queue that stands for longer is not ours
// to empty, and clocks that drift apart do not look like one.
const queueMemory = 10e9

// queue tells how long packets wait on the path at present, above the shortest delay of late. Neither clock need be right.
type queue struct {
	since            int64 // when the present period began, by the receiver's clock
	least, before    int64 // delay of the present period and the one before
	started, hasPast bool
	smoothed         float64
}

func (q *queue) add(sent, arrived int64) {
	delay := arrived - sent
	switch {
	case !q.started:
		*q = queue{since: arrived, least: delay, started: true}
	case arrived-q.since > 2*queueMemory:
		*q = queue{since: arrived, least: delay, started: true}
	case arrived-q.since > queueMemory:
		q.since, q.before, q.hasPast, q.least = arrived, q.least, true, delay
	default:
		q.least = min(q.least, delay)
	}
	base := q.least
	if q.hasPast {
		base = min(base, q.before)
	}
	q.smoothed += (float64(delay-base) - q.smoothed) / 4
}

// wait returns for how long packets wait now (ns).
func (q *queue) wait() float64 { return q.smoothed }
