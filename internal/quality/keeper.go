package quality

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Store keeps minutes. A minute that is written again replaces the one before.
type Store interface {
	WriteQuality(ctx context.Context, minutes []video.QualityMinute) error
	QualityMinutes(ctx context.Context, query video.QualityMinutesQuery) ([]video.QualityMinute, error)
}

// Engine has the totals of the media connections there are.
type Engine interface {
	Totals() []video.ConnectionTotals
}

// Config is what a Keeper needs. Store and Engine are required.
type Config struct {
	Store  Store
	Engine Engine
	Logger *slog.Logger
	Now    func() time.Time // nil means time.Now
}

const (
	// reportGap is the shortest time between two reports of a client.
	reportGap = video.QualityInterval / 2
	// maxTracks is how many tracks of a sample are kept; a sample that has more loses the last.
	maxTracks = 256
	// lateness is how long after the end of a minute it is written: samples of it may still come.
	lateness = 15 * time.Second
	// maxWaiting is how many minutes wait for a database that does not take them. The oldest beyond that are lost.
	maxWaiting = 20_000
)

// Keeper takes what is measured of participants. Its methods may be called from any goroutine, and but for Steps never wait.
type Keeper struct {
	config  Config
	dropped atomic.Uint64

	mu        sync.Mutex
	people    map[video.ParticipantID]*person                           // guarded by mu
	streams   map[video.StreamID]published                              // guarded by mu
	waiting   []kept                                                    // guarded by mu; minutes that are over, not written yet
	followers map[video.SessionID]map[chan<- video.QualityNews]struct{} // guarded by mu
}

// person is a participant who is in a session.
type person struct {
	video.Participant
	client   video.Client
	reported time.Time // when its client last reported
	measured time.Time // up to when the server's figures were taken
	before   map[source]video.LineTotals
	latest   [2]*video.QualitySample // by client and by server

	began   time.Time // of the minute that is filled at present
	samples []video.QualitySample
}

// source tells the lines of a connection apart.
type source struct {
	publishes bool
	ssrc      uint32
}

// published is a stream there is.
type published struct {
	session video.SessionID
	owner   video.ParticipantID
	key     string
}

// kept is a minute that is over.
type kept struct {
	account     video.AccountID
	session     video.SessionID
	participant video.ParticipantID
	began       time.Time
	minute
}

// New returns a keeper; Run has it keep.
func New(config Config) *Keeper {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Keeper{
		config: config, people: make(map[video.ParticipantID]*person), streams: make(map[video.StreamID]published),
		followers: make(map[video.SessionID]map[chan<- video.QualityNews]struct{}),
	}
}

// Joined says that a participant is in its session from now on.
func (k *Keeper) Joined(participant video.Participant, client video.Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.people[participant.ID] = &person{Participant: participant, client: client, measured: k.config.Now()}
}

// Left says that a participant is out of its session.
func (k *Keeper) Left(id video.ParticipantID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.people[id]; p != nil {
		k.finish(p)
		delete(k.people, id)
	}
}

// Published says that there is a stream from now on.
func (k *Keeper) Published(session video.SessionID, stream video.Stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.streams[stream.ID] = published{session, stream.ParticipantID, stream.Key}
}

// Unpublished says that a stream is gone.
func (k *Keeper) Unpublished(id video.StreamID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.streams, id)
}

// Report takes what the client of a participant measured. Of its tracks StreamID and Kind say which they are; streams that there are
// not are left out. Its At is now. Error: invalid_state, when the last report was too short a while ago.
func (k *Keeper) Report(id video.ParticipantID, sample video.QualitySample) error {
	now := k.config.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.people[id]
	switch {
	case p == nil:
		return video.Errorf(video.CodeState, "the participant is not in a session")
	case now.Sub(p.reported) < reportGap:
		return video.Errorf(video.CodeState, "the last report was less than %s ago", reportGap)
	}
	p.reported = now
	sample.Source, sample.At = video.QualityByClient, now
	sample.Tracks = slices.DeleteFunc(sample.Tracks, func(t video.TrackQuality) bool { return !k.streams[t.StreamID].of(p) })
	for i := range sample.Tracks {
		k.name(p, &sample.Tracks[i].TrackID)
	}
	k.add(p, sample)
	return nil
}

// of reports whether a stream is one of the session that p is in.
func (s published) of(p *person) bool { return s.session != "" && s.session == p.SessionID }

// name says of a track whose it is and what it is called. Called with mu held.
func (k *Keeper) name(p *person, t *video.TrackID) {
	s := k.streams[t.StreamID]
	t.Key, t.Publishes, t.PublisherID = s.key, s.owner == p.ID, ""
	if !t.Publishes {
		t.PublisherID = s.owner
	}
}

// add takes a sample. Called with mu held.
func (k *Keeper) add(p *person, sample video.QualitySample) {
	if len(sample.Tracks) > maxTracks {
		sample.Tracks = sample.Tracks[:maxTracks]
	}
	if began := middle(&sample).Truncate(time.Minute); began.After(p.began) {
		k.finish(p)
		p.began = began
	}
	p.samples = append(p.samples, sample)
	p.latest[placeOf(sources, sample.Source)] = &sample
	for follower := range k.followers[p.SessionID] {
		select {
		case follower <- video.QualityNews{ParticipantID: p.ID, Client: p.client, Sample: sample}:
		default: // it misses one: the next comes soon
		}
	}
}

// middle is the time that a sample stands for.
func middle(s *video.QualitySample) time.Time { return s.At.Add(-s.Interval / 2) }

// finish ends the minute that is filled at present. Called with mu held.
func (k *Keeper) finish(p *person) {
	if len(p.samples) > 0 {
		k.waiting = append(k.waiting, kept{p.AccountID, p.SessionID, p.ID, p.began, minute{p.client, p.samples}})
	}
	if beyond := len(k.waiting) - maxWaiting; beyond > 0 {
		k.dropped.Add(uint64(beyond))
		k.waiting = slices.Delete(k.waiting, 0, beyond)
	}
	p.samples = nil
}

// Dropped returns how many minutes were lost because the database did not take them.
func (k *Keeper) Dropped() uint64 { return k.dropped.Load() }

// Latest returns the last samples of everyone in a session.
func (k *Keeper) Latest(session video.SessionID) []video.QualityNews {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.latest(session)
}

func (k *Keeper) latest(session video.SessionID) []video.QualityNews {
	all := []video.QualityNews{}
	for _, p := range k.people {
		if p.SessionID != session {
			continue
		}
		for _, sample := range p.latest {
			if sample != nil {
				all = append(all, video.QualityNews{ParticipantID: p.ID, Client: p.client, Sample: *sample})
			}
		}
	}
	slices.SortFunc(all, func(a, b video.QualityNews) int { return a.Sample.At.Compare(b.Sample.At) })
	return all
}

// followed is how many samples may wait for one who follows; further ones are not told.
const followed = 512

// Follow returns the last samples of everyone in a session, and a channel that brings those that follow until stop is called. A
// reader who is too slow misses some.
func (k *Keeper) Follow(session video.SessionID) (latest []video.QualityNews, news <-chan video.QualityNews, stop func()) {
	follower := make(chan video.QualityNews, followed)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.followers[session] == nil {
		k.followers[session] = make(map[chan<- video.QualityNews]struct{})
	}
	k.followers[session][follower] = struct{}{}
	return k.latest(session), follower, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.followers[session], follower)
		if len(k.followers[session]) == 0 {
			delete(k.followers, session)
		}
	}
}
