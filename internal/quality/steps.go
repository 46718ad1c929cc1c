package quality

import (
	"context"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// maxRead is how many minutes one answer is made of at most: two days and a half.
	maxRead = 3600
	// overlap is by how much the samples of a minute may stand for a time outside of it.
	overlap = 2 * time.Minute
)

// Steps returns what was measured of a participant, oldest first, and from where to go on: zero when there is no more. A step of which
// only a part was read is left out, and comes first the next time.
func (k *Keeper) Steps(ctx context.Context, query video.QualityQuery) (steps []video.QualityStep, next time.Time, err error) {
	if !query.At.From.IsZero() {
		query.At.From = query.At.From.Add(query.Resolution - 1).Truncate(query.Resolution)
	}
	minutes, read, err := k.minutes(ctx, query)
	if err != nil {
		return nil, time.Time{}, err
	}
	made := map[time.Time]*gathering{}
	for _, m := range minutes {
		for i := range m.samples {
			at := middle(&m.samples[i]).Truncate(query.Resolution).UTC()
			if at.Before(query.At.From) || !query.At.Until.IsZero() && !at.Before(query.At.Until) {
				continue
			}
			if made[at] == nil {
				made[at] = &gathering{at: at}
			}
			made[at].add(m.client, &m.samples[i])
		}
	}
	ordered := make([]*gathering, 0, len(made))
	for _, step := range made {
		ordered = append(ordered, step)
	}
	slices.SortFunc(ordered, func(a, b *gathering) int { return a.at.Compare(b.at) })
	steps = make([]video.QualityStep, 0, query.Limit)
	for _, step := range ordered {
		if len(steps) == query.Limit {
			return steps, step.at, nil
		}
		steps = append(steps, step.step())
	}
	if read.IsZero() {
		return steps, time.Time{}, nil
	}
	next = read.Add(-overlap).Truncate(query.Resolution).UTC() // later minutes may still add to steps from then on
	return slices.DeleteFunc(steps, func(s video.QualityStep) bool { return !s.At.Before(next) }), next, nil
}

// minutes reads what there may be in the query's span, from memory and from the store, oldest first. read is when the last began if there
// may be later ones, else zero.
func (k *Keeper) minutes(ctx context.Context, query video.QualityQuery) (minutes []kept, read time.Time, err error) {
	span := query.At
	if !span.From.IsZero() {
		span.From = span.From.Add(-overlap)
	}
	if !span.Until.IsZero() {
		span.Until = span.Until.Add(query.Resolution + overlap)
	}
	limit := min(query.Limit*int(max(query.Resolution/time.Minute, 1))+int((query.Resolution+3*overlap)/time.Minute), maxRead)
	recent := k.recent(query, span) // first: what is written meanwhile is then read twice, and not never
	rows, err := k.config.Store.QualityMinutes(ctx, video.QualityMinutesQuery{
		AccountID: query.AccountID, ParticipantID: query.ParticipantID, At: span, Limit: limit,
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, row := range rows {
		m, err := decode(row.Data, row.At)
		if err != nil {
			k.config.Logger.Warn("figures of media quality cannot be read", "participant", row.ParticipantID, "minute", row.At, "error", err)
			continue
		}
		minutes = append(minutes, kept{participant: row.ParticipantID, began: row.At, minute: m})
	}
	if len(rows) == limit {
		return minutes, rows[limit-1].At, nil
	}
	for _, m := range recent {
		if !slices.ContainsFunc(minutes, func(read kept) bool { return read.began.Equal(m.began) }) {
			minutes = append(minutes, m)
		}
	}
	return minutes, time.Time{}, nil
}

// recent are the minutes of a participant that are not written yet.
func (k *Keeper) recent(query video.QualityQuery, span video.Span) (minutes []kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.waiting {
		if m.participant == query.ParticipantID && m.account == query.AccountID {
			minutes = append(minutes, m)
		}
	}
	if p := k.people[query.ParticipantID]; p != nil && p.AccountID == query.AccountID && len(p.samples) > 0 {
		minutes = append(minutes, kept{p.AccountID, p.SessionID, p.ID, p.began, minute{p.client, slices.Clone(p.samples)}})
	}
	return slices.DeleteFunc(minutes, func(m kept) bool {
		return m.began.Before(span.From) || !span.Until.IsZero() && !m.began.Before(span.Until)
	})
}
