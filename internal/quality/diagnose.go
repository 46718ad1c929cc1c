package quality

import (
	"cmp"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Case is what there is to judge somebody's media by.
type Case struct {
	Steps      []video.QualityStep // oldest first
	Resolution time.Duration       // how long a step is
	// Others are the steps of those whose streams were received, for what got lost before it came to the server. It may lack some.
	Others map[video.ParticipantID][]video.QualityStep
	// Lost are the spans in which the connection was lost, oldest first.
	Lost []video.Span
}

// Diagnose says what went wrong, and on whose side. It judges what both ends measured, step by step: each sign of a fault that was seen for long
// enough is a finding.
func Diagnose(c Case) video.Diagnosis {
	d := video.Diagnosis{Resolution: c.Resolution, Findings: []video.Finding{}}
	if n := len(c.Steps); n > 0 {
		d.Measured = video.Span{From: c.Steps[0].At, Until: c.Steps[n-1].At.Add(c.Resolution)}
	}
	e := newExamination(c)
	d.Findings = append(d.Findings, e.connection()...)
	for _, s := range signs {
		f := e.look(s)
		known := slices.ContainsFunc(d.Findings, func(other video.Finding) bool { return other.Code == f.Code })
		if len(f.Spans) > 0 && f.Duration() >= s.least && !known {
			d.Findings = append(d.Findings, f)
		}
	}
	d.Findings = append(d.Findings, e.interruptions(d.Findings)...)
	slices.SortStableFunc(d.Findings, func(a, b video.Finding) int { return cmp.Compare(badness(b), badness(a)) })
	d.Side = video.SideNone
	if len(d.Findings) > 0 && d.Findings[0].Code != video.FoundRelay {
		d.Side = d.Findings[0].Side
	}
	for i := range d.Findings {
		d.Findings[i].Text = inWords(d.Findings[i])
	}
	d.Sentence = sentence(d, c)
	return d
}

// weights say how bad a second of each fault is.
var weights = map[video.FindingCode]float64{
	video.FoundConnectionLost: 20, video.FoundUplinkLoss: 5, video.FoundDownlinkLoss: 5, video.FoundPublisher: 4, video.FoundDownlinkNarrow: 4,
	video.FoundUplinkNarrow: 3, video.FoundCPULimited: 3, video.FoundInterrupted: 2, video.FoundHighRoundTrip: 1, video.FoundJitter: 1,
	video.FoundRelay: 0.001,
}

func badness(f video.Finding) float64 { return weights[f.Code] * f.Duration().Seconds() }

// examination is a case on the table.
type examination struct {
	Case
	others map[video.ParticipantID]map[int64]*video.QualityStep // by when they began
}

func newExamination(c Case) *examination {
	e := &examination{Case: c, others: make(map[video.ParticipantID]map[int64]*video.QualityStep)}
	for id, steps := range c.Others {
		e.others[id] = make(map[int64]*video.QualityStep, len(steps))
		for i := range steps {
			e.others[id][steps[i].At.Unix()] = &steps[i]
		}
	}
	return e
}

// look finds the steps that have a sign.
func (e *examination) look(s sign) video.Finding {
	f := video.Finding{Code: s.code, Side: s.side, Publishes: s.publishes, Unit: s.unit}
	for i := range e.Steps {
		if worst, seen := s.see(e, &e.Steps[i]); seen {
			e.extend(&f, &e.Steps[i], worst)
		}
	}
	return f
}

// extend adds a step to a finding.
func (e *examination) extend(f *video.Finding, step *video.QualityStep, worst float64) {
	switch {
	case len(f.Spans) == 0:
		f.Worst = worst
	case f.Code == video.FoundDownlinkNarrow:
		f.Worst = min(f.Worst, worst)
	default:
		f.Worst = max(f.Worst, worst)
	}
	until := step.At.Add(e.Resolution)
	if n := len(f.Spans); n > 0 && f.Spans[n-1].Until.Equal(step.At) {
		f.Spans[n-1].Until = until
		return
	}
	f.Spans = append(f.Spans, video.Span{From: step.At, Until: until})
}

// connection is the finding that the connection was lost, if it was.
func (e *examination) connection() []video.Finding {
	if len(e.Lost) == 0 {
		return nil
	}
	f := video.Finding{Code: video.FoundConnectionLost, Side: video.SideNetwork, Unit: "ms", Spans: e.Lost}
	for _, span := range e.Lost {
		f.Worst = max(f.Worst, float64(span.Until.Sub(span.From)/time.Millisecond))
	}
	return []video.Finding{f}
}

// interruptions are the steps in which something froze, and no fault of the participant's own explains it: by whose stream it was where that one's
// way to the server was bad, else without a reason.
func (e *examination) interruptions(own []video.Finding) []video.Finding {
	byPublisher := map[video.ParticipantID]*video.Finding{}
	unexplained := &video.Finding{Code: video.FoundInterrupted, Side: video.SideUnknown, Unit: "ratio"}
	var order []*video.Finding
	for i := range e.Steps {
		step := &e.Steps[i]
		publisher, worst := e.mostInterrupted(step)
		if worst < interrupted || explained(own, step.At, e.Resolution) {
			continue
		}
		f := unexplained
		if e.publishedBadly(publisher, step.At) {
			if byPublisher[publisher] == nil {
				byPublisher[publisher] = &video.Finding{Code: video.FoundPublisher, Side: video.SideOther, PublisherID: publisher, Unit: "ratio"}
				order = append(order, byPublisher[publisher])
			}
			f = byPublisher[publisher]
		}
		e.extend(f, step, worst)
	}
	found := make([]video.Finding, 0, len(order)+1)
	for _, f := range append(order, unexplained) {
		if len(f.Spans) > 0 {
			found = append(found, *f)
		}
	}
	return found
}

// explained reports whether a fault of what the participant receives was seen in a step.
func explained(found []video.Finding, at time.Time, resolution time.Duration) bool {
	return slices.ContainsFunc(found, func(f video.Finding) bool {
		switch f.Code {
		case video.FoundConnectionLost, video.FoundDownlinkLoss, video.FoundDownlinkNarrow:
			return slices.ContainsFunc(f.Spans, func(s video.Span) bool {
				// One step more: what was lost at the end of one is seen to freeze in the next.
				return s.From.Before(at.Add(resolution)) && s.Until.Add(resolution).After(at)
			})
		}
		return false
	})
}
