//go:build linux

package main

import (
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// figures are a measurement in numbers. Of spans and shares of sound and picture, all are those of the viewer.
type figures struct {
	Scenario string `json:"scenario"`
	Side     side   `json:"side"` // who is behind the bad link
	Peer     string `json:"peer"`

	Join         float64 `json:"join_s"`         // from asking to join until the first picture
	Frames       int     `json:"frames"`         // decoded
	FrameRate    float64 `json:"frame_rate"`     // of pictures shown, a second, on average
	Freezes      int     `json:"freezes"`        // as the browser counts them
	FreezeTime   float64 `json:"freeze_s"`       // all of them together
	LongestGap   float64 `json:"longest_gap_s"`  // between two pictures, or the last and the end
	GapsOverHalf int     `json:"gaps_over_half"` // that were longer than half a second
	// Concealed is the share of the time for which sound was made up or missing; WorstSecond that of the worst second.
	Concealed   float64 `json:"concealed"`
	WorstSecond float64 `json:"worst_second_concealed"`
	BitRate     float64 `json:"bit_rate"`  // received, sound and picture, bit/s on average
	Height      int     `json:"height"`    // of the picture, the most usual one
	RTT         float64 `json:"rtt_ms"`    // of the viewer's connection, median
	NACKs       int     `json:"nacks"`     // that the viewer asked
	PLIs        int     `json:"plis"`      // likewise
	SentFrames  float64 `json:"sent_rate"` // pictures a second that the publisher encoded, in its busiest layer
	Busy        float64 `json:"busy"`      // share of the machine's processors in use
	QueueDelay  float64 `json:"queue_ms"`  // that media met at the link, 95th percentile
	LinkLoss    float64 `json:"link_loss"` // share of packets lost on media's way over the link
	LinkLate    float64 `json:"link_late"` // share of packets that the link passed on more than 1 ms late
	TCPBitRate  float64 `json:"tcp_rate"`  // of the competing flow while it ran, bit/s
	Changes     []after `json:"changes"`   // what came after each change
	Series      []point `json:"series"`    // one each 200 ms
	Gaps        []gap   `json:"gaps"`      // between pictures, longer than 250 ms
	Notes       []event `json:"notes"`     // of both pages
	Capacity    []step  `json:"capacity"`  // of the link
	Length      float64 `json:"length_s"`
}

// point is what was so in a piece of time, all from the beginning of the schedule.
type point struct {
	At        float64 `json:"at_s"`
	BitRate   float64 `json:"bit_rate"`
	FrameRate float64 `json:"frame_rate"` // pictures shown
	Concealed float64 `json:"concealed"`
	Height    int     `json:"height"`
	RTT       float64 `json:"rtt_ms"`
	Sent      float64 `json:"sent_bit_rate"` // by the publisher
	TCP       float64 `json:"tcp_rate"`
	Queue     float64 `json:"queue_ms"`
}

type gap struct {
	From  float64 `json:"from_s"`
	Until float64 `json:"until_s"`
}

type event struct {
	At   float64 `json:"at_s"`
	Who  string  `json:"who"`
	Text string  `json:"text"`
}

type step struct {
	At   float64 `json:"at_s"`
	Rate int64   `json:"rate"` // bit/s; 0 is no limit
	Down bool    `json:"outage"`
}

// after says how a call took a change of the link.
type after struct {
	At         float64 `json:"at_s"`
	LongestGap float64 `json:"longest_gap_s"` // without a picture, from then until the next change
	// Regained is after how long the rate was back at 80 % of what it was before the first change; -1 if it never was.
	Regained float64 `json:"regained_s"`
}

// reduce makes figures of what was taken.
func reduce(sc scenario, bad side, peer string, r *raw) (*figures, error) {
	schedule, err := sc.schedule()
	if err != nil {
		return nil, err
	}
	f := &figures{Scenario: sc.Name, Side: bad, Peer: peer, Length: sc.Length.Seconds(), Busy: r.busy}
	for _, s := range schedule {
		c := bad.conditions(s)
		f.Capacity = append(f.Capacity, step{s.At.Seconds(), c.Rate, c.Outage})
	}
	since := func(at float64) float64 { return at/1000 - float64(r.began.UnixNano())/1e9 }
	f.pictures(r, since)
	f.received(r.viewer, since)
	f.sent(r.publisher, since)
	f.overLink(sc, r)
	for _, page := range []struct {
		who   string
		notes []note
	}{{"viewer", r.viewer.Notes}, {"publisher", r.publisher.Notes}} {
		for _, n := range page.notes {
			f.Notes = append(f.Notes, event{since(n.At), page.who, n.Text})
		}
	}
	f.afterChanges(sc.changes(schedule))
	return f, nil
}

// pictures looks at when pictures were shown.
func (f *figures) pictures(r *raw, since func(float64) float64) {
	f.Join = (r.viewer.Frames[0] - float64(r.asked.UnixNano())/1e6) / 1000
	last, shown := 0.0, 0
	look := func(at float64) {
		if length := at - last; length > 0.25 {
			f.Gaps = append(f.Gaps, gap{last, at})
			f.LongestGap = max(f.LongestGap, length)
			if length > 0.5 {
				f.GapsOverHalf++
			}
		} else {
			f.LongestGap = max(f.LongestGap, length)
		}
		last = at
	}
	for _, frame := range r.viewer.Frames {
		if at := since(frame); at > 0 && at < f.Length {
			shown++
			look(at)
		}
	}
	look(f.Length)
	f.FrameRate = float64(shown) / f.Length
}

// rateIn is how many pictures a second were shown in the second that ends at a time.
func rateIn(frames []float64, since func(float64) float64, at float64) float64 {
	n := 0
	for _, frame := range frames {
		if t := since(frame); t > at-1 && t <= at {
			n++
		}
	}
	return float64(n)
}

// received adds up what the viewer's connections counted.
func (f *figures) received(t taken, since func(float64) float64) {
	var (
		sums              = counters{}
		before            total
		beforeAt          float64
		heights           = map[int]int{}
		rtts              []float64
		samples, expected float64
		concealed         float64
	)
	for _, s := range t.Samples {
		now := sums.add(s.Reports)
		at := since(s.At)
		if at <= 0 || at > f.Length {
			before, beforeAt = now, at
			continue
		}
		if at <= beforeAt { // a page that had no time asks twice at once
			continue
		}
		span := at - max(beforeAt, 0)
		p := point{At: at, Height: now.height, RTT: now.rtt * 1000, FrameRate: rateIn(t.Frames, since, at)}
		p.BitRate = 8 * (now.BytesReceived - before.BytesReceived) / span
		got, made := now.TotalSamplesReceived-before.TotalSamplesReceived, now.ConcealedSamples-before.ConcealedSamples
		p.Concealed = 1
		if got > 0 {
			p.Concealed = min(1, made/got) // the two are not counted at the same moment
		}
		samples, concealed, expected = samples+got, concealed+made, expected+48_000*span
		f.Frames += int(now.FramesDecoded - before.FramesDecoded)
		f.Freezes += int(now.FreezeCount - before.FreezeCount)
		f.FreezeTime += now.TotalFreezesDuration - before.TotalFreezesDuration
		f.NACKs += int(now.NackCount - before.NackCount)
		f.PLIs += int(now.PLICount - before.PLICount)
		f.BitRate += 8 * (now.BytesReceived - before.BytesReceived) / f.Length
		heights[now.height]++
		if now.rtt > 0 {
			rtts = append(rtts, p.RTT)
		}
		f.Series = append(f.Series, p)
		before, beforeAt = now, at
	}
	f.sound(samples, concealed, expected)
	f.Height, f.RTT = mostUsual(heights), quantile(rtts, 0.5)
}

// sound judges what was heard. Sound is played a little faster or slower as the buffer needs, so that a few samples less than expected are none missing.
func (f *figures) sound(samples, concealed, expected float64) {
	if missing := expected - samples; missing > 0.03*expected {
		concealed, samples = concealed+missing, expected
	}
	if samples > 0 {
		f.Concealed = concealed / samples
	}
	const second = int(time.Second / sampleEvery)
	for i := range f.Series {
		sum := 0.0
		for _, p := range f.Series[max(0, i-second+1) : i+1] {
			sum += p.Concealed
		}
		f.WorstSecond = max(f.WorstSecond, sum/float64(second))
	}
}

// sent adds up what the publisher sent, into the points that are there.
func (f *figures) sent(t taken, since func(float64) float64) {
	sums := counters{}
	var before total
	var beforeAt, encoded float64
	for _, s := range t.Samples {
		now, at := sums.add(s.Reports), since(s.At)
		if beforeAt > 0 && at > beforeAt && at <= f.Length {
			i := slices.IndexFunc(f.Series, func(p point) bool { return p.At >= at })
			if i >= 0 {
				f.Series[i].Sent = 8 * (now.BytesSent - before.BytesSent) / (at - beforeAt)
			}
			encoded += now.encoded - before.encoded
		}
		before, beforeAt = now, at
	}
	f.SentFrames = encoded / f.Length
}

// overLink looks at the link itself, into the points that are there.
func (f *figures) overLink(sc scenario, r *raw) {
	var queues []float64
	for i, s := range r.link {
		at, queue := s.at.Sub(r.began).Seconds(), float64(f.way(s).Backlog.Microseconds())/1000
		queues = append(queues, queue)
		if j := slices.IndexFunc(f.Series, func(p point) bool { return p.At >= at }); j >= 0 && i > 0 {
			f.Series[j].Queue = queue
			f.Series[j].TCP = float64(8*(s.tcp-r.link[i-1].tcp)) / s.at.Sub(r.link[i-1].at).Seconds()
		}
	}
	f.QueueDelay = quantile(queues, 0.95)
	first, last := f.way(r.link[0]), f.way(r.link[len(r.link)-1])
	if came := last.Came - first.Came; came > 0 {
		f.LinkLoss = float64(last.Lost+last.Overflown-first.Lost-first.Overflown) / float64(came)
	}
	if passed := last.Passed - first.Passed; passed > 0 {
		f.LinkLate = float64(last.Late-first.Late) / float64(passed)
	}
	if sc.TCPUntil > 0 {
		f.TCPBitRate = float64(8*r.link[len(r.link)-1].tcp) / (sc.TCPUntil - sc.TCPFrom).Seconds()
	}
}

// way is the state of the direction that media takes.
func (f *figures) way(s linkSample) link.State {
	if f.Side == viewerSide {
		return s.down
	}
	return s.up
}

func mostUsual(counts map[int]int) int {
	best := 0
	for value, n := range counts {
		if n > counts[best] {
			best = value
		}
	}
	return best
}

// quantile is 0 of nothing.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}
