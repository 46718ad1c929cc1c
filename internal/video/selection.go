package video

// Selection is which participants of a session a moderator means: all of them or those listed, less the excluded.
type Selection struct {
	All     bool
	IDs     []ParticipantID // only without All; each must be in the session
	Exclude []ParticipantID // who is not there is excluded all the same
}
