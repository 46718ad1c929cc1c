package video

import (
	"slices"
	"time"
)

// MediaState is what became of a participant's media connection.
type MediaState string

const (
	MediaNone      MediaState = "none" // not connected yet
	MediaConnected MediaState = "connected"
	MediaLost      MediaState = "lost"
)

// SessionState is what was true of a session at one moment, as its happenings tell. The zero value is the state before the first.
type SessionState struct {
	Seq          int64     // of the last happening applied
	At           time.Time // when that was
	Active       bool
	Participants []ParticipantState // in the order they came
}

// ParticipantState is someone who is in a session.
type ParticipantState struct {
	ID            ParticipantID
	JoinedAt      time.Time
	Connected     bool // its client is heard of
	Media         MediaState
	Muted         bool                // by a moderator, streams published later included
	Streams       []StreamState       // in the order of publishing
	Subscriptions []SubscriptionState // in the order they began
}

// StreamState is a stream that is published.
type StreamState struct {
	Stream
	PublishedAt                  time.Time
	AudioRecorded, VideoRecorded bool
}

// SubscriptionState is what a participant takes of a stream, and is sent of it.
type SubscriptionState struct {
	StreamID     StreamID
	PublisherID  ParticipantID
	Audio, Video bool
	Quality      Quality // the layer wanted at most
	Layer        string  // the layer sent: its rid, or empty for the only one
	Paused       bool    // the path does not carry the picture
}

// Apply brings the state to after a happening. They come in the order of the record; one that does not fit, because another was left out of
// the record, changes nothing.
func (s *SessionState) Apply(h Happening) {
	s.Seq, s.At = h.Seq, h.At
	switch h.Type {
	case HappenedSessionStarted:
		s.Active = true
	case HappenedSessionEnded:
		s.Active, s.Participants = false, nil
	case HappenedJoined:
		s.Participants = append(s.Participants, ParticipantState{ID: h.ParticipantID, JoinedAt: h.At, Connected: true, Media: MediaNone})
	case HappenedLeft:
		s.leave(h.ParticipantID)
	case HappenedUnpublished:
		s.unpublish(h.ParticipantID, h.StreamID)
	default:
		if p := s.participant(h.ParticipantID); p != nil {
			p.apply(h)
		}
	}
}

func (s *SessionState) participant(id ParticipantID) *ParticipantState {
	for i := range s.Participants {
		if s.Participants[i].ID == id {
			return &s.Participants[i]
		}
	}
	return nil
}

// leave takes along the participant's streams, and what others took of them.
func (s *SessionState) leave(id ParticipantID) {
	s.Participants = slices.DeleteFunc(s.Participants, func(p ParticipantState) bool { return p.ID == id })
	s.release(func(sub SubscriptionState) bool { return sub.PublisherID == id })
}

func (s *SessionState) unpublish(owner ParticipantID, id StreamID) {
	if p := s.participant(owner); p != nil {
		p.Streams = slices.DeleteFunc(p.Streams, func(st StreamState) bool { return st.ID == id })
	}
	s.release(func(sub SubscriptionState) bool { return sub.StreamID == id })
}

func (s *SessionState) release(over func(SubscriptionState) bool) {
	for i := range s.Participants {
		p := &s.Participants[i]
		p.Subscriptions = slices.DeleteFunc(p.Subscriptions, over)
	}
}

// apply takes what happened to a participant who is in the session and stays.
func (p *ParticipantState) apply(h Happening) {
	switch h.Type {
	case HappenedMuted, HappenedUnmuted:
		p.Muted = h.Type == HappenedMuted
	case HappenedConnectionLost, HappenedConnectionResumed:
		p.Connected = h.Type == HappenedConnectionResumed
	case HappenedMediaConnected:
		p.Media = MediaConnected
	case HappenedMediaLost:
		p.Media = MediaLost
	case HappenedPublished:
		p.Streams = append(p.Streams, StreamState{PublishedAt: h.At, Stream: Stream{
			ID: h.StreamID, ParticipantID: p.ID, Key: h.Key, AudioEnabled: isTrue(h.Audio), VideoEnabled: isTrue(h.Video),
		}})
	case HappenedSubscribed:
		p.Subscriptions = append(p.Subscriptions, SubscriptionState{
			StreamID: h.StreamID, PublisherID: h.PublisherID, Audio: isTrue(h.Audio), Video: isTrue(h.Video), Quality: h.Quality,
		})
	case HappenedUnsubscribed:
		p.Subscriptions = slices.DeleteFunc(p.Subscriptions, func(sub SubscriptionState) bool { return sub.StreamID == h.StreamID })
	default:
		p.applyToStream(h)
		p.applyToSubscription(h)
	}
}

func (p *ParticipantState) applyToStream(h Happening) {
	i := slices.IndexFunc(p.Streams, func(st StreamState) bool { return st.ID == h.StreamID })
	if i < 0 {
		return
	}
	st := &p.Streams[i]
	var audio, picture *bool
	var on bool
	switch h.Type {
	case HappenedEnabled, HappenedDisabled:
		audio, picture, on = &st.AudioEnabled, &st.VideoEnabled, h.Type == HappenedEnabled
	case HappenedCensored, HappenedUncensored:
		audio, picture, on = &st.AudioCensored, &st.VideoCensored, h.Type == HappenedCensored
	case HappenedRecordingStarted, HappenedRecordingStopped:
		audio, picture, on = &st.AudioRecorded, &st.VideoRecorded, h.Type == HappenedRecordingStarted
	default:
		return
	}
	if h.Kind == Audio {
		*audio = on
	} else {
		*picture = on
	}
}

func (p *ParticipantState) applyToSubscription(h Happening) {
	i := slices.IndexFunc(p.Subscriptions, func(sub SubscriptionState) bool { return sub.StreamID == h.StreamID })
	if i < 0 {
		return
	}
	sub := &p.Subscriptions[i]
	switch h.Type {
	case HappenedSubscriptionChanged:
		sub.Audio, sub.Video, sub.Quality = isTrue(h.Audio), isTrue(h.Video), h.Quality
	case HappenedLayer:
		sub.Layer = h.Layer
	case HappenedPaused, HappenedResumed:
		sub.Paused = h.Type == HappenedPaused
	}
}

func isTrue(b *bool) bool { return b != nil && *b }
