package quality

import (
	"context"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// writeTimeout is how long the database may take for one write.
const writeTimeout = 10 * time.Second

// Run measures, and writes what was measured, until ctx ends. Then it writes what there is.
func (k *Keeper) Run(ctx context.Context) {
	for {
		now := k.config.Now()
		timer := time.NewTimer(now.Truncate(video.QualityInterval).Add(video.QualityInterval).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			k.finishAll()
			k.write(context.WithoutCancel(ctx))
			return
		case <-timer.C:
			k.measure()
			k.finishOld()
			k.write(ctx)
		}
	}
}

// measure makes a sample of the server's figures for everyone.
func (k *Keeper) measure() {
	totals := k.config.Engine.Totals()
	now := k.config.Now()
	byPerson := make(map[video.ParticipantID][]video.ConnectionTotals, len(totals))
	for _, c := range totals {
		byPerson[c.ParticipantID] = append(byPerson[c.ParticipantID], c)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, connections := range byPerson {
		if p := k.people[id]; p != nil { // or one who watches over WHEP
			k.measurePerson(p, connections, now)
		}
	}
}

// measurePerson takes the figures of a participant's connections: two while one takes the place of another. Called with mu held.
func (k *Keeper) measurePerson(p *person, connections []video.ConnectionTotals, now time.Time) {
	sample := video.QualitySample{Source: video.QualityByServer, At: now, Interval: now.Sub(p.measured)}
	before := p.before
	p.measured, p.before = now, make(map[source]video.LineTotals)
	if sample.Interval < time.Second {
		p.before = before
		p.measured = now.Add(-sample.Interval)
		return
	}
	for _, c := range connections {
		if c.Path != "" {
			sample.Connection = c.Connection
		}
		for _, line := range c.Lines {
			id := source{line.Publishes, line.SSRC}
			p.before[id] = line
			if !k.streams[line.StreamID].of(p) {
				continue
			}
			if t, moved := between(before[id], line, sample.Interval); moved {
				k.name(p, &t.TrackID)
				sample.Tracks = append(sample.Tracks, t)
			}
		}
	}
	if sample.Path == "" && len(sample.Tracks) == 0 {
		return // it has not connected
	}
	k.add(p, sample)
}

// between is what a line did between two looks at its totals, and whether it did anything.
func between(before, after video.LineTotals, interval time.Duration) (t video.TrackQuality, moved bool) {
	t = video.TrackQuality{
		TrackID: video.TrackID{StreamID: after.StreamID, Kind: after.Kind},
		Layer:   after.Layer,
		Octets:  int64(after.Octets - before.Octets), Packets: int64(after.Packets - before.Packets),
		Lost: max(after.Lost-before.Lost, 0), Repaired: int64(after.Repaired - before.Repaired),
		Jitter: after.Jitter, RoundTrip: after.RoundTrip,
		Width: int64(after.Width), Height: int64(after.Height),
	}
	if after.Paused {
		t.Paused = interval
	}
	return t, t.Packets > 0 || after.Paused
}

// finishOld ends the minutes of which no more samples come.
func (k *Keeper) finishOld() {
	limit := k.config.Now().Add(-time.Minute - lateness)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.people {
		if len(p.samples) > 0 && p.began.Before(limit) {
			k.finish(p)
			p.began = p.began.Add(time.Minute) // what comes late all the same is of the next
		}
	}
}

func (k *Keeper) finishAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.people {
		k.finish(p)
	}
}

// write writes the minutes that are over. What is not written is tried again.
func (k *Keeper) write(ctx context.Context) {
	k.mu.Lock()
	over := k.waiting[:len(k.waiting):len(k.waiting)]
	dropped := k.dropped.Load()
	k.mu.Unlock()
	if len(over) == 0 {
		return
	}
	rows, packs := make([]video.QualityMinute, len(over)), newEncoder()
	for i, m := range over {
		rows[i] = video.QualityMinute{
			AccountID: m.account, SessionID: m.session, ParticipantID: m.participant, At: m.began, Data: packs.encode(m.minute, m.began),
		}
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := k.config.Store.WriteQuality(ctx, rows); err != nil {
		k.config.Logger.Warn("figures of media quality were not written", "minutes", len(rows), "error", err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	written := len(over) - int(k.dropped.Load()-dropped) // some may have made room meanwhile
	k.waiting = append([]kept(nil), k.waiting[max(written, 0):]...)
}
