package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// readAtOnce is how many happenings are read together to rebuild a state.
const readAtOnce = 1000

// stateOfSession answers with what was true of a session at a moment, rebuilt from its record.
func (e *entrance) stateOfSession(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	at := q.moment("at")
	subscriptions := q.include("include_subscriptions")
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false)
	if err != nil {
		return answer{}, err
	}
	state, err := e.rebuild(r, session.ID, at)
	if err != nil {
		return answer{}, err
	}
	if at.IsZero() {
		at = state.At
	}
	return one(http.StatusOK, renderState(session.ID, at, state, subscriptions)), nil
}

// rebuild applies what happened in a session up to a moment; all of it if that is zero.
func (e *entrance) rebuild(r *request, session video.SessionID, until time.Time) (state video.SessionState, err error) {
	for {
		happenings, err := e.Sessions.Happenings(r.Context(), video.HappeningQuery{
			AccountID: r.account, SessionID: session, After: state.Seq, Limit: readAtOnce,
		})
		if err != nil {
			return state, err
		}
		for _, h := range happenings {
			if !until.IsZero() && h.At.After(until) {
				return state, nil // times never run backwards in a session
			}
			state.Apply(h)
		}
		if len(happenings) < readAtOnce {
			return state, nil
		}
	}
}

// moment reads a parameter that is a time; the zero time if it is not given.
func (q *query) moment(name string) time.Time {
	value, ok := q.value(name, badRequest)
	if !ok {
		return time.Time{}
	}
	moment, err := time.Parse(time.RFC3339Nano, value)
	if err != nil || !inEra(moment.UTC()) {
		q.fail(badRequest, name, "%s must be a time like 2021-04-25T10:15:00Z.", name)
		return time.Time{}
	}
	return moment.UTC()
}

type (
	stateJSON struct {
		RecordType   string                 `json:"record_type"`
		SessionID    video.SessionID        `json:"session_id"`
		At           *timestamp             `json:"at"`
		Cursor       string                 `json:"cursor"`
		Active       bool                   `json:"active"`
		Participants []participantStateJSON `json:"participants"`
	}
	participantStateJSON struct {
		ParticipantID video.ParticipantID     `json:"participant_id"`
		JoinedAt      timestamp               `json:"joined_at"`
		Connected     bool                    `json:"connected"`
		Media         video.MediaState        `json:"media"`
		Muted         bool                    `json:"muted"`
		Streams       []streamStateJSON       `json:"streams"`
		Subscribed    int                     `json:"subscription_count"`
		Subscriptions []subscriptionStateJSON `json:"subscriptions,omitempty"`
	}
	streamStateJSON struct {
		StreamID    video.StreamID `json:"stream_id"`
		Key         string         `json:"key"`
		PublishedAt timestamp      `json:"published_at"`
		Audio       trackStateJSON `json:"audio"`
		Video       trackStateJSON `json:"video"`
	}
	trackStateJSON struct {
		Enabled  bool `json:"enabled"`
		Censored bool `json:"censored"`
		Recorded bool `json:"recorded"`
	}
	subscriptionStateJSON struct {
		StreamID    video.StreamID      `json:"stream_id"`
		PublisherID video.ParticipantID `json:"publisher_id"`
		Audio       bool                `json:"audio"`
		Video       bool                `json:"video"`
		Quality     video.Quality       `json:"quality"`
		Layer       string              `json:"layer,omitempty"`
		Paused      bool                `json:"paused"`
	}
)

func renderState(session video.SessionID, at time.Time, state video.SessionState, subscriptions bool) stateJSON {
	out := stateJSON{
		RecordType: "room_session_state", SessionID: session, Cursor: strconv.FormatInt(state.Seq, 10), Active: state.Active,
		Participants: each(state.Participants, func(p video.ParticipantState) participantStateJSON {
			rendered := participantStateJSON{
				ParticipantID: p.ID, JoinedAt: timestamp(p.JoinedAt), Connected: p.Connected, Media: p.Media, Muted: p.Muted,
				Streams: each(p.Streams, renderStreamState), Subscribed: len(p.Subscriptions),
			}
			if subscriptions {
				rendered.Subscriptions = each(p.Subscriptions, renderSubscriptionState)
			}
			return rendered
		}),
	}
	if !at.IsZero() {
		moment := timestamp(at)
		out.At = &moment
	}
	return out
}

func renderStreamState(s video.StreamState) streamStateJSON {
	return streamStateJSON{
		StreamID: s.ID, Key: s.Key, PublishedAt: timestamp(s.PublishedAt),
		Audio: trackStateJSON{s.AudioEnabled, s.AudioCensored, s.AudioRecorded},
		Video: trackStateJSON{s.VideoEnabled, s.VideoCensored, s.VideoRecorded},
	}
}

func renderSubscriptionState(s video.SubscriptionState) subscriptionStateJSON {
	return subscriptionStateJSON{
		StreamID: s.StreamID, PublisherID: s.PublisherID, Audio: s.Audio, Video: s.Video, Quality: s.Quality, Layer: s.Layer, Paused: s.Paused,
	}
}
