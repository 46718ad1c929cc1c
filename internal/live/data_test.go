package live_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// slow is an observer that refuses what need not arrive while it is full.
type slow struct {
	*observer
	full atomic.Bool
}

func (s *slow) Take(n live.Notice) bool {
	if s.full.Load() {
		return false
	}
	s.Notify(n)
	return true
}

func (h *house) joinSlow() *slow {
	h.t.Helper()
	s := &slow{observer: newObserver()}
	request := h.request(s.observer)
	request.Listener = s
	p, _, err := h.host.Join(h.t.Context(), request)
	if err != nil {
		h.t.Fatal(err)
	}
	s.Participant = p
	return s
}

// TestSlowReceiverMissesMessages: the sender learns of it, and the others get theirs.
func TestSlowReceiverMissesMessages(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, c := h.join(), h.joinSlow(), h.join()
		send := func(recipients ...video.ParticipantID) []video.ParticipantID {
			t.Helper()
			missed, err := a.SendMessage(t.Context(), []byte(`{}`), recipients, nil)
			if err != nil {
				t.Fatal(err)
			}
			return missed
		}
		if missed := send(); missed != nil {
			t.Errorf("missed %v", missed)
		}
		b.full.Store(true)
		if missed := send(); !slices.Equal(missed, []video.ParticipantID{b.id}) {
			t.Errorf("a message to all missed %v", missed)
		}
		if missed := send(b.id, c.id); !slices.Equal(missed, []video.ParticipantID{b.id}) {
			t.Errorf("a message to two missed %v", missed)
		}
		missed, err := a.SendData(t.Context(), []byte{1}, "t", nil, nil)
		if err != nil || !slices.Equal(missed, []video.ParticipantID{b.id}) {
			t.Errorf("data missed %v, %v", missed, err)
		}
		h.join() // what must arrive is not refused
		settle()
		if got, want := len(notices[live.ParticipantJoined](b.observer)), 2; got != want {
			t.Errorf("the slow one heard of %d who came, want %d", got, want)
		}
		if got := [3]int{len(notices[live.Message](a)), len(notices[live.Message](b.observer)), len(notices[live.Message](c))}; got != [3]int{2, 1, 3} {
			t.Errorf("messages received: %v", got)
		}
	})
}

func TestDataReachesTheOthers(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, c := h.join(), h.join(), h.join()
		payload := bytes.Repeat([]byte{0, 255}, video.MaxMessageBytes/2)
		if _, err := a.SendData(t.Context(), payload, "strokes", nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := a.SendData(t.Context(), []byte("only b"), "", []video.ParticipantID{b.id}, nil); err != nil {
			t.Fatal(err)
		}
		got := notices[live.Data](b)
		if len(got) != 2 || got[0].From != a.id || got[0].Topic != "strokes" || !bytes.Equal(got[0].Payload, payload) || string(got[1].Payload) != "only b" {
			t.Errorf("b received %d pieces of data", len(got))
		}
		if n := len(notices[live.Data](c)); n != 1 {
			t.Errorf("c received %d", n)
		}
		if n := len(notices[live.Data](a)); n != 0 {
			t.Errorf("the sender received %d of its own", n)
		}
		_, err := a.SendData(t.Context(), make([]byte, video.MaxMessageBytes+1), "", nil, nil)
		wantCode(t, err, video.CodeTooLarge)
		_, err = a.SendData(t.Context(), nil, strings.Repeat("x", video.MaxTopicBytes+1), nil, nil)
		wantCode(t, err, video.CodeTooLarge)
	})
}

// TestMessagesAreLimited to 2 MiB at once and 512 KiB a second, and small ones count.
func TestMessagesAreLimited(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		many := func(o *observer, size int) (sent int) {
			for {
				_, err := o.SendMessage(t.Context(), make([]byte, size), nil, nil)
				if err != nil {
					wantCode(t, err, video.CodeRateLimited)
					return sent
				}
				sent++
			}
		}
		if n := many(a, 256<<10); n != 8 {
			t.Errorf("%d large messages at once", n)
		}
		if n := many(b, 10); n != 2048 {
			t.Errorf("%d small messages at once", n)
		}
		pass(time.Second)
		if n := many(a, 256<<10); n != 2 {
			t.Errorf("%d large messages a second later", n)
		}
		if n := many(b, 10); n != 512 {
			t.Errorf("%d small messages a second later", n)
		}
	})
}

// lossy makes a message as a client sends it.
func lossy(topic, payload string, recipients ...video.ParticipantID) []byte {
	b := append([]byte{1, byte(len(topic))}, topic...)
	b = append(b, byte(len(recipients)))
	for _, id := range recipients {
		raw, _ := hex.DecodeString(strings.ReplaceAll(string(id), "-", ""))
		b = append(b, raw...)
	}
	return append(b, payload...)
}

// sentLossy is that message as the others get it.
func sentLossy(topic, payload string, from video.ParticipantID, private bool) string {
	raw, _ := hex.DecodeString(strings.ReplaceAll(string(from), "-", ""))
	flag := map[bool]byte{true: 1}[private]
	return string(append(append(append([]byte{1, byte(len(topic))}, topic...), raw...), flag)) + payload
}

func (h *house) received(o *observer) (out []string) {
	for _, b := range h.media.Transport(o.id).Data() {
		out = append(out, string(b))
	}
	return out
}

func TestLossyData(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b, c := h.join(), h.join(), h.join()
		from := func(o *observer, message []byte) {
			h.media.Transport(o.id).Updates().Data(message)
			clear(message) // it was only lent
			settle()
		}
		from(a, lossy("cursor", "1,2"))
		from(a, lossy("", "for b", b.id))
		from(b, lossy("", ""))
		one, two, three := sentLossy("cursor", "1,2", a.id, false), sentLossy("", "for b", a.id, true), sentLossy("", "", b.id, false)
		for o, want := range map[*observer][]string{a: {three}, b: {one, two}, c: {one, three}} {
			if got := h.received(o); !slices.Equal(got, want) {
				t.Errorf("received %q, want %q", got, want)
			}
		}
	})
}

func TestLossyDataIsDropped(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		updates := h.media.Transport(a.id).Updates()
		long := strings.Repeat("x", 65)
		for _, bad := range [][]byte{
			nil,
			{1},
			{1, 0},
			{2, 0, 0},
			{1, 5, 'a', 0},
			{1, 0, 1, 7},
			lossy(long, ""), lossy("", strings.Repeat("x", 1201)),
			lossy("", "", slices.Repeat([]video.ParticipantID{b.id}, 17)...),
		} {
			updates.Data(bad)
		}
		settle()
		if got := h.received(b); got != nil {
			t.Fatalf("received %q", got)
		}
		pass(10 * time.Second)
		for range 1000 {
			updates.Data(lossy("", strings.Repeat("x", 1200)))
			settle()
		}
		if n := len(h.received(b)); n != 400 {
			t.Errorf("%d of 1000 at once got through", n)
		}
		pass(time.Second)
		for range 1000 {
			updates.Data(lossy("", "x"))
			settle()
		}
		if n := len(h.received(b)); n != 600 {
			t.Errorf("%d got through in all, a second later", n)
		}
		a.Leave(video.LeftByChoice)
		pass(5 * time.Second)
		updates.Data(lossy("", "from beyond"))
		settle()
		if n := len(h.received(b)); n != 600 {
			t.Error("somebody who left was heard")
		}
	})
}

// A session goes on while lossy data is sent, and what comes meanwhile is bounded.
func TestLossyDataHoldsNobodyUp(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		release := h.media.HoldData()
		for range 400 {
			h.media.Transport(a.id).Updates().Data(lossy("", "x"))
			settle()
		}
		c := h.join()
		if n := notices[live.ParticipantJoined](a); len(n) != 2 || n[1].Participant.ID != c.id {
			t.Errorf("heard %v of who came while data was sent", n)
		}
		release()
		settle()
		if n := len(h.received(b)); n < 100 || n > 300 {
			t.Errorf("%d of 400 messages were kept while nothing could be sent", n)
		}
	})
}

// However many send, a session sends no more than so much.
func TestLossyDataOfAllIsBounded(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		h.rooms.Change(h.room.ID, func(r *video.Room) { r.MaxParticipants = 20 })
		var all []*observer
		for range 20 {
			all = append(all, h.join())
		}
		for _, o := range all {
			for range 400 {
				h.media.Transport(o.id).Updates().Data(lossy("", "x"))
			}
			settle()
		}
		n := 0
		for _, o := range all {
			n += len(h.received(o))
		}
		if n < 20_000 || n > 25_000 {
			t.Errorf("%d messages were sent at once, of 152,000", n)
		}
	})
}

func TestLossyDataNeedsTheGrant(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		b, a := h.join(), newObserver()
		request := h.request(a)
		request.Grant.Grants.SendMessages = false
		if _, _, err := h.host.Join(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		h.media.Transport(a.id).Updates().Data(lossy("", "x"))
		settle()
		if got := h.received(b); got != nil {
			t.Errorf("received %q", got)
		}
	})
}
