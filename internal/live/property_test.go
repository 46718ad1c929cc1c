package live_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Many come, publish, change, withdraw and go at once, while recording and negotiation take random times. Whoever is in
// at a quiet moment has seen, by its snapshot and the notices after it, exactly what a newcomer's snapshot shows.
func TestSnapshotAndNoticesAreTheState(t *testing.T) {
	for seed := range uint64(30) {
		within(t, func(t *testing.T) {
			h := newHouse(t)
			defer h.close()
			h.room = h.rooms.Add(account, 20)
			delay := func() { time.Sleep(time.Duration(rand.N(20)) * time.Millisecond) }
			h.journal.OnJoin = func(context.Context, video.Participant) error { delay(); return nil }
			h.journal.OnOpen = func(context.Context, video.Session) error { delay(); return nil }
			h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { delay(); return nil }

			var people sync.WaitGroup
			var mu sync.Mutex
			var staying []*observer
			for i := range uint64(25) { // more than there are seats
				random := rand.New(rand.NewPCG(seed, i))
				people.Go(func() {
					for range 1 + random.IntN(3) {
						o := newObserver()
						p, _, err := h.host.Join(t.Context(), h.request(o))
						if video.CodeOf(err) == video.CodeRoomFull {
							delay()
							continue
						}
						if err != nil {
							t.Errorf("join: %v", err)
							return
						}
						o.Participant = p
						act(t, o, random)
						if random.IntN(3) == 0 {
							mu.Lock()
							staying = append(staying, o)
							mu.Unlock()
							return
						}
						o.Leave(video.LeftByChoice)
						delay()
					}
				})
			}
			people.Wait()
			settle()
			if len(staying) == 20 {
				staying[0].Leave(video.LeftByChoice)
				staying = staying[1:]
			}
			newcomer := h.join()
			settle()
			for _, o := range staying {
				compare(t, o, newcomer)
			}
		})
	}
}

// act does random things with streams and messages.
func act(t *testing.T, o *observer, random *rand.Rand) {
	var mine []video.StreamID
	for range random.IntN(12) {
		switch random.IntN(5) {
		case 0, 1:
			key := string(rune('a' + random.IntN(12)))
			if p, err := o.Publish(t.Context(), publishRequest(key), nil); err == nil {
				mine = append(mine, p.StreamID)
				o.mu.Lock()
				o.streams = append(o.streams, video.Stream{
					ID: p.StreamID, ParticipantID: o.id, Key: key, AudioEnabled: true, VideoEnabled: true,
				})
				o.mu.Unlock()
			}
		case 2:
			if len(mine) > 0 {
				id, on := mine[random.IntN(len(mine))], random.IntN(2) == 0
				if err := o.UpdateStream(t.Context(), id, &on, nil, func() {
					o.mu.Lock()
					o.streams[o.find(id)].AudioEnabled = on
					o.mu.Unlock()
				}); err != nil {
					t.Errorf("update: %v", err)
				}
			}
		case 3:
			if len(mine) > 0 {
				i := random.IntN(len(mine))
				id := mine[i]
				mine = slices.Delete(mine, i, i+1)
				if err := o.Unpublish(t.Context(), id, func() {
					o.mu.Lock()
					o.unpublished(id)
					o.mu.Unlock()
				}); err != nil {
					t.Errorf("unpublish: %v", err)
				}
			}
		case 4:
			o.mu.Lock()
			streams := slices.Clone(o.streams)
			o.mu.Unlock()
			if len(streams) > 0 {
				s := streams[random.IntN(len(streams))]
				_ = o.Subscribe(t.Context(), video.Subscription{StreamID: s.ID, Audio: true, Video: true}, nil) // may be gone
			}
		}
		time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
	}
}

func compare(t *testing.T, o, truth *observer) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	truth.mu.Lock()
	defer truth.mu.Unlock()
	for _, fault := range o.faults {
		t.Errorf("%s", fault)
	}
	if !slices.Equal(o.participants, truth.participants) {
		t.Errorf("participants\n%v\nbut there are\n%v", o.participants, truth.participants)
	}
	byID := func(a, b video.Stream) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	}
	slices.SortFunc(o.streams, byID)
	slices.SortFunc(truth.streams, byID)
	if !slices.Equal(o.streams, truth.streams) {
		t.Errorf("streams\n%v\nbut there are\n%v", o.streams, truth.streams)
	}
}

// The moment of a change, as its maker is told by then, stands in line with what it hears of others.
func TestThenStandsInLine(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		var acts sync.WaitGroup
		for range 100 {
			acts.Go(func() { _, _ = a.SendMessage(t.Context(), []byte("1"), nil, nil) })
		}
		acts.Go(func() {
			seen := -1
			_, err := b.SendMessage(t.Context(), []byte("2"), nil, func([]video.ParticipantID) { seen = len(notices[live.Message](b)) })
			if err != nil {
				t.Error(err)
			}
			own := slices.IndexFunc(notices[live.Message](b), func(m live.Message) bool { return m.From == b.id })
			if own != seen {
				t.Errorf("own message is number %d, but then ran after %d", own, seen)
			}
		})
		acts.Wait()
	})
}
