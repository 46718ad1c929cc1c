package video

import (
	"reflect"
	"testing"
	"time"
)

var began = time.Date(2026, 3, 26, 17, 52, 0, 0, time.UTC)

// story applies happenings a second apart.
func story(happenings ...Happening) (state SessionState) {
	for i, h := range happenings {
		h.Seq, h.At = int64(i+1), began.Add(time.Duration(i)*time.Second)
		state.Apply(h)
	}
	return state
}

func happened(what HappeningType, who ParticipantID) Happening {
	return Happening{Type: what, ParticipantID: who}
}

func ofStream(what HappeningType, who ParticipantID, stream StreamID, kind Kind) Happening {
	return Happening{Type: what, ParticipantID: who, StreamID: stream, Kind: kind}
}

func TestStateOfASession(t *testing.T) {
	on, off := true, false
	published := Happening{Type: HappenedPublished, ParticipantID: "ada", StreamID: "cam", Key: "self", Audio: &on, Video: &off}
	subscribed := Happening{Type: HappenedSubscribed, ParticipantID: "bo", PublisherID: "ada", StreamID: "cam", Audio: &on, Video: &on, Quality: QualityHigh}
	call := []Happening{
		{Type: HappenedSessionStarted}, happened(HappenedJoined, "ada"), happened(HappenedJoined, "bo"), happened(HappenedMediaConnected, "bo"), published, subscribed,
	}
	ada := ParticipantState{ID: "ada", JoinedAt: began.Add(time.Second), Connected: true, Media: MediaNone, Streams: []StreamState{{
		Stream: Stream{ID: "cam", ParticipantID: "ada", Key: "self", AudioEnabled: true}, PublishedAt: began.Add(4 * time.Second),
	}}}
	bo := ParticipantState{ID: "bo", JoinedAt: began.Add(2 * time.Second), Connected: true, Media: MediaConnected, Subscriptions: []SubscriptionState{{
		StreamID: "cam", PublisherID: "ada", Audio: true, Video: true, Quality: QualityHigh,
	}}}
	for name, c := range map[string]struct {
		then []Happening
		ada  func(*ParticipantState) // nil: she is out
		bo   func(*ParticipantState)
	}{
		"nothing more":     {nil, func(*ParticipantState) {}, func(*ParticipantState) {}},
		"connection":       {[]Happening{happened(HappenedConnectionLost, "bo")}, func(*ParticipantState) {}, func(p *ParticipantState) { p.Connected = false }},
		"resumed":          {[]Happening{happened(HappenedConnectionLost, "bo"), happened(HappenedConnectionResumed, "bo")}, func(*ParticipantState) {}, func(*ParticipantState) {}},
		"media lost":       {[]Happening{happened(HappenedMediaLost, "bo")}, func(*ParticipantState) {}, func(p *ParticipantState) { p.Media = MediaLost }},
		"muted":            {[]Happening{happened(HappenedMuted, "ada"), ofStream(HappenedCensored, "ada", "cam", Audio)}, func(p *ParticipantState) { p.Muted, p.Streams[0].AudioCensored = true, true }, func(*ParticipantState) {}},
		"unmuted":          {[]Happening{happened(HappenedMuted, "ada"), happened(HappenedUnmuted, "ada")}, func(*ParticipantState) {}, func(*ParticipantState) {}},
		"switched":         {[]Happening{ofStream(HappenedDisabled, "ada", "cam", Audio), ofStream(HappenedEnabled, "ada", "cam", Video)}, func(p *ParticipantState) { p.Streams[0].AudioEnabled, p.Streams[0].VideoEnabled = false, true }, func(*ParticipantState) {}},
		"recorded":         {[]Happening{ofStream(HappenedRecordingStarted, "ada", "cam", Video)}, func(p *ParticipantState) { p.Streams[0].VideoRecorded = true }, func(*ParticipantState) {}},
		"no more recorded": {[]Happening{ofStream(HappenedRecordingStarted, "ada", "cam", Video), ofStream(HappenedRecordingStopped, "ada", "cam", Video)}, func(*ParticipantState) {}, func(*ParticipantState) {}},
		"layer and pause": {
			[]Happening{{Type: HappenedLayer, ParticipantID: "bo", StreamID: "cam", Layer: "h"}, ofStream(HappenedPaused, "bo", "cam", "")},
			func(*ParticipantState) {}, func(p *ParticipantState) { p.Subscriptions[0].Layer, p.Subscriptions[0].Paused = "h", true },
		},
		"taken otherwise": {
			[]Happening{{Type: HappenedSubscriptionChanged, ParticipantID: "bo", StreamID: "cam", Audio: &off, Video: &on, Quality: QualityLow}},
			func(*ParticipantState) {}, func(p *ParticipantState) { p.Subscriptions[0].Audio, p.Subscriptions[0].Quality = false, QualityLow },
		},
		"taken no more":     {[]Happening{ofStream(HappenedUnsubscribed, "bo", "cam", "")}, func(*ParticipantState) {}, func(p *ParticipantState) { p.Subscriptions = p.Subscriptions[:0] }},
		"unpublished":       {[]Happening{ofStream(HappenedUnpublished, "ada", "cam", "")}, func(p *ParticipantState) { p.Streams = p.Streams[:0] }, func(p *ParticipantState) { p.Subscriptions = p.Subscriptions[:0] }},
		"left":              {[]Happening{happened(HappenedLeft, "ada")}, nil, func(p *ParticipantState) { p.Subscriptions = p.Subscriptions[:0] }},
		"a refusal":         {[]Happening{{Type: HappenedJoinRefused, ParticipantID: "ada", Reason: "duplicate_participant"}}, func(*ParticipantState) {}, func(*ParticipantState) {}},
		"what does not fit": {[]Happening{happened(HappenedMuted, "who"), ofStream(HappenedEnabled, "ada", "what", Audio), ofStream(HappenedLayer, "ada", "cam", ""), {Type: "of tomorrow"}}, func(*ParticipantState) {}, func(*ParticipantState) {}},
	} {
		all := append(append([]Happening{}, call...), c.then...)
		got := story(all...)
		want := SessionState{Seq: int64(len(all)), At: began.Add(time.Duration(len(all)-1) * time.Second), Active: true}
		wantAda, wantBo := clone(ada), clone(bo)
		if c.ada != nil {
			c.ada(&wantAda)
			want.Participants = append(want.Participants, wantAda)
		}
		c.bo(&wantBo)
		want.Participants = append(want.Participants, wantBo)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the state is\n%+v, want\n%+v", name, got, want)
		}
	}
	over := story(append(call, Happening{Type: HappenedSessionEnded})...)
	if over.Active || over.Participants != nil {
		t.Errorf("after the end: %+v", over)
	}
}

func clone(p ParticipantState) ParticipantState {
	p.Streams, p.Subscriptions = append([]StreamState(nil), p.Streams...), append([]SubscriptionState(nil), p.Subscriptions...)
	return p
}
