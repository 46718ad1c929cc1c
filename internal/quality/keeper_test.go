package quality

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// shelf is a store in memory.
type shelf struct {
	mu      sync.Mutex
	broken  bool                              // guarded by mu
	minutes map[time.Time]video.QualityMinute // guarded by mu; of one participant
	reads   []int                             // guarded by mu; how many minutes were wanted
}

func (s *shelf) WriteQuality(_ context.Context, minutes []video.QualityMinute) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errors.New("no disk")
	}
	for _, m := range minutes {
		s.minutes[m.At] = m
	}
	return nil
}

func (s *shelf) QualityMinutes(_ context.Context, query video.QualityMinutesQuery) ([]video.QualityMinute, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, query.Limit)
	var found []video.QualityMinute
	for _, m := range s.minutes {
		if !m.At.Before(query.At.From) && (query.At.Until.IsZero() || m.At.Before(query.At.Until)) {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b video.QualityMinute) int { return a.At.Compare(b.At) })
	return found[:min(len(found), query.Limit)], nil
}

// damage makes a minute that was written unreadable.
func (s *shelf) damage(began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.minutes[began]
	m.Data = []byte{format, 1, 2, 3}
	s.minutes[began] = m
}

func (s *shelf) fail(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *shelf) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.minutes)
}

// mixer is a media engine whose connections do the same each second.
type mixer struct {
	begun time.Time
}

func (m *mixer) Totals() []video.ConnectionTotals {
	n := uint32(time.Since(m.begun) / time.Second)
	return []video.ConnectionTotals{{
		SessionID: "session", ParticipantID: "alice", Connection: video.Connection{Path: video.PathTCP, RoundTrip: 30 * time.Millisecond},
		Lines: []video.LineTotals{
			{Publishes: true, SSRC: 1, StreamID: "own", Kind: video.Video, Layer: "h", Octets: n << 28, Packets: 10 * n, Lost: int64(n), Repaired: n, Width: 640, Height: 360},
			{SSRC: 1, StreamID: "other", Kind: video.Video, Paused: true},
			{SSRC: 2, StreamID: "other", Kind: video.Audio},
			{SSRC: 3, StreamID: "of nobody", Kind: video.Audio, Packets: 50 * n},
		},
	}, {SessionID: "session", ParticipantID: "a viewer", Connection: video.Connection{Path: video.PathUDP}}}
}

// inSession runs a test on invented time, with a keeper that alice and bob are known to.
func inSession(t *testing.T, test func(k *Keeper, s *shelf)) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{minutes: map[time.Time]video.QualityMinute{}}
		k := New(Config{Store: s, Engine: &mixer{begun: time.Now()}})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.Run(ctx) })
		k.Joined(video.Participant{ID: "alice", AccountID: "account", SessionID: "session"}, video.Client{Name: "sdk"})
		k.Joined(video.Participant{ID: "bob", AccountID: "account", SessionID: "session"}, video.Client{})
		k.Published("session", video.Stream{ID: "own", ParticipantID: "alice", Key: "self"})
		k.Published("session", video.Stream{ID: "other", ParticipantID: "bob", Key: "self"})
		k.Published("another", video.Stream{ID: "strange", ParticipantID: "carol", Key: "self"})
		test(k, s)
		stop()
		running.Wait()
	})
}

func steps(t *testing.T, k *Keeper, query video.QualityQuery) ([]video.QualityStep, time.Time) {
	t.Helper()
	query.AccountID, query.ParticipantID = "account", "alice"
	if query.Limit == 0 {
		query.Limit = 1000
	}
	if query.Resolution == 0 {
		query.Resolution = video.QualityInterval
	}
	got, next, err := k.Steps(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return got, next
}

var report = video.QualitySample{
	Interval: 10 * time.Second, Connection: video.Connection{Path: video.PathRelayUDP},
	Tracks: []video.TrackQuality{
		{TrackID: video.TrackID{StreamID: "own", Kind: video.Video}, Layer: "h", Octets: 5000, Packets: 100, Lost: 1, Jitter: time.Millisecond},
		{TrackID: video.TrackID{StreamID: "other", Kind: video.Audio, Publishes: true}, Octets: 10},
		{TrackID: video.TrackID{StreamID: "strange", Kind: video.Audio}, Octets: 10},
	},
}

func TestBothEnds(t *testing.T) {
	inSession(t, func(k *Keeper, s *shelf) {
		begun := time.Now()
		for range 6 {
			time.Sleep(10*time.Second + 3*time.Millisecond)
			r := report
			r.Tracks = slices.Clone(r.Tracks)
			if err := k.Report("alice", r); err != nil {
				t.Fatal(err)
			}
		}
		got, next := steps(t, k, video.QualityQuery{})
		if len(got) != 6 || !next.IsZero() || !got[0].At.Equal(begun) || got[0].Client.Name != "sdk" {
			t.Fatalf("%d steps, next %v: %+v", len(got), next, got)
		}
		wantClient := []video.TrackQuality{
			{TrackID: video.TrackID{StreamID: "own", Kind: video.Video, Publishes: true, Key: "self"}, Layer: "h", Octets: 5000, Packets: 100, Lost: 1, Jitter: time.Millisecond},
			{TrackID: video.TrackID{StreamID: "other", Kind: video.Audio, PublisherID: "bob", Key: "self"}, Octets: 10},
		}
		wantServer := []video.TrackQuality{
			{TrackID: video.TrackID{StreamID: "own", Kind: video.Video, Publishes: true, Key: "self"}, Layer: "h", Octets: 10 << 28, Packets: 100, Lost: 10, Repaired: 10, Width: 640, Height: 360},
			{TrackID: video.TrackID{StreamID: "other", Kind: video.Video, PublisherID: "bob", Key: "self"}, Paused: 10 * time.Second},
		}
		if c := got[1].ByClient; c == nil || c.Path != video.PathRelayUDP || !reflect.DeepEqual(c.Tracks, wantClient) {
			t.Errorf("by the client: %+v", c)
		}
		if c := got[1].ByServer; c == nil || c.Path != video.PathTCP || c.Interval != 10*time.Second || !reflect.DeepEqual(c.Tracks, wantServer) {
			t.Errorf("by the server: %+v", c)
		}
		minute, _ := steps(t, k, video.QualityQuery{Resolution: time.Minute})
		if len(minute) != 1 || minute[0].ByServer.Interval != time.Minute || minute[0].ByServer.Tracks[0].Octets != 60<<28 || minute[0].ByClient.Tracks[0].Lost != 6 {
			t.Errorf("the minute: %+v", minute)
		}
		if s.len() != 0 {
			t.Fatal("written before the minute was over")
		}
		time.Sleep(time.Minute)
		if s.len() == 0 {
			t.Fatal("the minute was not written")
		}
		after, _ := steps(t, k, video.QualityQuery{At: video.Span{Until: begun.Add(time.Minute)}})
		if !reflect.DeepEqual(after, got) {
			t.Fatalf("written: %+v\nbefore: %+v", after, got)
		}
	})
}

func TestPages(t *testing.T) {
	inSession(t, func(k *Keeper, s *shelf) {
		begun := time.Now()
		time.Sleep(2*time.Hour + 5*time.Second)
		whole, next := steps(t, k, video.QualityQuery{Limit: 5000})
		if len(whole) != 720 || !next.IsZero() {
			t.Fatalf("%d steps, next %v", len(whole), next)
		}
		for _, c := range []struct{ resolution, size time.Duration }{{10 * time.Second, 50}, {time.Minute, 7}, {time.Hour, 1}} {
			var all []video.QualityStep
			query := video.QualityQuery{Resolution: c.resolution, Limit: int(c.size)}
			for {
				some, next := steps(t, k, query)
				all = append(all, some...)
				if len(some) == 0 || len(some) > int(c.size) || len(all) > 1000 {
					t.Fatalf("%v: %d steps after %d", c.resolution, len(some), len(all))
				}
				if query.At.From = next; next.IsZero() {
					break
				}
			}
			if want := int(2 * time.Hour / c.resolution); len(all) != want {
				t.Errorf("%v: %d steps, want %d", c.resolution, len(all), want)
			}
			for i, step := range all {
				if !step.At.Equal(begun.Add(time.Duration(i)*c.resolution)) || step.ByServer.Interval != c.resolution {
					t.Fatalf("%v: step %d is %+v", c.resolution, i, step)
				}
			}
		}
		s.damage(begun.Add(3 * time.Minute))
		if damaged, _ := steps(t, k, video.QualityQuery{Limit: 5000}); len(damaged) != 714 {
			t.Errorf("%d steps with a minute that is damaged", len(damaged))
		}
		some, _ := steps(t, k, video.QualityQuery{At: video.Span{From: begun.Add(61 * time.Second), Until: begun.Add(90 * time.Second)}})
		if len(some) != 2 || !some[0].At.Equal(begun.Add(70*time.Second)) {
			t.Errorf("a part: %+v", some)
		}
		for _, n := range s.reads {
			if n > maxRead {
				t.Errorf("%d minutes were read at once", n)
			}
		}
	})
}

func TestWritesAreTriedAgain(t *testing.T) {
	inSession(t, func(k *Keeper, s *shelf) {
		s.fail(true)
		time.Sleep(5*time.Minute + time.Second)
		if n, _ := steps(t, k, video.QualityQuery{}); len(n) != 30 || s.len() != 0 {
			t.Fatalf("%d steps while nothing is written", len(n))
		}
		s.fail(false)
		time.Sleep(10 * time.Second)
		if s.len() != 5 || k.Dropped() != 0 {
			t.Fatalf("%d minutes written, %d lost", s.len(), k.Dropped())
		}
		k.Left("alice")
		time.Sleep(10 * time.Second)
		if s.len() != 6 {
			t.Fatalf("%d minutes written after she left", s.len())
		}
	})
}

func TestWaitingMinutesAreBounded(t *testing.T) {
	k := New(Config{Store: &shelf{}, Engine: &mixer{}})
	for range maxWaiting + 3 {
		k.mu.Lock()
		k.finish(&person{samples: []video.QualitySample{{}}})
		k.mu.Unlock()
	}
	if len(k.waiting) != maxWaiting || k.Dropped() != 3 {
		t.Fatalf("%d wait, %d lost", len(k.waiting), k.Dropped())
	}
}

func TestReportsAreRefused(t *testing.T) {
	inSession(t, func(k *Keeper, _ *shelf) {
		time.Sleep(time.Second)
		for _, c := range []struct {
			who   video.ParticipantID
			after time.Duration
			good  bool
		}{{"alice", 0, true}, {"alice", reportGap - 1, false}, {"bob", 0, true}, {"alice", 1, true}, {"nobody", 0, false}} {
			time.Sleep(c.after)
			if err := k.Report(c.who, report); (err == nil) != c.good {
				t.Errorf("%+v: %v", c, err)
			}
		}
		k.Left("bob")
		if err := k.Report("bob", report); video.CodeOf(err) != video.CodeState {
			t.Errorf("after he left: %v", err)
		}
	})
}

func TestLive(t *testing.T) {
	inSession(t, func(k *Keeper, _ *shelf) {
		time.Sleep(11 * time.Second)
		latest, news, stop := k.Follow("session")
		if len(latest) != 1 || latest[0].ParticipantID != "alice" || latest[0].Sample.Source != video.QualityByServer {
			t.Fatalf("%+v", latest)
		}
		_, elsewhere, stopElsewhere := k.Follow("another")
		defer stopElsewhere()
		if err := k.Report("bob", report); err != nil {
			t.Fatal(err)
		}
		if n := <-news; n.ParticipantID != "bob" || n.Sample.Source != video.QualityByClient {
			t.Fatalf("%+v", n)
		}
		time.Sleep(10 * time.Second)
		if n := <-news; n.ParticipantID != "alice" {
			t.Fatalf("%+v", n)
		}
		stop()
		stop()
		time.Sleep(2 * time.Hour) // more than a follower holds
		if len(news) != 0 || len(elsewhere) != 0 {
			t.Fatal("news after the end, or of another session")
		}
		if n := len(k.Latest("session")); n != 2 {
			t.Fatalf("%d last samples", n)
		}
	})
}
