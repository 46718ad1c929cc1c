package bandwidth

import "math"

const (
	// lossWindow is how long losses are counted before they are judged (ns); many are judged at once.
	lossWindow = 1e9
	// lossSettles is how long after a cut packets still leave at the former rate (ns).
	lossSettles = 200e6
	// lossLeast is how many packets make a judgement.
	lossLeast = 20
	// lossStays is the part of the loss that must stay after a cut for it to have another reason.
	lossStays = 0.7
	// lossCut is to what part of the former rate a cut must lead, to prove anything.
	lossCut = 0.9
	// lossExcess is the share beyond what the path always loses that counts as congestion, on top of what chance explains.
	lossExcess = 0.05
)

// loss tells losses of a full queue from those of a bad path. The second do not go away when less is sent: so after a cut for their
// sake the next window shows what they were.
type loss struct {
	since          int64 // when the window began
	received, lost int
	inherent       float64 // share that is lost at any rate
	cut            bool    // less is sent since then, to see whether less is lost
	was            float64 // share that was lost then
	rate           float64 // that was sent then
	undo           float64 // the estimate before that, 0 if there was none
	from           int64   // what was sent before that time does not count
}

// verdict is what a window says.
type verdict uint8

const (
	harmless  verdict = iota
	congested         // send less
	mistaken          // the path loses so much at any rate: send as before
)

// judge looks at the window, if it is time. It is told the rate that arrives.
func (l *loss) judge(now int64, arriving float64) verdict {
	n := l.received + l.lost
	if n < lossLeast {
		if l.since == 0 || n == 0 {
			l.since = now
		}
		return harmless
	}
	share := float64(l.lost) / float64(n)
	p := max(l.inherent, 0.02)
	chance := math.Sqrt(p * (1 - p) / float64(n))
	full := now-l.since >= lossWindow
	switch excess := share - l.inherent - lossExcess; {
	case excess > 3*chance && full && l.cut && share > lossStays*l.was && arriving/(1-share) < lossCut*l.rate:
		l.inherent, l.cut = share, false
		l.restart(now)
		return mistaken
	case excess > 3*chance && full || excess > 6*chance && !l.cut:
		l.was, l.rate = share, arriving/max(1-share, 0.01)
		l.restart(now)
		return congested
	case full:
		weight := 0.1
		if share < l.inherent {
			weight = 0.5
		}
		l.inherent += (share - l.inherent) * weight
		l.cut = false
		l.restart(now)
	}
	return harmless
}

// tries notes that less is sent from now on.
func (l *loss) tries(now int64, undo float64) { l.cut, l.undo, l.from = true, undo, now+lossSettles }

func (l *loss) restart(now int64) { l.since, l.received, l.lost = now, 0, 0 }
