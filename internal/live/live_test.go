package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = video.AccountID("a0000000-0000-4000-8000-000000000000")

// house is a host with everything it needs, and one room.
type house struct {
	t       *testing.T
	host    *live.Host
	rooms   livetest.Rooms
	journal livetest.Journal
	media   livetest.Media
	tapes   livetest.Recorder
	mixer   livetest.Mixer
	room    video.Room
}

func newHouse(t *testing.T, change ...func(*live.Config)) *house {
	t.Helper()
	h := &house{t: t}
	config := live.Config{Rooms: &h.rooms, Journal: &h.journal, Media: &h.media, Recorder: &h.tapes, Mixer: &h.mixer, Logger: slog.New(slog.DiscardHandler)}
	if os.Getenv("LIVE_LOG") != "" {
		config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	for _, f := range change {
		f(&config)
	}
	h.host = live.NewHost(config)
	h.room = h.rooms.Add(account, 10)
	return h
}

// close ends the house and checks that nothing is left over and the record makes sense.
func (h *house) close() {
	h.t.Helper()
	if err := h.host.Close(context.Background()); err != nil {
		h.t.Errorf("close: %v", err)
	}
	if n := h.media.Open(); n != 0 {
		h.t.Errorf("%d transports were left open", n)
	}
	if err := h.tapes.Err(); err != nil {
		h.t.Errorf("recorder: %v", err)
	}
	if err := h.mixer.Err(); err != nil {
		h.t.Errorf("mixer: %v", err)
	}
	if err := h.journal.Err(); err != nil {
		h.t.Errorf("journal: %v (%s)", err, &h.journal)
	}
	for _, s := range h.journal.Sessions() {
		if s.Active() {
			h.t.Errorf("session %s was left active", s.ID)
		}
	}
}

func (h *house) grant() video.Grant {
	return video.Grant{AccountID: h.room.AccountID, RoomID: h.room.ID, Grants: video.AllGrants}
}

func (h *house) request(o *observer) live.JoinRequest {
	return live.JoinRequest{
		Grant: h.grant(), ID: o.id, ReceivesMessages: true, Listener: o,
		Joined: func(s live.Snapshot) { o.start(s) },
	}
}

func (h *house) join() *observer {
	h.t.Helper()
	o := newObserver()
	p, _, err := h.host.Join(context.Background(), h.request(o))
	if err != nil {
		h.t.Fatalf("join: %v", err)
	}
	o.Participant = p
	return o
}

// observer is a participant that applies what it hears to the snapshot it got.
type observer struct {
	*live.Participant
	id video.ParticipantID

	mu           sync.Mutex
	joined       bool
	participants []video.ParticipantID
	streams      []video.Stream
	recording    bool
	heard        []live.Notice
	removed      video.LeftReason
	faults       []string
}

func newObserver() *observer { return &observer{id: video.ParticipantID(video.NewUUID())} }

func (o *observer) start(s live.Snapshot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.joined = true
	for _, p := range s.Participants {
		o.participants = append(o.participants, p.ID)
	}
	o.streams = slices.Clone(s.Streams)
	o.recording = s.Recording
}

func (o *observer) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

func (o *observer) Notify(n live.Notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.joined {
		o.fault("%T before the snapshot", n)
	}
	if o.removed != "" {
		o.fault("%T after the last notice", n)
	}
	o.heard = append(o.heard, n)
	switch n := n.(type) {
	case live.ParticipantJoined:
		if slices.Contains(o.participants, n.Participant.ID) {
			o.fault("joined twice")
		}
		o.participants = append(o.participants, n.Participant.ID)
	case live.ParticipantLeft:
		if !slices.Contains(o.participants, n.ID) {
			o.fault("left without having joined")
		}
		o.participants = slices.DeleteFunc(o.participants, func(id video.ParticipantID) bool { return id == n.ID })
		o.streams = slices.DeleteFunc(o.streams, func(s video.Stream) bool { return s.ParticipantID == n.ID })
	case live.StreamPublished:
		o.published(n.Stream)
	case live.StreamUpdated:
		i := o.find(n.Stream.ID)
		if i < 0 {
			o.fault("update of an unknown stream")
			return
		}
		o.streams[i] = n.Stream
	case live.StreamUnpublished:
		o.unpublished(n.ID)
	case live.RecordingChanged:
		if n.Recording == o.recording {
			o.fault("a change of recording that is none")
		}
		o.recording = n.Recording
	case live.Removed:
		o.removed = n.Reason
	}
}

func (o *observer) published(s video.Stream) {
	if !slices.Contains(o.participants, s.ParticipantID) {
		o.fault("a stream of nobody")
	}
	if o.find(s.ID) >= 0 {
		o.fault("published twice")
	}
	o.streams = append(o.streams, s)
}

func (o *observer) unpublished(id video.StreamID) {
	if o.find(id) < 0 {
		o.fault("unpublish of an unknown stream")
	}
	o.streams = slices.DeleteFunc(o.streams, func(s video.Stream) bool { return s.ID == id })
}

func (o *observer) find(id video.StreamID) int {
	return slices.IndexFunc(o.streams, func(s video.Stream) bool { return s.ID == id })
}

// notices returns those of one type heard so far.
func notices[T live.Notice](o *observer) (of []T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.heard {
		if n, ok := n.(T); ok {
			of = append(of, n)
		}
	}
	return of
}

func (o *observer) reason() video.LeftReason {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.removed
}

// publish publishes camera and microphone under a key, with new lines.
func (o *observer) publish(t *testing.T, key string) video.StreamID {
	t.Helper()
	published, err := o.Publish(t.Context(), publishRequest(key), nil)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return published.StreamID
}

func publishRequest(key string) live.PublishRequest {
	a, v := key+"-a", key+"-v"
	return live.PublishRequest{
		Key: key, Audio: &live.Line{MID: a, Enabled: true}, Video: &live.Line{MID: v, Enabled: true},
		Offer: livetest.Offer(a+" audio sendonly", v+" video sendonly"),
	}
}

func wantCode(t *testing.T, err error, code video.Code) {
	t.Helper()
	if err == nil || video.CodeOf(err) != code {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

// within runs a scenario on invented time.
func within(t *testing.T, scenario func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, scenario)
}

// settle waits until nothing happens any more without time passing.
func settle() { synctest.Wait() }

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
