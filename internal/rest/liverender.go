package rest

import (
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type (
	liveSessionJSON struct {
		RecordType   string                `json:"record_type"`
		SessionID    video.SessionID       `json:"session_id"`
		RoomID       video.RoomID          `json:"room_id"`
		At           timestamp             `json:"at"`
		Active       bool                  `json:"active"`
		CreatedAt    timestamp             `json:"created_at"`
		EndedAt      *timestamp            `json:"ended_at"`
		EndedReason  *string               `json:"ended_reason"`
		E2EE         bool                  `json:"e2ee"`
		Recording    bool                  `json:"recording"`
		Participants []liveParticipantJSON `json:"participants"`
	}
	liveParticipantJSON struct {
		ID             video.ParticipantID    `json:"id"`
		Context        *string                `json:"context"`
		JoinedAt       timestamp              `json:"joined_at"`
		Watcher        bool                   `json:"watcher"`
		ConnectionLost bool                   `json:"connection_lost"`
		Muted          bool                   `json:"muted"`
		Recorded       bool                   `json:"recorded"`
		Streams        []liveStreamJSON       `json:"streams"`
		Subscriptions  []liveSubscriptionJSON `json:"subscriptions"`
		Client         *clientJSON            `json:"client"`
		Measured       *sampleJSON            `json:"measured"`
	}
	liveStreamJSON struct {
		ID       video.StreamID `json:"id"`
		Key      string         `json:"key"`
		Recorded bool           `json:"recorded"`
		Audio    *switchesJSON  `json:"audio"`
		Video    *switchesJSON  `json:"video"`
	}
	switchesJSON struct {
		Enabled  bool `json:"enabled"`
		Censored bool `json:"censored"`
	}
	liveSubscriptionJSON struct {
		StreamID  video.StreamID `json:"stream_id"`
		Audio     bool           `json:"audio"`
		Video     bool           `json:"video"`
		Quality   video.Quality  `json:"quality"`
		MaxWidth  int            `json:"max_width,omitempty"`
		MaxHeight int            `json:"max_height,omitempty"`
		Hidden    bool           `json:"hidden"`
	}
)

func renderLive(session video.Session, seen video.LiveSession, measured []video.QualityNews) liveSessionJSON {
	out := liveSessionJSON{
		RecordType: "live_session", SessionID: session.ID, RoomID: session.RoomID, At: timestamp(time.Now()), Active: session.Active(),
		CreatedAt: timestamp(session.CreatedAt), EndedAt: optionalTimestamp(session.EndedAt), EndedReason: optional(session.EndedReason), E2EE: session.E2EE,
		Recording: seen.Recording, Participants: []liveParticipantJSON{},
	}
	news := make(map[video.ParticipantID]video.QualityNews, len(measured))
	for _, n := range measured {
		news[n.ParticipantID] = n
	}
	for i := range seen.Participants {
		p := renderLiveParticipant(&seen.Participants[i])
		if n, ok := news[p.ID]; ok {
			client := clientJSON(n.Client)
			p.Client, p.Measured = &client, renderSample(&n.Sample)
		}
		out.Participants = append(out.Participants, p)
	}
	return out
}

func renderLiveParticipant(p *video.LiveParticipant) liveParticipantJSON {
	return liveParticipantJSON{
		ID: p.ID, Context: optional(p.Context), JoinedAt: timestamp(p.JoinedAt), Watcher: p.Watcher, ConnectionLost: p.ConnectionLost,
		Muted: p.Muted, Recorded: p.Recorded,
		Streams: each(p.Streams, renderLiveStream), Subscriptions: each(p.Subscriptions, renderLiveSubscription),
	}
}

func renderLiveStream(s video.LiveStream) liveStreamJSON {
	out := liveStreamJSON{ID: s.ID, Key: s.Key, Recorded: s.Recorded}
	if s.HasAudio {
		out.Audio = &switchesJSON{s.AudioEnabled, s.AudioCensored}
	}
	if s.HasVideo {
		out.Video = &switchesJSON{s.VideoEnabled, s.VideoCensored}
	}
	return out
}

func renderLiveSubscription(s video.Subscription) liveSubscriptionJSON {
	return liveSubscriptionJSON{
		StreamID: s.StreamID, Audio: s.Audio, Video: s.Video, Quality: s.Quality, MaxWidth: s.MaxWidth, MaxHeight: s.MaxHeight, Hidden: s.Hidden,
	}
}
