package video

import "time"

// Overview counts what an account has now.
type Overview struct {
	At                   time.Time
	Rooms                int
	ActiveSessions       int
	ActiveParticipants   int
	ProcessingRecordings int
	WaitingCompositions  int // enqueued or being made
	MakingCompositions   int // of these, those being made
	PendingDeliveries    int
	FailedDeliveries     int // events of the last 24 hours that no attempt could deliver
	RefusedJoins         int // joins that were refused in the last 24 hours
}

// Activity is what happened in a span of time that begins at At.
type Activity struct {
	At              time.Time
	Joins           int
	LostConnections int           // participants who left because their connection was lost
	RefusedJoins    int           // joins that were refused, as far as they are kept
	Present         int           // participants at its beginning
	Participation   time.Duration // how long participants were there, all together
}

// ActivityQuery asks for Steps spans of Step each, the first one beginning at From.
type ActivityQuery struct {
	AccountID AccountID
	From      time.Time
	Step      time.Duration
	Steps     int
}
