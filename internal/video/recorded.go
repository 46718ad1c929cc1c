package video

// RecordedStream is a stream of a participant that is to be recorded, or a part of it.
type RecordedStream struct {
	AccountID     AccountID
	RoomID        RoomID
	SessionID     SessionID
	ParticipantID ParticipantID
	StreamID      StreamID
	StreamKey     string
}
