package quality

import (
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What counts as bad. Below these, people notice little: repair and concealment make up for it.
const (
	lossy       = 0.05                   // of the packets, on the way, repaired or not
	unrepaired  = 0.02                   // of the packets, for good
	interrupted = 0.05                   // of the time a picture stood still or sound was made up: half a second in ten
	slow        = 400 * time.Millisecond // a round trip at which people talk into each other
	uneven      = 60 * time.Millisecond  // jitter that makes players wait noticeably
	narrow      = 400_000                // bit/s: less carries no picture worth the name beside the sound
	fewPackets  = 50                     // of less, no rate says anything
	// patience is for how long what changes all the time has to be bad. Browsers call themselves limited by bandwidth while they begin.
	patience = 30 * time.Second
)

// sign is a sign of a fault that can be seen in one step. Of two of the same fault, the first that was seen counts.
type sign struct {
	code      video.FindingCode
	side      video.Side
	publishes bool
	unit      string
	least     time.Duration // for how long it has to be seen
	see       func(e *examination, step *video.QualityStep) (worst float64, seen bool)
}

var signs = []sign{
	{video.FoundUplinkLoss, video.SideNetwork, true, "ratio", 0, func(_ *examination, step *video.QualityStep) (float64, bool) {
		return uplinkLoss(step)
	}},
	{video.FoundUplinkNarrow, video.SideNetwork, true, "", patience, limitedBy(video.LimitedByBandwidth)},
	{video.FoundCPULimited, video.SideDevice, true, "", patience, limitedBy(video.LimitedByCPU)},
	{video.FoundDownlinkLoss, video.SideNetwork, false, "ratio", 0, (*examination).downlinkLoss},
	{video.FoundDownlinkNarrow, video.SideNetwork, false, "bps", 0, func(_ *examination, step *video.QualityStep) (float64, bool) {
		return heldBack(step)
	}},
	{video.FoundDownlinkNarrow, video.SideNetwork, false, "bps", patience, func(_ *examination, step *video.QualityStep) (float64, bool) {
		return narrowDownlink(step)
	}},
	{video.FoundHighRoundTrip, video.SideNetwork, false, "ms", patience, func(_ *examination, step *video.QualityStep) (float64, bool) {
		d := roundTrip(step)
		return float64(d / time.Millisecond), d >= slow
	}},
	{video.FoundJitter, video.SideNetwork, false, "ms", patience, func(_ *examination, step *video.QualityStep) (float64, bool) {
		d := jitter(step)
		return float64(d / time.Millisecond), d >= uneven
	}},
	{video.FoundRelay, video.SideNetwork, false, "", 0, func(_ *examination, step *video.QualityStep) (float64, bool) {
		return 0, detour(step) != ""
	}},
}

// tracks are those of a sample on one of its ways; of no sample, none.
func tracks(s *video.QualitySample, publishes bool) (some []*video.TrackQuality) {
	if s == nil {
		return nil
	}
	for i := range s.Tracks {
		if s.Tracks[i].Publishes == publishes {
			some = append(some, &s.Tracks[i])
		}
	}
	return some
}

// uplinkLoss is what got lost on the way to the server. The server knows it; what came after it was asked for was lost on the way all the same.
func uplinkLoss(step *video.QualityStep) (float64, bool) {
	var lost, repaired, all int64
	for _, t := range tracks(step.ByServer, true) {
		lost, repaired, all = lost+t.Lost, repaired+t.Repaired, all+t.Packets+t.Lost
	}
	if all < fewPackets {
		return 0, false
	}
	onTheWay, forGood := float64(lost+repaired)/float64(all), float64(lost)/float64(all)
	return min(onTheWay, 1), onTheWay >= lossy || forGood >= unrepaired
}

// downlinkLoss is what got lost on the way from the server: what the client missed, without what had not come to the server either.
func (e *examination) downlinkLoss(step *video.QualityStep) (float64, bool) {
	sample, by := step.ByClient, video.QualityByClient
	if len(tracks(sample, false)) == 0 {
		sample, by = step.ByServer, video.QualityByServer
	}
	var lost, all float64
	for _, t := range tracks(sample, false) {
		n := float64(t.Packets)
		if by == video.QualityByClient {
			n += float64(t.Lost)
		}
		all += n
		lost += max(float64(t.Lost)-n*e.lostBefore(t, step.At), 0)
	}
	if all < fewPackets {
		return 0, false
	}
	return min(lost/all, 1), lost/all >= lossy
}

// lostBefore is the part of a received track's packets that never came to the server.
func (e *examination) lostBefore(t *video.TrackQuality, at time.Time) float64 {
	other := e.others[t.PublisherID][at.Unix()]
	if other == nil {
		return 0
	}
	worst := 0.0
	for _, theirs := range tracks(other.ByServer, true) {
		if theirs.StreamID == t.StreamID && theirs.Kind == t.Kind {
			worst = max(worst, theirs.Loss(video.QualityByServer))
		}
	}
	return worst
}

func limitedBy(what video.Limitation) func(*examination, *video.QualityStep) (float64, bool) {
	return func(_ *examination, step *video.QualityStep) (float64, bool) {
		for _, t := range tracks(step.ByClient, true) {
			if t.Kind == video.Video && t.LimitedBy == what && t.Packets > 0 {
				return 0, true
			}
		}
		return 0, false
	}
}

// heldBack reports whether the server held pictures back, and what the way carried.
func heldBack(step *video.QualityStep) (available float64, seen bool) {
	for _, t := range tracks(step.ByServer, false) {
		if t.Paused > 0 {
			return float64(step.ByServer.Available), true
		}
	}
	return 0, false
}

// narrowDownlink reports whether the way carried too little for the pictures that went over it. Estimates begin low.
func narrowDownlink(step *video.QualityStep) (available float64, seen bool) {
	for _, t := range tracks(step.ByServer, false) {
		if t.Kind == video.Video && t.Packets > 0 && step.ByServer.Available > 0 && step.ByServer.Available < narrow {
			return float64(step.ByServer.Available), true
		}
	}
	return 0, false
}

func roundTrip(step *video.QualityStep) time.Duration {
	for _, s := range []*video.QualitySample{step.ByClient, step.ByServer} {
		if s != nil && s.RoundTrip > 0 {
			return s.RoundTrip
		}
	}
	return 0
}

// jitter is the worst at either end.
func jitter(step *video.QualityStep) (worst time.Duration) {
	for _, t := range append(tracks(step.ByServer, true), tracks(step.ByClient, false)...) {
		worst = max(worst, t.Jitter)
	}
	return worst
}

// detour is the path of a step whose media does not go straight by UDP, else empty.
func detour(step *video.QualityStep) video.Path {
	for _, s := range []*video.QualitySample{step.ByClient, step.ByServer} {
		if s != nil && s.Path != "" {
			if s.Path == video.PathUDP {
				return ""
			}
			return s.Path
		}
	}
	return ""
}

// mostInterrupted is whose picture stood still, or whose sound was made up, for the largest part of a step.
func (e *examination) mostInterrupted(step *video.QualityStep) (publisher video.ParticipantID, worst float64) {
	if step.ByClient == nil || step.ByClient.Interval <= 0 {
		return "", 0
	}
	for _, t := range tracks(step.ByClient, false) {
		if part := float64(max(t.Frozen, t.Concealed)) / float64(step.ByClient.Interval); part > worst {
			publisher, worst = t.PublisherID, part
		}
	}
	return publisher, min(worst, 1)
}

// publishedBadly reports whether what somebody published in a step, or the one before, got lost before it came to the server.
func (e *examination) publishedBadly(publisher video.ParticipantID, at time.Time) bool {
	for _, at := range []time.Time{at, at.Add(-e.Resolution)} {
		if other := e.others[publisher][at.Unix()]; other != nil {
			if _, bad := uplinkLoss(other); bad {
				return true
			}
		}
	}
	return false
}
