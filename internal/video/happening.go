package video

import "time"

// HappeningType names a change of a session's state.
type HappeningType string

const (
	HappenedSessionStarted      HappeningType = "session_started"
	HappenedSessionEnded        HappeningType = "session_ended"      // Reason
	HappenedJoined              HappeningType = "participant_joined" //
	HappenedLeft                HappeningType = "participant_left"   // Reason
	HappenedPublished           HappeningType = "stream_published"   // StreamID, Key, Audio and Video say what is enabled
	HappenedUnpublished         HappeningType = "stream_unpublished" // StreamID, Key
	HappenedEnabled             HappeningType = "track_enabled"      // StreamID, Key, Kind
	HappenedDisabled            HappeningType = "track_disabled"
	HappenedCensored            HappeningType = "track_censored"
	HappenedUncensored          HappeningType = "track_uncensored"
	HappenedMuted               HappeningType = "participant_muted" // by a moderator, streams published later included
	HappenedUnmuted             HappeningType = "participant_unmuted"
	HappenedSubscribed          HappeningType = "subscription_started" // ParticipantID takes StreamID of PublisherID
	HappenedSubscriptionChanged HappeningType = "subscription_updated"
	HappenedUnsubscribed        HappeningType = "subscription_ended"
	HappenedLayer               HappeningType = "layer_changed"   // what ParticipantID is sent of StreamID: Layer
	HappenedMediaConnected      HappeningType = "media_connected" // a second one is a reconnect
	HappenedMediaLost           HappeningType = "media_lost"
	HappenedRecordingStarted    HappeningType = "recording_started" // StreamID, Key, Kind
	HappenedRecordingStopped    HappeningType = "recording_stopped"
	HappenedPaused              HappeningType = "video_paused" // the path does not carry the picture of StreamID to ParticipantID
	HappenedResumed             HappeningType = "video_resumed"
	HappenedConnectionLost      HappeningType = "connection_lost" // of signalling: ParticipantID is not heard of, and may come back
	HappenedConnectionResumed   HappeningType = "connection_resumed"
	HappenedJoinRefused         HappeningType = "join_refused" // Reason, a Code; ParticipantID may be one who is in the session
)

// Happening is one change of a session's state, in the order it took effect. Applied in turn from the start they give the
// state at any moment. The fields beyond At that a type uses stand beside its constant.
type Happening struct {
	Seq           int64 // grows along a session, with gaps; made by the record
	AccountID     AccountID
	SessionID     SessionID
	Type          HappeningType
	At            time.Time
	ParticipantID ParticipantID
	PublisherID   ParticipantID
	StreamID      StreamID
	Key           string
	Kind          Kind
	Audio, Video  *bool
	Quality       Quality // the layer wanted at most
	Layer         string  // the layer sent: its rid, or empty for the only one
	Reason        string
}

// HappeningQuery asks for the happenings of a session after a cursor.
type HappeningQuery struct {
	AccountID     AccountID
	SessionID     SessionID
	ParticipantID ParticipantID   // empty: of everybody
	Types         []HappeningType // empty: all
	After         int64
	Limit         int
}

// RefusedJoin is one time that somebody was turned away at the door of a session.
type RefusedJoin struct {
	Seq           int64 // that of its happening
	AccountID     AccountID
	RoomID        RoomID
	SessionID     SessionID
	ParticipantID ParticipantID // whom they wanted to be; it may be somebody who is in the session
	Reason        string
	At            time.Time
}

// RefusedJoinQuery asks for the refused joins of an account, or of one of its rooms or sessions, newest first.
type RefusedJoinQuery struct {
	AccountID AccountID
	RoomID    RoomID
	SessionID SessionID
	At        Span
	Page      Page
}
