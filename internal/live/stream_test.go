package live_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestPublishUpdateUnpublish(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		request := publishRequest("self")
		request.Video.Enabled = false
		published, err := a.Publish(t.Context(), request, nil)
		if err != nil || published.Answer == "" {
			t.Fatalf("published %+v, %v", published, err)
		}
		want := video.Stream{ID: published.StreamID, ParticipantID: a.id, Key: "self", AudioEnabled: true}
		if got := notices[live.StreamPublished](b); len(got) != 1 || got[0].Stream != want {
			t.Errorf("b heard %v", got)
		}
		if len(notices[live.StreamPublished](a)) != 0 {
			t.Error("the publisher heard of its own stream")
		}
		transport := h.media.Transport(a.id)
		if !transport.Gate(want.ID, video.Audio) || transport.Gate(want.ID, video.Video) {
			t.Error("the gates are not what is enabled")
		}
		on, off := true, false
		for range 2 { // the second changes nothing and tells nobody
			if err := a.UpdateStream(t.Context(), want.ID, &off, &on, nil); err != nil {
				t.Fatal(err)
			}
		}
		want.AudioEnabled, want.VideoEnabled = false, true
		if got := notices[live.StreamUpdated](b); len(got) != 1 || got[0].Stream != want {
			t.Errorf("b heard %v", got)
		}
		if transport.Gate(want.ID, video.Audio) || !transport.Gate(want.ID, video.Video) {
			t.Error("the gates did not follow")
		}
		wantCode(t, b.UpdateStream(t.Context(), want.ID, &on, nil, nil), video.CodeStreamNotFound)
		wantCode(t, b.Unpublish(t.Context(), want.ID, nil), video.CodeStreamNotFound)
		if err := a.Unpublish(t.Context(), want.ID, nil); err != nil {
			t.Fatal(err)
		}
		if got := notices[live.StreamUnpublished](b); len(got) != 1 || got[0].ID != want.ID {
			t.Errorf("b heard %v", got)
		}
		request.Offer = "" // the lines are there
		if _, err := a.Publish(t.Context(), request, nil); err != nil {
			t.Errorf("the lines cannot be used again: %v", err)
		}
	})
}

func TestPublishRefusals(t *testing.T) {
	line := func(mid string) *live.Line { return &live.Line{MID: mid, Enabled: true} }
	offer := livetest.Offer("a audio sendonly", "v video sendrecv", "r video recvonly", "i audio inactive")
	cases := map[string]struct {
		request live.PublishRequest
		code    video.Code
		field   string
	}{
		"no key":           {live.PublishRequest{Audio: line("a"), Offer: offer}, video.CodeInvalid, "/key"},
		"long key":         {live.PublishRequest{Key: strings.Repeat("k", 65), Audio: line("a"), Offer: offer}, video.CodeInvalid, "/key"},
		"reserved key":     {live.PublishRequest{Key: "audiobridge", Audio: line("a"), Offer: offer}, video.CodeInvalid, "/key"},
		"no kind":          {live.PublishRequest{Key: "k"}, video.CodeInvalid, ""},
		"no mid":           {live.PublishRequest{Key: "k", Video: line("")}, video.CodeInvalid, "/video/mid"},
		"one line for two": {live.PublishRequest{Key: "k", Audio: line("a"), Video: line("a")}, video.CodeInvalid, "/video/mid"},
		"unknown line":     {live.PublishRequest{Key: "k", Audio: line("x"), Offer: offer}, video.CodeInvalid, "/audio/mid"},
		"wrong kind":       {live.PublishRequest{Key: "k", Audio: line("v"), Offer: offer}, video.CodeInvalid, "/audio/mid"},
		"receiving line":   {live.PublishRequest{Key: "k", Video: line("r"), Offer: offer}, video.CodeInvalid, "/video/mid"},
		"inactive line":    {live.PublishRequest{Key: "k", Audio: line("i"), Offer: offer}, video.CodeInvalid, "/audio/mid"},
		"garbage":          {live.PublishRequest{Key: "k", Audio: line("a"), Offer: "garbage"}, video.CodeMedia, "/sdp"},
		"key twice":        {live.PublishRequest{Key: "self", Audio: line("a"), Offer: offer}, video.CodeKeyInUse, "/key"},
		"line twice":       {live.PublishRequest{Key: "k", Video: line("self-v")}, video.CodeInvalid, "/video/mid"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close()
				a, b := h.join(), h.join()
				a.publish(t, "self")
				_, err := a.Publish(t.Context(), c.request, nil)
				wantCode(t, err, c.code)
				if e, ok := errors.AsType[*video.Error](err); !ok || e.Field != c.field {
					t.Errorf("field of %+v is not %q", err, c.field)
				}
				if got := notices[live.StreamPublished](b); len(got) != 1 {
					t.Errorf("b heard %v", got)
				}
			})
		})
	}
}

func TestFailedPublishGivesEverythingBack(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { return errors.New("no codec in common") }
		_, err := a.Publish(t.Context(), publishRequest("self"), nil)
		wantCode(t, err, video.CodeMedia)
		h.media.OnNegotiate = nil
		h.media.OnPublish = func(video.StreamID) error { return errors.New("the line was refused") }
		_, err = a.Publish(t.Context(), publishRequest("self"), nil)
		wantCode(t, err, video.CodeMedia)
		h.media.OnPublish = nil
		a.publish(t, "self")
	})
}

func TestTwoPublishesAtOnce(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { time.Sleep(time.Second); return nil }
		first := make(chan error)
		go func() {
			_, err := a.Publish(t.Context(), publishRequest("self"), nil)
			first <- err
		}()
		settle()
		second := publishRequest("self")
		_, err := a.Publish(t.Context(), second, nil)
		wantCode(t, err, video.CodeKeyInUse)
		second.Key, second.Offer = "other", ""
		_, err = a.Publish(t.Context(), second, nil) // its lines are spoken for
		wantCode(t, err, video.CodeInvalid)
		_, err = a.Negotiate(t.Context(), livetest.Offer(), nil)
		wantCode(t, err, video.CodeState)
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}

func TestStreamsAreLimited(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a := h.join()
		for i := range video.MaxStreamsPerParticipant {
			a.publish(t, string(rune('a'+i)))
		}
		_, err := a.Publish(t.Context(), publishRequest("z"), nil)
		wantCode(t, err, video.CodeTooMany)
	})
}

func TestLeavingWhilePublishing(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { time.Sleep(time.Second); return nil }
		done := make(chan error)
		go func() {
			_, err := a.Publish(t.Context(), publishRequest("self"), nil)
			done <- err
		}()
		settle()
		a.Leave(video.LeftByChoice)
		if err := <-done; err == nil {
			t.Error("published after leaving")
		}
		if len(notices[live.StreamPublished](b)) != 0 {
			t.Error("the stream of someone who left was announced")
		}
	})
}

func TestSubscribe(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		id := a.publish(t, "self")
		wanted := video.Subscription{StreamID: id, Audio: true, Video: true}
		wantCode(t, b.UpdateSubscription(t.Context(), wanted, nil), video.CodeSubscriptionNotFound)
		wantCode(t, a.Subscribe(t.Context(), wanted, nil), video.CodeInvalid)
		wantCode(t, b.Subscribe(t.Context(), video.Subscription{StreamID: "x"}, nil), video.CodeStreamNotFound)
		wantCode(t, b.Subscribe(t.Context(), video.Subscription{StreamID: id, Quality: "best"}, nil), video.CodeInvalid)
		if err := b.Subscribe(t.Context(), wanted, nil); err != nil {
			t.Fatal(err)
		}
		settle()
		if got := notices[live.LinesWanted](b); !slices.Equal(got, []live.LinesWanted{{Audio: 1, Video: 1}}) {
			t.Errorf("lines wanted: %v", got)
		}
		if _, err := b.Negotiate(t.Context(), livetest.Offer("0 audio recvonly", "1 video recvonly"), nil); err != nil {
			t.Fatal(err)
		}
		settle()
		lines := []video.ReceiveLine{{MID: "0", StreamID: id, Kind: video.Audio}, {MID: "1", StreamID: id, Kind: video.Video}}
		if got := notices[live.Receiving](b); len(got) != 1 || !slices.Equal(got[0].Lines, lines) {
			t.Errorf("receiving: %v", got)
		}
		wanted.Video, wanted.Quality = false, video.QualityLow
		if err := b.UpdateSubscription(t.Context(), wanted, nil); err != nil {
			t.Fatal(err)
		}
		if got := h.media.Transport(b.id).Subscriptions(); !slices.Equal(got, []video.Subscription{wanted}) {
			t.Errorf("subscriptions: %v", got)
		}
		if err := b.Unsubscribe(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		wantCode(t, b.Unsubscribe(t.Context(), id, nil), video.CodeSubscriptionNotFound)
		settle()
		if got := notices[live.Receiving](b); len(got) != 2 || len(got[1].Lines) != 0 {
			t.Errorf("receiving: %v", got)
		}
		if err := b.Subscribe(t.Context(), wanted, nil); err != nil { // the lines are there: no negotiation
			t.Fatal(err)
		}
		settle()
		a.Leave(video.LeftByChoice)
		settle()
		if got := notices[live.Receiving](b); len(got) != 4 || len(got[2].Lines) != 2 || len(got[3].Lines) != 0 {
			t.Errorf("receiving: %v", got)
		}
		wantCode(t, b.Unsubscribe(t.Context(), id, nil), video.CodeSubscriptionNotFound)
		if got := notices[live.LinesWanted](b); len(got) != 1 {
			t.Errorf("lines wanted: %v", got)
		}
	})
}

// A pause is told to whom it is about, only while the subscription lasts, and of several in a row the last.
func TestPausesAreTold(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		id := a.publish(t, "presentation")
		if err := b.Subscribe(t.Context(), video.Subscription{StreamID: id, Audio: true, Video: true}, nil); err != nil {
			t.Fatal(err)
		}
		if got := h.media.Transport(b.id).Subscriptions(); len(got) != 1 || got[0].Priority == 0 {
			t.Errorf("a shared screen is subscribed like anything else: %v", got)
		}
		updates := h.media.Transport(b.id).Updates()
		updates.Paused(id, true)
		settle()
		updates.Paused("another", true)
		updates.Paused(id, true)
		updates.Paused(id, false)
		settle()
		if err := b.Unsubscribe(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		updates.Paused(id, true)
		settle()
		want := []live.VideoPaused{{ID: id, Paused: true}, {ID: id}}
		if got := notices[live.VideoPaused](b); !slices.Equal(got, want) {
			t.Errorf("told of pauses: %v, want %v", got, want)
		}
		if got := notices[live.VideoPaused](a); len(got) != 0 {
			t.Errorf("the publisher was told of pauses: %v", got)
		}
	})
}

// What an answer makes possible is told after the answer.
func TestReceivingWaitsForTheAnswer(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		id := a.publish(t, "self")
		if err := b.Subscribe(t.Context(), video.Subscription{StreamID: id, Audio: true}, nil); err != nil {
			t.Fatal(err)
		}
		h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error {
			h.media.Transport(b.id).Updates().Receiving([]video.ReceiveLine{{MID: "early"}})
			time.Sleep(time.Second)
			return nil
		}
		told := -1
		offer := livetest.Offer("0 audio recvonly", "1 video recvonly")
		if _, err := b.Negotiate(t.Context(), offer, func(string) { told = len(notices[live.Receiving](b)) }); err != nil {
			t.Fatal(err)
		}
		settle()
		if told != 0 {
			t.Errorf("%d maps were told before the answer", told)
		}
		if got := notices[live.Receiving](b); len(got) != 1 || len(got[0].Lines) != 2 {
			t.Errorf("receiving: %v", got)
		}
	})
}

func TestMediaUpdatesReachTheirOwner(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		updates := h.media.Transport(a.id).Updates()
		updates.Connected()
		settle()
		updates.Failed(errors.New("ICE"))
		settle()
		if len(notices[live.MediaConnected](a)) != 1 || len(notices[live.MediaFailed](a)) != 1 || len(b.heard) != 0 {
			t.Errorf("heard %v and %v", a.heard, b.heard)
		}
		updates.LinesWanted(2, 1)
		updates.LinesWanted(1, 3)
		settle()
		updates.LinesWanted(3, 0) // never shrinks
		settle()
		if got := notices[live.LinesWanted](a); got[len(got)-1] != (live.LinesWanted{Audio: 3, Video: 3}) {
			t.Errorf("lines wanted: %v", got)
		}
	})
}

// TestLayersWantedAreTold: whoever publishes hears what of its streams is wanted, the last of each, and nothing of others'.
func TestLayersWantedAreTold(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		first, second := a.publish(t, "first"), a.publish(t, "second")
		others := b.publish(t, "others")
		updates := h.media.Transport(a.id).Updates()
		updates.LayersWanted(first, 1)
		updates.LayersWanted(second, 0)
		updates.LayersWanted(first, 3)
		updates.LayersWanted(others, 2)
		settle()
		got := map[video.StreamID]int{}
		for _, wanted := range notices[live.LayersWanted](a) { // what a later report replaced may have been told before it came
			got[wanted.StreamID] = wanted.Layers
		}
		if want := map[video.StreamID]int{second: 0, first: 3}; !maps.Equal(got, want) {
			t.Errorf("layers wanted: %v, want %v", got, want)
		}
		if got := notices[live.LayersWanted](b); len(got) != 0 {
			t.Errorf("the other heard %v", got)
		}
	})
}

func TestGrants(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		b := h.join()
		id := b.publish(t, "self")
		o := newObserver()
		request := h.request(o)
		request.Grant.Grants = video.Grants{}
		p, _, err := h.host.Join(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		try := func() []error {
			_, publish := p.Publish(t.Context(), publishRequest("k"), nil)
			_, message := p.SendMessage(t.Context(), []byte(`{}`), nil, nil)
			return []error{publish, p.Subscribe(t.Context(), video.Subscription{StreamID: id}, nil), message}
		}
		for _, err := range try() {
			wantCode(t, err, video.CodeForbidden)
		}
		wrong := h.grant()
		wrong.RoomID = "another"
		wantCode(t, p.Renew(t.Context(), wrong), video.CodeUnauthorized)
		if err := p.Renew(t.Context(), h.grant()); err != nil {
			t.Fatal(err)
		}
		for _, err := range try() {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestMessages(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close()
		a, b := h.join(), h.join()
		deaf := newObserver()
		request := h.request(deaf)
		request.ReceivesMessages = false
		if _, _, err := h.host.Join(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		missed, err := a.SendMessage(t.Context(), []byte(`{"n":1}`), nil, nil)
		if err != nil || len(missed) != 0 {
			t.Errorf("missed %v, %v", missed, err)
		}
		gone := video.ParticipantID(video.NewUUID())
		missed, err = a.SendMessage(t.Context(), []byte(`{"n":2}`), []video.ParticipantID{b.id, deaf.id, gone, b.id}, nil)
		if err != nil || !slices.Equal(missed, []video.ParticipantID{deaf.id, gone}) {
			t.Errorf("missed %v, %v", missed, err)
		}
		if got := notices[live.Message](a); len(got) != 1 || string(got[0].Body) != `{"n":1}` {
			t.Errorf("a heard %v", got)
		}
		got := notices[live.Message](b)
		if len(got) != 2 || got[0].From != a.id || len(got[0].Recipients) != 0 || len(got[1].Recipients) != 3 {
			t.Errorf("b heard %v", got)
		}
		if len(notices[live.Message](deaf)) != 0 {
			t.Error("a message reached someone who receives none")
		}
		_, err = a.SendMessage(t.Context(), make([]byte, video.MaxMessageBytes+1), nil, nil)
		wantCode(t, err, video.CodeTooLarge)
		_, err = a.SendMessage(t.Context(), nil, make([]video.ParticipantID, live.MaxRecipients+1), nil)
		wantCode(t, err, video.CodeTooMany)
	})
}

func TestViewers(t *testing.T) {
	within(t, func(t *testing.T) {
		h := newHouse(t, func(c *live.Config) { c.MaxViewers = 2 })
		defer h.close()
		var heard []live.Notice
		request := live.WatchRequest{
			Grant: h.grant(), Name: "cam", Key: "self", Video: true,
			Listener: live.ListenerFunc(func(n live.Notice) { heard = append(heard, n) }),
		}
		watch := func() (*live.Viewer, error) { return h.host.Watch(t.Context(), request) }
		_, err := watch() // an idle room
		wantCode(t, err, video.CodeStreamNotFound)

		o := newObserver()
		join := h.request(o)
		join.Name, join.Context = "cam", "cam"
		p, _, err := h.host.Join(t.Context(), join)
		if err != nil {
			t.Fatal(err)
		}
		join.ID = newObserver().id
		_, _, err = h.host.Join(t.Context(), join)
		wantCode(t, err, video.CodeDuplicate)
		_, err = watch()
		wantCode(t, err, video.CodeStreamNotFound)
		published, err := p.Publish(t.Context(), publishRequest("self"), nil)
		if err != nil {
			t.Fatal(err)
		}

		first, err := watch()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := first.Negotiate(t.Context(), livetest.Offer("0 video recvonly")); err != nil {
			t.Fatal(err)
		}
		request.Name, request.Participant = "", o.id
		second, err := watch()
		if err != nil {
			t.Fatal(err)
		}
		_, err = watch()
		wantCode(t, err, video.CodeTooMany)
		if len(o.heard) != 0 {
			t.Errorf("the publisher noticed: %v", o.heard)
		}
		first.Close()
		first.Close()
		if !h.media.Transport(first.ID()).Closed() {
			t.Error("the transport is open after Close")
		}
		third, err := watch()
		if err != nil {
			t.Fatal(err)
		}
		settle()
		heard = nil
		if err := p.Unpublish(t.Context(), published.StreamID, nil); err != nil {
			t.Fatal(err)
		}
		settle()
		if !slices.Equal(heard, []live.Notice{live.Removed{live.StreamEnded}, live.Removed{live.StreamEnded}}) {
			t.Errorf("heard %v", heard)
		}
		second.Close()
		third.Close()
		_, err = first.Negotiate(t.Context(), livetest.Offer())
		wantCode(t, err, video.CodeState)
		request.Grant.Grants.Subscribe = false
		_, err = watch()
		wantCode(t, err, video.CodeForbidden)
	})
}
