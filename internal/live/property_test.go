package live_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Many come, publish, change, withdraw and go at once, and a moderator mutes and kicks them, while recording and negotiation
// take random times. Whoever is in at a quiet moment has seen, by its snapshot and the notices after it, exactly what a
// newcomer's snapshot shows. The gates and the record say the same.
func TestSnapshotAndNoticesAreTheState(t *testing.T) {
	for seed := range uint64(30) {
		within(t, func(t *testing.T) {
			h := newHouse(t)
			defer h.close()
			h.room = h.rooms.Add(account, 20)
			delay := func() { time.Sleep(time.Duration(rand.N(20)) * time.Millisecond) }
			h.journal.OnJoin = func(context.Context, video.Participant) error { delay(); return nil }
			h.journal.OnOpen = func(context.Context, video.Session) error { delay(); return nil }
			h.journal.OnRevoke = func(context.Context, []string) error {
				delay()
				if rand.N(3) == 0 {
					return errors.New("disk full")
				}
				return nil
			}
			h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { delay(); return nil }

			var people sync.WaitGroup
			var mu sync.Mutex
			var staying []*observer
			for i := range uint64(25) { // more than there are seats
				random := rand.New(rand.NewPCG(seed, i))
				people.Go(func() {
					for range 1 + random.IntN(3) {
						o := newObserver()
						request := h.request(o)
						request.Grant.Family = string(o.id)
						p, _, err := h.host.Join(t.Context(), request)
						if code := video.CodeOf(err); code == video.CodeRoomFull || code == video.CodeUnauthorized { // kicked on its way in
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
			people.Go(func() { presideOver(t, h, rand.New(rand.NewPCG(seed, 1000))) })
			people.Wait()
			settle()
			staying = slices.DeleteFunc(staying, func(o *observer) bool { return o.reason() != "" })
			if len(staying) == 20 {
				staying[0].Leave(video.LeftByChoice)
				staying = staying[1:]
			}
			newcomer := h.join()
			settle()
			for _, o := range staying {
				compare(t, o, newcomer)
			}
			compareGates(t, h, newcomer)
			compareRecordings(t, h, newcomer)
			compareRecord(t, h, newcomer)
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
			if p, err := o.Publish(t.Context(), publishRequest(key), func(p live.Published) {
				o.mu.Lock()
				o.streams = append(o.streams, video.Stream{
					ID: p.StreamID, ParticipantID: o.id, Key: key, AudioEnabled: true, VideoEnabled: true,
				})
				o.mu.Unlock()
			}); err == nil {
				mine = append(mine, p.StreamID)
			}
		case 2:
			if len(mine) > 0 {
				id, on := mine[random.IntN(len(mine))], random.IntN(2) == 0
				if err := o.UpdateStream(t.Context(), id, &on, nil, func() {
					o.mu.Lock()
					o.streams[o.find(id)].AudioEnabled = on
					o.mu.Unlock()
				}); err != nil && o.reason() == "" {
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
				}); err != nil && o.reason() == "" {
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

// presideOver moderates at random.
func presideOver(t *testing.T, h *house, random *rand.Rand) {
	for range 30 {
		time.Sleep(time.Duration(random.IntN(8)) * time.Millisecond)
		sessions := h.journal.Sessions()
		if len(sessions) == 0 {
			continue
		}
		session := sessions[len(sessions)-1].ID
		ids := h.journal.Present(session)
		random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		few := ids[:min(len(ids), random.IntN(4))]
		selection := video.Selection{IDs: few}
		if random.IntN(4) == 0 {
			selection = video.Selection{All: true, Exclude: few}
		}
		what := []string{"mute", "mute", "unmute", "unmute", "kick", "start_recording", "stop_recording"}[random.IntN(7)]
		if what == "kick" && selection.All {
			selection.Exclude = ids[:len(ids)*3/4]
		}
		changed, err := h.moderate(what, session, selection)
		for _, id := range changed {
			if slices.Contains(selection.Exclude, id) || !selection.All && !slices.Contains(few, id) {
				t.Errorf("%s changed someone not chosen", what)
			}
		}
		switch video.CodeOf(err) {
		case video.CodeState, video.CodeParticipantNotFound: // gone meanwhile
		case video.CodeUnavailable:
			if what != "kick" || len(changed) > 0 {
				t.Errorf("%s changed %v: %v", what, changed, err)
			}
		default:
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// compareGates checks that what passes is what its owner switched on and no moderator holds back.
func compareGates(t *testing.T, h *house, truth *observer) {
	t.Helper()
	for _, s := range truth.streams {
		transport := h.media.Transport(s.ParticipantID)
		if transport.Gate(s.ID, video.Audio) != (s.AudioEnabled && !s.AudioCensored) || transport.Gate(s.ID, video.Video) != s.VideoEnabled {
			t.Errorf("the gates of %+v do not fit", s)
		}
	}
}

// compareRecordings checks that what is recorded has its sinks, and that each recording knows its gates.
func compareRecordings(t *testing.T, h *house, truth *observer) {
	t.Helper()
	running := h.tapes.Running()
	if len(running) > 0 && !truth.recording {
		t.Error("nobody is told of a recording")
	}
	for _, s := range truth.streams {
		recorded := 0
		for _, r := range running {
			if r.Stream.StreamID != s.ID {
				continue
			}
			recorded = 2
			for kind, want := range map[video.Kind]live.Gate{
				video.Audio: gateOf(s.AudioEnabled, s.AudioCensored), video.Video: gateOf(s.VideoEnabled, s.VideoCensored),
			} {
				if gates := r.Gates(kind); gates[len(gates)-1] != want {
					t.Errorf("the gates of %s were told as %v, want %s", kind, gates, want)
				}
			}
		}
		if got := h.media.Transport(s.ParticipantID).Recorded(s.ID); got != recorded {
			t.Errorf("%d sinks hang on a stream, want %d", got, recorded)
		}
	}
	for _, r := range running {
		if !slices.ContainsFunc(truth.streams, func(s video.Stream) bool { return s.ID == r.Stream.StreamID }) {
			t.Errorf("a stream that is gone is recorded")
		}
	}
}

// gateOf says what keeps a kind of a stream from passing.
func gateOf(enabled, censored bool) live.Gate {
	switch {
	case !enabled:
		return live.GateDisabled
	case censored:
		return live.GateCensored
	}
	return live.GateOpen
}

// compareRecord applies the happenings in turn and checks that they give the state.
func compareRecord(t *testing.T, h *house, truth *observer) {
	t.Helper()
	var state video.SessionState
	for _, n := range h.journal.Happenings() {
		if n.SessionID != truth.SessionID() {
			continue
		}
		known := slices.ContainsFunc(state.Participants, func(p video.ParticipantState) bool { return p.ID == n.ParticipantID })
		if !known && n.Type != video.HappenedJoinRefused {
			state.Apply(video.Happening{Type: video.HappenedJoined, ParticipantID: n.ParticipantID}) // which the store notes itself
		}
		state.Apply(n)
	}
	streams := map[video.StreamID]video.Stream{}
	for _, p := range slices.Clone(state.Participants) {
		if h.journal.Participant(p.ID).LeftAt != nil {
			state.Apply(video.Happening{Type: video.HappenedLeft, ParticipantID: p.ID}) // likewise
			continue
		}
		for _, s := range p.Streams {
			streams[s.ID] = s.Stream
		}
	}
	for _, s := range truth.streams {
		if streams[s.ID] != s {
			t.Errorf("the record says %+v, but there is %+v", streams[s.ID], s)
		}
	}
	if len(streams) != len(truth.streams) {
		t.Errorf("the record has %d streams, there are %d", len(streams), len(truth.streams))
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
	if o.recording != truth.recording {
		t.Errorf("recording is %v, but it is %v", o.recording, truth.recording)
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
