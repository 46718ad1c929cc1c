package bandwidth

// usage is what the delays say of the path.
type usage uint8

const (
	normal usage = iota
	under        // a queue empties
	over         // a queue grows
)

const (
	// groupSpan is how far apart packets of one group are sent at most (ns). A group is judged as a whole: its packets queue up
	// behind one another even on an idle path.
	groupSpan = 5e6
	// bunchSpan is how far apart packets of one group are sent at most if they came in a bunch (ns).
	bunchSpan = 100e6
	// trendGroups is the number of groups a line is laid through.
	trendGroups = 20
	// trendSmoothing is the weight of the past in the accumulated delay.
	trendSmoothing = 0.9
	// trendGain scales the slope to the threshold; it counts more the more groups there are, up to trendCertain.
	trendGain    = 4
	trendCertain = 60

	// The threshold (ms) follows the trend, slowly up and faster down, so that a competing flow that fills the queue does not
	// push us out, and a quiet path is watched closely (draft-ietf-rmcat-gcc-02 section 5.4).
	thresholdStart = 12.5
	thresholdLeast = 6
	thresholdMost  = 600
	thresholdUp    = 0.0087
	thresholdDown  = 0.039
	thresholdJump  = 15 // what is further off is an outlier, and not followed

	// overLasts is how long the trend must be above the threshold (ms).
	overLasts = 10
	// trendForgets is the gap in the arrivals after which what was before says nothing (ns).
	trendForgets = 2e9
)

// group is packets sent close together.
type group struct {
	first, sent, arrived int64 // when its first packet left, when its last did, and when that arrived
}

// trend watches how the delay between groups of packets changes: the arrival-time filter of draft-ietf-rmcat-gcc-02 with a line
// through the accumulated delays in place of the Kalman filter.
type trend struct {
	current, last group
	groups        int // seen, of no more than trendCertain is the number told

	accumulated, smoothed float64 // delay (ms)
	began                 int64   // arrival of the first group
	x, y                  [trendGroups]float64
	filled, at            int

	threshold float64
	adapted   int64 // when the threshold was last moved
	above     float64
	times     int
	slope     float64
	usage     usage
}

// packet takes a packet that arrived.
func (t *trend) packet(sent, arrived int64) {
	switch {
	case t.current.sent == 0 || arrived-t.current.arrived > trendForgets || t.current.arrived-arrived > trendForgets:
		*t = trend{current: group{sent, sent, arrived}, threshold: max(t.threshold, thresholdStart)}
		return
	case sent < t.current.first:
		return // overtaken
	case sent-t.current.first <= groupSpan || t.bunched(sent, arrived):
		t.current.sent, t.current.arrived = max(t.current.sent, sent), max(t.current.arrived, arrived)
		return
	}
	if t.last.sent != 0 {
		t.group(float64(t.current.sent-t.last.sent)/1e6, float64(t.current.arrived-t.last.arrived)/1e6)
	}
	t.last, t.current = t.current, group{sent, sent, arrived}
}

// bunched reports whether a packet came right behind the group although it was sent later: both waited for the same thing, such as
// the receiver's thread, and say nothing of the path.
func (t *trend) bunched(sent, arrived int64) bool {
	gap := arrived - t.current.arrived
	return gap <= groupSpan && gap < sent-t.current.sent && sent-t.current.first < bunchSpan
}

// group takes how far a group was sent and arrived behind the one before it (ms).
func (t *trend) group(sent, arrived float64) {
	now := float64(t.current.arrived-t.began) / 1e6
	if t.groups == 0 {
		t.began, now = t.current.arrived, 0
	}
	t.groups++
	t.accumulated += arrived - sent
	t.smoothed = trendSmoothing*t.smoothed + (1-trendSmoothing)*t.accumulated
	t.x[t.at], t.y[t.at] = now, t.smoothed
	t.at = (t.at + 1) % trendGroups
	t.filled = min(t.filled+1, trendGroups)
	slope := t.slope
	if t.filled == trendGroups {
		slope = t.fit()
	}
	t.judge(slope, sent)
}

// fit returns the slope of the line through the groups by least squares.
func (t *trend) fit() float64 {
	var x, y float64
	for i := range trendGroups {
		x += t.x[i]
		y += t.y[i]
	}
	x, y = x/trendGroups, y/trendGroups
	var up, down float64
	for i := range trendGroups {
		up += (t.x[i] - x) * (t.y[i] - y)
		down += (t.x[i] - x) * (t.x[i] - x)
	}
	if down == 0 {
		return t.slope
	}
	return up / down
}

// judge holds the slope against the threshold.
func (t *trend) judge(slope, sent float64) {
	value := float64(min(t.groups, trendCertain)) * slope * trendGain
	switch {
	case value > t.threshold:
		t.above += sent
		t.times++
		if t.above > overLasts && t.times > 1 && slope >= t.slope {
			t.above, t.times, t.usage = 0, 0, over
		}
	case value < -t.threshold:
		t.above, t.times, t.usage = 0, 0, under
	default:
		t.above, t.times, t.usage = 0, 0, normal
	}
	t.slope = slope
	t.adapt(value)
}

func (t *trend) adapt(value float64) {
	passed := min(float64(t.current.arrived-t.adapted)/1e6, 100)
	if t.adapted == 0 {
		passed = 0
	}
	t.adapted = t.current.arrived
	off := max(value, -value)
	if off > t.threshold+thresholdJump {
		return
	}
	k := thresholdDown
	if off > t.threshold {
		k = thresholdUp
	}
	t.threshold = min(max(t.threshold+k*(off-t.threshold)*passed, thresholdLeast), thresholdMost)
}
