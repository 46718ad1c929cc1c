package janus

import (
	"context"
	"errors"
	"fmt"

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

var (
	closeBye          = ws.Closing{Code: 1000}
	closeEnded        = ws.Closing{Code: 4000, Reason: "session_ended"}
	closeKicked       = ws.Closing{Code: 4001, Reason: "kicked"}
	closeShutdown     = ws.Closing{Code: 4003, Reason: "server_shutdown"}
	closeBadRequest   = ws.Closing{Code: 4400, Reason: "bad_request"}
	closeUnauthorized = ws.Closing{Code: 4401, Reason: "unauthorized"}
	closeForbidden    = ws.Closing{Code: 4403, Reason: "forbidden"}
	closeTimedOut     = ws.Closing{Code: 4408, Reason: "timed_out"}
	closeReplaced     = ws.Closing{Code: 4410, Reason: "replaced"}
	closeFlood        = ws.Closing{Code: 4420, Reason: "too_many_requests"}
	closeVersion      = ws.Closing{Code: 4426, Reason: "unsupported_version"}
	closeRoomFull     = ws.Closing{Code: 4429, Reason: "room_full"}
	closeInternal     = ws.Closing{Code: 4500, Reason: "internal"}
	closeUnavailable  = ws.Closing{Code: 4503, Reason: "unavailable"}
)

// Errors of the core, by Janus's numbers.
const (
	coreMissingRequest = 452
	coreUnknownRequest = 453
	coreBadJSON        = 454
	coreNotObject      = 455
	coreMissing        = 456
	coreNoSession      = 458
	coreNoHandle       = 459
	coreNoPlugin       = 460
	coreAttachFailed   = 461
	coreInUse          = 468
)

// coreError is a request that the core refuses.
type coreError struct {
	code   int
	reason string
}

func (e *coreError) Error() string { return fmt.Sprint(e.code, " ", e.reason) }

// fatal is a refusal of the whole session: a frame with status_code, and then the close.
type fatal struct {
	status  int
	message string
	closing ws.Closing
}

func (e *fatal) Error() string { return fmt.Sprint(e.status, " ", e.message) }

// fatals are the refusals that leave a client nothing to do in the room. The web client shows no other ones.
var fatals = map[video.Code]fatal{
	video.CodeUnauthorized:         {status: 401, closing: closeUnauthorized},
	video.CodeForbidden:            {status: 403, closing: closeForbidden},
	video.CodeRoomNotFound:         {status: 403, closing: closeForbidden},
	video.CodeRoomFull:             {status: 403, closing: closeRoomFull},
	video.CodeIdentityInUse:        {status: 403, closing: closeForbidden},
	video.CodeUnavailable:          {status: 503, closing: closeUnavailable},
	video.CodeOverloaded:           {status: 503, closing: closeUnavailable},
	video.CodeInternal:             {status: 503, closing: closeInternal},
	video.CodeDuplicateParticipant: {}, // the audiobridge has a number for it
}

// asFatal returns the refusal of a session that err is when it came at joining.
func asFatal(err error) *fatal {
	code := video.CodeOf(err)
	f, ok := fatals[code]
	if !ok || f.status == 0 {
		return nil
	}
	f.message = "internal error"
	if e, ok := errors.AsType[*video.Error](err); ok {
		f.message = e.Message
	}
	return &f
}

// plugin names one of the three.
type plugin string

const (
	audiobridge plugin = "janus.plugin.audiobridge"
	videoroom   plugin = "janus.plugin.videoroom"
	textroom    plugin = "janus.plugin.textroom"
)

// field is what the data of the plugin's events begins with.
func (p plugin) field() string { return string(p)[len("janus.plugin."):] }

// fault is a kind of error, whose number is each plugin's own.
type fault int

const (
	badJSON fault = iota
	unknownRequest
	missingElement
	wrongElement
	noRoom
	notJoined
	alreadyJoined
	unauthorized
	idExists
	badSDP
	noFeed
	tooMany
	unknown
)

var numbers = map[plugin]map[fault]int{
	audiobridge: {badJSON: 481, unknownRequest: 482, missingElement: 483, wrongElement: 484, noRoom: 485, notJoined: 487, unauthorized: 489, idExists: 490, alreadyJoined: 491, badSDP: 493, noFeed: 492},
	videoroom:   {badJSON: 422, unknownRequest: 423, notJoined: 424, alreadyJoined: 425, noRoom: 426, noFeed: 428, missingElement: 429, wrongElement: 430, tooMany: 432, unauthorized: 433, idExists: 436, badSDP: 437},
	textroom:    {badJSON: 412, missingElement: 413, wrongElement: 414, unknownRequest: 415, alreadyJoined: 416, noRoom: 417, unauthorized: 419, idExists: 420, notJoined: 422, noFeed: 423},
}

// refusal is a request that a plugin refuses.
type refusal struct {
	fault   fault
	message string
}

func (e *refusal) Error() string { return e.message }

func refuse(f fault, format string, args ...any) error {
	return &refusal{f, fmt.Sprintf(format, args...)}
}

// faults are what the codes of video are in the dialect.
var faults = map[video.Code]fault{
	video.CodeInvalid: wrongElement, video.CodeTooLarge: wrongElement, video.CodeState: notJoined, video.CodeForbidden: unauthorized,
	video.CodeUnauthorized: unauthorized, video.CodeDuplicateParticipant: idExists, video.CodeKeyInUse: idExists,
	video.CodeStreamNotFound: noFeed, video.CodeTooMany: tooMany, video.CodeMedia: badSDP, video.CodeRoomNotFound: noRoom,
}

// shown is the number and the text of an error in a plugin's words, and whether it is our fault and belongs in the log.
func (p plugin) shown(err error) (number int, text string, ours bool) {
	f := unknown
	if r, ok := errors.AsType[*refusal](err); ok {
		f, text = r.fault, r.message
	} else if e, ok := errors.AsType[*video.Error](err); ok {
		text = e.Message
		if known, ok := faults[e.Code]; ok {
			f = known
		}
	} else {
		text = "internal error " + video.NewUUID()
		ours = !errors.Is(err, context.Canceled)
	}
	number, ok := numbers[p][f]
	if !ok {
		number = map[plugin]int{audiobridge: 499, videoroom: 499, textroom: 499}[p]
	}
	return number, text, ours
}
