package signal

import (
	"context"
	"errors"
	"fmt"

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// The codes this protocol has beside those of package video.
const (
	codeInvalidFrame       video.Code = "invalid_frame"
	codeUnknownRequest     video.Code = "unknown_request"
	codeUnsupportedVersion video.Code = "unsupported_version"
)

// The closes of api/signalling.md, section 7.
var (
	closeLeft         = ws.Closing{Code: 1000, Reason: "left"}
	closeTooLarge     = ws.Closing{Code: 1009, Reason: "frame_too_large"}
	closeEnded        = ws.Closing{Code: 4000, Reason: "session_ended"}
	closeKicked       = ws.Closing{Code: 4001, Reason: "kicked"}
	closeRoomDeleted  = ws.Closing{Code: 4002, Reason: "room_deleted"}
	closeShutdown     = ws.Closing{Code: 4003, Reason: "server_shutdown"}
	closeBadRequest   = ws.Closing{Code: 4400, Reason: "bad_request"}
	closeUnauthorized = ws.Closing{Code: 4401, Reason: "unauthorized"}
	closeForbidden    = ws.Closing{Code: 4403, Reason: "forbidden"}
	closeRoomNotFound = ws.Closing{Code: 4404, Reason: "room_not_found"}
	closeTimedOut     = ws.Closing{Code: 4408, Reason: "timed_out"}
	closeDuplicate    = ws.Closing{Code: 4409, Reason: "duplicate_participant"}
	closeReplaced     = ws.Closing{Code: 4410, Reason: "replaced"}
	closeIdentity     = ws.Closing{Code: 4411, Reason: "identity_in_use"}
	closeFlood        = ws.Closing{Code: 4420, Reason: "too_many_requests"}
	closeVersion      = ws.Closing{Code: 4426, Reason: "unsupported_version"}
	closeRoomFull     = ws.Closing{Code: 4429, Reason: "room_full"}
	closeInternal     = ws.Closing{Code: 4500, Reason: "internal"}
	closeUnavailable  = ws.Closing{Code: 4503, Reason: "unavailable"}
	closeOverloaded   = ws.Closing{Code: 4504, Reason: "overloaded"}
)

// wireCodes are the codes of package video that this protocol shows, and the close that follows where a refusal ends
// the connection.
var wireCodes = map[video.Code]ws.Closing{
	video.CodeInvalid:              closeBadRequest,
	video.CodeState:                closeBadRequest,
	video.CodeUnauthorized:         closeUnauthorized,
	video.CodeForbidden:            closeForbidden,
	video.CodeRoomNotFound:         closeRoomNotFound,
	video.CodeRoomFull:             closeRoomFull,
	video.CodeDuplicateParticipant: closeDuplicate,
	video.CodeIdentityInUse:        closeIdentity,
	video.CodeKeyInUse:             closeBadRequest,
	video.CodeStreamNotFound:       closeBadRequest,
	video.CodeParticipantNotFound:  closeBadRequest,
	video.CodeSubscriptionNotFound: closeBadRequest,
	video.CodeTooLarge:             closeBadRequest,
	video.CodeTooMany:              closeBadRequest,
	video.CodeRateLimited:          closeBadRequest,
	video.CodeMedia:                closeInternal,
	video.CodeUnavailable:          closeUnavailable,
	video.CodeOverloaded:           closeOverloaded,
	codeNotResumable:               closeUnavailable,
	codeInvalidFrame:               closeBadRequest,
	codeUnknownRequest:             closeBadRequest,
	codeUnsupportedVersion:         closeVersion,
}

// removals are the closes for those who are put out of a session.
var removals = map[video.LeftReason]ws.Closing{
	video.LeftByChoice:       closeLeft,
	video.LeftKicked:         closeKicked,
	video.LeftSessionEnded:   closeEnded,
	video.LeftRoomDeleted:    closeRoomDeleted,
	video.LeftTokenExpired:   closeUnauthorized,
	video.LeftDuplicate:      closeReplaced,
	video.LeftServerShutdown: closeShutdown,
	video.LeftServerCrashed:  closeInternal,
}

// leftReason says as what a participant leaves whose connection ended so.
func leftReason(end *ws.CloseError) video.LeftReason {
	if end.Peer {
		switch end.Code {
		case 1000, 1001, 1005:
			return video.LeftByChoice
		}
		return video.LeftConnectionLost
	}
	switch end.Closing {
	case closeLeft:
		return video.LeftByChoice
	case closeUnauthorized:
		return video.LeftTokenExpired
	case closeShutdown:
		return video.LeftServerShutdown
	}
	return video.LeftConnectionLost
}

// resumable reports whether the client of a connection that ended so may come back to its participant.
func resumable(end *ws.CloseError) bool {
	return end.Closing == closeTimedOut || end.Peer && leftReason(end) == video.LeftConnectionLost
}

// shown is the error a client is shown for err, and whether it is our fault and belongs in the log.
func shown(err error) (_ *video.Error, ours bool) {
	if e, ok := errors.AsType[*video.Error](err); ok {
		if _, known := wireCodes[e.Code]; known {
			return e, false
		}
	}
	if removed, ok := errors.AsType[*removedError](err); ok {
		return video.Errorf(codeNotResumable, "%s", removed.Error()), false
	}
	if errors.Is(err, context.Canceled) {
		return video.Errorf(video.CodeUnavailable, "the connection is closing"), false
	}
	return &video.Error{
		Code: video.CodeInternal, Message: fmt.Sprintf("internal error %s", video.NewUUID()),
	}, true
}

func closeFor(code video.Code) ws.Closing {
	if closing, ok := wireCodes[code]; ok {
		return closing
	}
	return closeInternal
}
