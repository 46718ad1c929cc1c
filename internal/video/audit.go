package video

import "time"

// AuditEntry says who changed what, when and from where.
type AuditEntry struct {
	ID        string
	AccountID AccountID
	At        time.Time
	Action    string // such as room.create
	ObjectID  string // what was changed
	Detail    string // more about it, in words; may be empty
	Actor     Actor
}

// AuditQuery selects entries of one account, newest first. Zero fields select everything.
type AuditQuery struct {
	AccountID AccountID
	Action    string
	ObjectID  string
	At        Span
	Page      Page
}
