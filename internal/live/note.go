package live

import (
	"errors"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What happens in a session is noted in the journal, so that the record tells the state at any moment. What follows from
// a change is not noted beside it: whoever left takes along their streams and subscriptions, a stream that was
// unpublished its subscriptions, and an ended session everything.

// note never waits. It runs in the loop.
func (s *session) note(h video.Happening) {
	h.AccountID, h.SessionID, h.At = s.record.AccountID, s.record.ID, s.host.now()
	s.host.config.Journal.Note(h)
}

func (s *session) notePublished(st *stream) {
	audio, picture := st.AudioEnabled, st.VideoEnabled
	s.note(video.Happening{
		Type: video.HappenedPublished, ParticipantID: st.ParticipantID, StreamID: st.ID, Key: st.Key, Audio: &audio, Video: &picture,
	})
	if st.AudioCensored {
		s.noteCensored(st)
	}
}

func (s *session) noteUnpublished(st *stream) {
	s.note(video.Happening{
		Type: video.HappenedUnpublished, ParticipantID: st.ParticipantID, StreamID: st.ID, Key: st.Key,
	})
}

// noteEnabled notes what of a stream was switched on or off since before.
func (s *session) noteEnabled(st *stream, before video.Stream) {
	if st.AudioEnabled != before.AudioEnabled {
		s.noteTrack(st, video.Audio, st.AudioEnabled, video.HappenedEnabled, video.HappenedDisabled)
	}
	if st.VideoEnabled != before.VideoEnabled {
		s.noteTrack(st, video.Video, st.VideoEnabled, video.HappenedEnabled, video.HappenedDisabled)
	}
}

func (s *session) noteCensored(st *stream) {
	s.noteTrack(st, video.Audio, st.AudioCensored, video.HappenedCensored, video.HappenedUncensored)
}

func (s *session) noteTrack(st *stream, kind video.Kind, on bool, turnedOn, turnedOff video.HappeningType) {
	happened := turnedOff
	if on {
		happened = turnedOn
	}
	s.note(video.Happening{Type: happened, ParticipantID: st.ParticipantID, StreamID: st.ID, Key: st.Key, Kind: kind})
}

func (s *session) noteMuted(m *member) {
	happened := video.HappenedUnmuted
	if m.muted {
		happened = video.HappenedMuted
	}
	s.note(video.Happening{Type: happened, ParticipantID: m.presence.ID})
}

// noteSubscription notes that a participant takes a stream, otherwise than before, or no more.
func (s *session) noteSubscription(happened video.HappeningType, m *member, subscription video.Subscription) {
	h := video.Happening{Type: happened, ParticipantID: m.presence.ID, StreamID: subscription.StreamID}
	if st := s.stream(subscription.StreamID); st != nil {
		h.PublisherID = st.ParticipantID
	}
	if happened != video.HappenedUnsubscribed {
		h.Audio, h.Video, h.Quality = &subscription.Audio, &subscription.Video, subscription.Quality
	}
	s.note(h)
}

// noteMedia notes what became of a participant's media connection, and which layers it is sent.
func (s *session) noteMedia(m *member, news report) {
	switch news.media.(type) {
	case MediaConnected:
		s.note(video.Happening{Type: video.HappenedMediaConnected, ParticipantID: m.presence.ID})
	case MediaFailed:
		s.note(video.Happening{Type: video.HappenedMediaLost, ParticipantID: m.presence.ID})
	}
	for _, sent := range news.layers {
		st := s.stream(sent.stream)
		if _, subscribed := m.subscriptions[sent.stream]; !subscribed || st == nil {
			continue // over meanwhile
		}
		s.note(video.Happening{
			Type: video.HappenedLayer, ParticipantID: m.presence.ID, PublisherID: st.ParticipantID, StreamID: st.ID, Layer: sent.rid,
		})
	}
}

// notePaused notes that the path to a participant carries the picture of a stream no more, or again.
func (s *session) notePaused(m *member, p pausedStream) {
	happened := video.HappenedResumed
	if p.paused {
		happened = video.HappenedPaused
	}
	h := video.Happening{Type: happened, ParticipantID: m.presence.ID, StreamID: p.stream}
	if st := s.stream(p.stream); st != nil {
		h.PublisherID = st.ParticipantID
	}
	s.note(h)
}

// noteConnection notes that a participant's client is not heard of, or is back.
func (s *session) noteConnection(m *member) {
	happened := video.HappenedConnectionResumed
	if m.presence.ConnectionLost {
		happened = video.HappenedConnectionLost
	}
	s.note(video.Happening{Type: happened, ParticipantID: m.presence.ID})
}

// maxRefusals is how many refused joins of a session are noted in a minute: who is turned away may knock for ever.
const maxRefusals = 30

// refusals counts those noted since a minute began.
type refusals struct {
	since time.Time
	noted int
}

// noteRefused notes that somebody was turned away, if err says so. It runs in the loop.
func (s *session) noteRefused(id video.ParticipantID, err error) {
	if err == nil || errors.Is(err, errEnded) || !s.isOpen() { // errEnded: they open the next session
		return
	}
	r, now := &s.refusals, s.host.now()
	if now.Sub(r.since) >= time.Minute {
		*r = refusals{since: now}
	}
	if r.noted++; r.noted <= maxRefusals {
		s.note(video.Happening{Type: video.HappenedJoinRefused, ParticipantID: id, Reason: string(video.CodeOf(err))})
	}
}

// isOpen reports whether the journal has opened the session.
func (s *session) isOpen() bool {
	select {
	case <-s.opened:
		return s.openErr == nil
	default:
		return false
	}
}
