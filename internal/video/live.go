package video

// LiveSession is what a running session is like at one moment.
type LiveSession struct {
	Recording    bool              // of someone, or of whoever comes
	Participants []LiveParticipant // in the order they came
}

// LiveParticipant is someone in a running session.
type LiveParticipant struct {
	Participant
	Watcher        bool // came to watch, by a token that says so
	ConnectionLost bool // its client is not heard of at present, and waited for
	Muted          bool // by a moderator
	Recorded       bool // as far as there is something to record
	Streams        []LiveStream
	Subscriptions  []Subscription
}

// LiveStream is a stream that is published at present.
type LiveStream struct {
	Stream
	HasAudio, HasVideo bool
	Recorded           bool
}
