package quality

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// glanceEvery is the least time over which a session that somebody looks at is measured.
	glanceEvery = 2 * time.Second
	// glanceKept is for how long after a look the next is measured from there.
	glanceKept = video.QualityInterval
)

// glance is what was measured of a session that somebody looks at.
type glance struct {
	at      time.Time // of the last look
	looking bool
	before  map[video.ParticipantID]map[source]video.LineTotals
	news    []video.QualityNews
}

// Glance returns what the server measures of everyone in a session: over the two seconds or more since somebody looked before, however many
// look. To the first who looks it returns the last samples that were taken anyway. It is not kept.
func (k *Keeper) Glance(session video.SessionID) []video.QualityNews {
	g, stale := k.beginGlance(session)
	if !stale {
		return g
	}
	totals := byPerson(k.config.Engine.SessionTotals(session))
	return k.endGlance(session, totals)
}

// beginGlance returns what was measured, and whether it is for the caller to measure anew.
func (k *Keeper) beginGlance(session video.SessionID) (news []video.QualityNews, stale bool) {
	now := k.config.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.glances, func(_ video.SessionID, g *glance) bool { return !g.looking && now.Sub(g.at) > glanceKept })
	g := k.glances[session]
	if g == nil {
		g = &glance{}
		k.glances[session] = g
	}
	if g.looking || now.Sub(g.at) < glanceEvery {
		return g.news, false
	}
	g.looking = true
	return nil, true
}

func (k *Keeper) endGlance(session video.SessionID, totals map[video.ParticipantID][]video.ConnectionTotals) []video.QualityNews {
	now := k.config.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.glances[session]
	interval, before := now.Sub(g.at), g.before
	g.at, g.looking, g.before, g.news = now, false, make(map[video.ParticipantID]map[source]video.LineTotals), nil
	for id, connections := range totals {
		p := k.people[id]
		if p == nil {
			continue // one who watches over WHEP
		}
		sample, after := k.sample(p, connections, before[id], interval)
		g.before[id] = after
		switch latest := p.latest[placeOf(sources, video.QualityByServer)]; {
		case before[id] != nil:
			sample.At = now
		case latest != nil:
			sample = *latest
		default:
			continue // it came since the last look
		}
		g.news = append(g.news, video.QualityNews{ParticipantID: id, Client: p.client, Sample: sample})
	}
	slices.SortFunc(g.news, func(a, b video.QualityNews) int {
		return strings.Compare(string(a.ParticipantID), string(b.ParticipantID))
	})
	return g.news
}
