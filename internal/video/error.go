package video

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. The codes are few and stable: each entrance translates them to its own
// dialect (HTTP status and body, signalling error) in one table.
type Code string

const (
	CodeInvalid              Code = "invalid_argument"       // the request itself is wrong; Field says where
	CodeState                Code = "invalid_state"          // right request, wrong moment
	CodeUnauthorized         Code = "unauthorized"           // credential absent, forged or expired
	CodeForbidden            Code = "forbidden"              // credential fine, right missing
	CodeNotFound             Code = "not_found"              // no such record
	CodeRoomNotFound         Code = "room_not_found"         // the room never existed or was deleted
	CodeRoomFull             Code = "room_full"              // max_participants reached
	CodeDuplicate            Code = "duplicate"              // the name is taken
	CodeDuplicateParticipant Code = "duplicate_participant"  // the participant id was used before
	CodeIdentityInUse        Code = "identity_in_use"        // someone with this identity is in the session
	CodeKeyInUse             Code = "key_in_use"             // the participant already publishes under this key
	CodeStreamNotFound       Code = "stream_not_found"       // no such stream in the session
	CodeParticipantNotFound  Code = "participant_not_found"  // no such participant in the session
	CodeSubscriptionNotFound Code = "subscription_not_found" // the stream is not subscribed
	CodeTooLarge             Code = "too_large"              // message, context or body beyond its limit
	CodeTooMany              Code = "too_many"               // more of something than its limit
	CodeRateLimited          Code = "rate_limited"           // more a second than allowed; try again in a moment
	CodeMedia                Code = "media_failed"           // SDP refused, or the media path broke
	CodeUnavailable          Code = "unavailable"            // try again later: shutting down, storage down
	CodeOverloaded           Code = "overloaded"             // try again later: as much media as the server can carry
	CodeInternal             Code = "internal"               // our fault; details only in the log
)

// Error is the only error a caller outside is shown. Field names the faulty field in the words of the entrance that
// took it (a JSON pointer for bodies), or is empty.
type Error struct {
	Code    Code
	Message string
	Field   string
	cause   error
}

func (e *Error) Error() string {
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns what caused the error. Callers outside never see it; logs do.
func (e *Error) Unwrap() error { return e.cause }

// Errorf makes an Error. The operand of a %w verb becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// WithField returns a copy of e that names the faulty field.
func (e *Error) WithField(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// ErrInDoubt is in the chain of an error when what was asked may have happened all the same.
var ErrInDoubt = errors.New("it is not known whether this happened")

// CodeOf returns the code of the first Error in err's chain, and CodeInternal for any other error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
