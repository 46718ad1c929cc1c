package live_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// recordedHouse is a house whose room is recorded.
func recordedHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.rooms.Change(h.room.ID, func(r *video.Room) { r.EnableRecording = true })
	return h
}

// wantRunning checks which streams are being recorded.
func (h *house) wantRunning(streams ...video.StreamID) {
	h.t.Helper()
	var running []video.StreamID
	for _, r := range h.tapes.Running() {
		running = append(running, r.Stream.StreamID)
	}
	slices.Sort(running)
	slices.Sort(streams)
	if !slices.Equal(running, streams) {
		h.t.Errorf("recorded are %v, want %v", running, streams)
	}
}

// send has a client send a packet of a stream.
func (h *house) send(o *observer, stream video.StreamID, kind video.Kind, number uint64) {
	h.media.Transport(o.id).Receive(stream, kind, &packet.Media{Number: number, Payload: []byte{byte(number)}})
}

func wantGates(t *testing.T, got []live.Gate, want ...live.Gate) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("gates %v, want %v", got, want)
	}
}

func TestRoomIsRecorded(t *testing.T) {
	within(t, func(t *testing.T) {
		h := recordedHouse(t)
		a, b := h.join(), h.join()
		if !a.recording || !b.recording {
			t.Error("the snapshots do not say that the session is recorded")
		}
		self := a.publish(t, "self")
		session := a.SessionID()
		h.wantRunning(self)
		recording := h.tapes.Running()[0]
		want := video.RecordedStream{
			AccountID: account, RoomID: h.room.ID, SessionID: session, ParticipantID: a.id, StreamID: self, StreamKey: "self",
		}
		if recording.Stream != want {
			t.Errorf("recorded is %+v, want %+v", recording.Stream, want)
		}
		h.send(a, self, video.Audio, 1)
		h.send(a, self, video.Video, 2)
		on, off := true, false
		update := func(audio, picture *bool) {
			t.Helper()
			if err := a.UpdateStream(t.Context(), self, audio, picture, nil); err != nil {
				t.Error(err)
			}
		}
		moderate := func(what string) {
			t.Helper()
			if _, err := h.moderate(what, session, these(a)); err != nil {
				t.Error(err)
			}
		}
		moderate("mute")
		h.send(a, self, video.Audio, 3) // held back
		update(&off, &off)
		moderate("unmute") // which shows in nothing
		update(&on, nil)
		h.send(a, self, video.Audio, 4)
		h.send(a, self, video.Video, 5) // held back
		moderate("mute")
		update(&off, nil)
		update(&on, &on)
		moderate("unmute")
		wantGates(t, recording.Gates(video.Audio), live.GateOpen, live.GateCensored, live.GateDisabled, live.GateOpen,
			live.GateCensored, live.GateDisabled, live.GateCensored, live.GateOpen)
		wantGates(t, recording.Gates(video.Video), live.GateOpen, live.GateDisabled, live.GateOpen)
		var numbers []uint64
		for _, m := range slices.Concat(recording.Media(video.Audio), recording.Media(video.Video)) {
			numbers = append(numbers, m.Number)
		}
		if !slices.Equal(numbers, []uint64{1, 4, 2}) {
			t.Errorf("recorded packets %v", numbers)
		}

		later := b.publish(t, "later")
		h.wantRunning(self, later)
		if err := a.Unpublish(t.Context(), self, nil); err != nil {
			t.Error(err)
		}
		h.wantRunning(later)
		b.Leave(video.LeftByChoice)
		h.wantRunning()

		// What the room says holds for the next session.
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.EnableRecording = false })
		again := a.publish(t, "again")
		c := h.join()
		h.wantRunning(again)
		if !c.recording {
			t.Error("a newcomer is not told of the recording")
		}
		h.wantRunning(again, c.publish(t, "self"))
		if _, err := h.host.EndSession(t.Context(), h.room.ID, session); err != nil {
			t.Error(err)
		}
		h.wantRunning()
		d := h.join()
		d.publish(t, "self")
		h.wantRunning()
		if d.recording {
			t.Error("the next session is said to be recorded")
		}
		h.close()
	})
}

func TestRecordingStartsAndStops(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		session := a.SessionID()
		mine, theirs := a.publish(t, "self"), b.publish(t, "self")
		h.wantRunning()
		act := func(what string, selection video.Selection, want ...*observer) {
			t.Helper()
			changed, err := h.moderate(what, session, selection)
			wantChanged(t, changed, err, want...)
		}
		told := func(want ...bool) {
			t.Helper()
			for _, o := range []*observer{a, b} {
				var got []bool
				for _, n := range notices[live.RecordingChanged](o) {
					got = append(got, n.Recording)
				}
				if !slices.Equal(got, want) {
					t.Errorf("told of recording: %v, want %v", got, want)
				}
			}
		}
		act("start_recording", these(a), a)
		act("start_recording", these(a))
		h.wantRunning(mine)
		told(true)
		act("start_recording", everyone, b)
		h.wantRunning(mine, theirs)
		told(true)
		c := h.join()
		if !c.recording {
			t.Error("a newcomer is not told of the recording")
		}
		last := c.publish(t, "self")
		h.wantRunning(mine, theirs, last)

		act("stop_recording", these(b, c), b, c)
		h.wantRunning(mine)
		told(true)
		second := b.publish(t, "second")
		d := h.join() // all were wanted, and stopping some changes nothing for who comes
		fourth := d.publish(t, "self")
		h.wantRunning(mine, fourth)
		act("stop_recording", video.Selection{All: true, Exclude: []video.ParticipantID{d.id}}, a)
		h.wantRunning(fourth)
		e := h.join()
		e.publish(t, "self")
		h.wantRunning(fourth)
		told(true)
		d.Leave(video.LeftByChoice) // the last who was recorded
		h.wantRunning()
		told(true, false)
		act("start_recording", these(b), b)
		h.wantRunning(theirs, second)
		told(true, false, true)
		act("stop_recording", everyone, b)
		h.wantRunning()
		told(true, false, true, false)
		act("start_recording", video.Selection{All: true, Exclude: []video.ParticipantID{a.id, b.id, c.id, e.id}})
		told(true, false, true, false, true) // whoever comes will be recorded
		f := h.join()
		h.wantRunning(f.publish(t, "self"))

		_, err := h.moderate("start_recording", session, these(a, newObserver()))
		wantCode(t, err, video.CodeParticipantNotFound)
		_, err = h.moderate("stop_recording", "another", everyone)
		wantCode(t, err, video.CodeState)
	})
}

// Who is on the way in when recording starts is recorded from the first stream on.
func TestRecordingMeansThoseOnTheirWay(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(time.Second); return nil }
		b := newObserver()
		joined := make(chan error, 1)
		go func() {
			p, _, err := h.host.Join(t.Context(), h.request(b))
			b.Participant = p
			joined <- err
		}()
		settle()
		changed, err := h.moderate("start_recording", a.SessionID(), these(b))
		wantChanged(t, changed, err, b)
		if n := len(notices[live.RecordingChanged](a)); n != 0 {
			t.Error("those inside were told before anyone was recorded")
		}
		if err := <-joined; err != nil {
			t.Fatal(err)
		}
		if n := notices[live.RecordingChanged](a); len(n) != 1 || !b.recording {
			t.Errorf("told of recording: %v, and the newcomer: %v", n, b.recording)
		}
		h.wantRunning(b.publish(t, "self"))
	})
}

// A stream with one kind is recorded as that.
func TestRecordingOfOneKind(t *testing.T) {
	within(t, func(t *testing.T) {
		h := recordedHouse(t)
		defer h.close()
		a := h.join()
		request := publishRequest("self")
		request.Audio, request.Video.Enabled = nil, false
		published, err := a.Publish(t.Context(), request, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := h.media.Transport(a.id).Recorded(published.StreamID); n != 1 {
			t.Errorf("%d kinds are recorded", n)
		}
		recording := h.tapes.Running()[0]
		wantGates(t, recording.Gates(video.Audio))
		wantGates(t, recording.Gates(video.Video), live.GateDisabled)
	})
}

func TestHostWithoutRecorder(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t, func(c *live.Config) { c.Recorder = nil })
		defer h.close()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.EnableRecording = true })
		a := h.join()
		id := a.publish(t, "self")
		if a.recording || h.media.Transport(a.id).Recorded(id) != 0 {
			t.Error("something is recorded")
		}
		_, err := h.moderate("start_recording", a.SessionID(), everyone)
		wantCode(t, err, video.CodeUnavailable)
		changed, err := h.moderate("stop_recording", a.SessionID(), everyone)
		wantChanged(t, changed, err)
	})
}

// A room that is encrypted from end to end is not recorded, whatever it says besides, and lets in nobody who cannot encrypt.
func TestEncryptedRoomIsNotRecorded(t *testing.T) {
	within(t, func(t *testing.T) {
		h := recordedHouse(t)
		defer h.close()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.E2EE = true })
		a := h.join()
		if a.recording {
			t.Error("the snapshot says that the session is recorded")
		}
		a.publish(t, "self")
		h.wantRunning()
		_, err := h.moderate("start_recording", a.SessionID(), video.Selection{All: true})
		if refused, ok := errors.AsType[*video.Error](err); !ok || refused.Code != video.CodeState || refused.Field != "/participants" {
			t.Errorf("recording began: %v", err)
		}
		plain := h.request(a)
		plain.ID, plain.Plain = video.ParticipantID(video.NewUUID()), true
		if _, _, err := h.host.Join(t.Context(), plain); video.CodeOf(err) != video.CodeForbidden {
			t.Errorf("someone who cannot encrypt joined: %v", err)
		}
		_, err = h.host.Watch(t.Context(), live.WatchRequest{Grant: h.grant(), Participant: a.id, Key: "self", Audio: true})
		if video.CodeOf(err) != video.CodeForbidden {
			t.Errorf("someone who cannot decrypt watches: %v", err)
		}
	})
}
