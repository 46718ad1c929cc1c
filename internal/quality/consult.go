package quality

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// maxSteps is how many steps a diagnosis is made of at most. Of a longer time it is made of the first.
	maxSteps = 2000
	// maxOthers is of how many publishers the figures are read beside, those first whose streams came worst.
	maxOthers = 6
)

// ResolutionFor is how long the steps of a diagnosis of so long a time are.
func ResolutionFor(long time.Duration) time.Duration {
	switch {
	case long <= 3*time.Hour:
		return video.QualityInterval
	case long <= 24*time.Hour:
		return time.Minute
	}
	return 10 * time.Minute
}

// Diagnose reads what was measured of a participant, and of those whose streams came badly, and says what went wrong (the function Diagnose). lost
// are the spans in which its connection was lost.
func (k *Keeper) Diagnose(ctx context.Context, query video.QualityQuery, lost []video.Span) (video.Diagnosis, error) {
	steps, err := k.all(ctx, query)
	if err != nil {
		return video.Diagnosis{}, err
	}
	c := Case{Steps: steps, Resolution: query.Resolution, Lost: lost, Others: make(map[video.ParticipantID][]video.QualityStep)}
	for _, publisher := range worstPublishers(steps) {
		query.ParticipantID = publisher
		if c.Others[publisher], err = k.all(ctx, query); err != nil {
			return video.Diagnosis{}, err
		}
	}
	return Diagnose(c), nil
}

// all are the steps of a query, without pages.
func (k *Keeper) all(ctx context.Context, query video.QualityQuery) (all []video.QualityStep, err error) {
	query.Limit = maxSteps / 2
	for len(all) < maxSteps {
		steps, next, err := k.Steps(ctx, query)
		if err != nil {
			return nil, err
		}
		all = append(all, steps...)
		if next.IsZero() {
			return all, nil
		}
		query.At.From = next
	}
	return all[:maxSteps], nil
}

// worstPublishers are those whose streams were interrupted or lost packets, the worst first.
func worstPublishers(steps []video.QualityStep) []video.ParticipantID {
	badly := map[video.ParticipantID]time.Duration{}
	for i := range steps {
		for _, t := range tracks(steps[i].ByClient, false) {
			if bad := t.Frozen + t.Concealed + time.Duration(t.Lost)*10*time.Millisecond; bad > 0 && t.PublisherID != "" {
				badly[t.PublisherID] += bad
			}
		}
	}
	worst := slices.SortedFunc(maps.Keys(badly), func(a, b video.ParticipantID) int {
		return cmp.Or(cmp.Compare(badly[b], badly[a]), cmp.Compare(a, b))
	})
	return worst[:min(len(worst), maxOthers)]
}
