package signal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// request is a frame of a client. Refusal is set if it cannot be carried out at all; ID is 0 then unless it was usable.
type request struct {
	ID      int64
	Type    string
	body    []byte
	refusal *video.Error
}

// maxID is the largest integer that every JSON implementation keeps exact.
const maxID = 1<<53 - 1

// decode reads the envelope of a frame.
func decode(frame []byte, binary bool) request {
	bad := func(id int64, why string) request {
		return request{ID: id, refusal: video.Errorf(codeInvalidFrame, "%s", why)}
	}
	if binary {
		return bad(0, "the frame is binary")
	}
	if !utf8.Valid(frame) {
		return bad(0, "the frame is not UTF-8")
	}
	var envelope struct {
		ID   json.RawMessage `json:"id"`
		Type json.RawMessage `json:"type"`
	}
	if trimmed := bytes.TrimLeft(frame, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return bad(0, "the frame is no JSON object")
	}
	if err := json.Unmarshal(frame, &envelope); err != nil {
		return bad(0, "the frame is no JSON object: "+err.Error())
	}
	id, err := strconv.ParseInt(string(envelope.ID), 10, 64)
	if err != nil || id < 1 || id > maxID {
		return bad(0, "the id is not an integer from 1 to 2^53-1")
	}
	var kind string
	if err := json.Unmarshal(envelope.Type, &kind); err != nil || kind == "" {
		return bad(id, "the type is missing")
	}
	return request{ID: id, Type: kind, body: frame}
}

// parse reads the fields of a request into their struct. Unknown ones are ignored.
func parse[T any](r request) (fields T, err error) {
	if err := json.Unmarshal(r.body, &fields); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fields, video.Errorf(video.CodeInvalid, "the field is a %s, not a %s", e.Value, jsonType(e.Type.Kind().String())).
				WithField("/" + strings.ReplaceAll(e.Field, ".", "/"))
		}
		return fields, video.Errorf(video.CodeInvalid, "the request cannot be read: %w", err)
	}
	return fields, nil
}

// jsonType names a Go kind in the words of JSON.
func jsonType(kind string) string {
	switch {
	case kind == "bool":
		return "boolean"
	case kind == "struct" || kind == "map":
		return "object"
	case kind == "slice":
		return "array"
	case strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "float"):
		return "number"
	}
	return kind
}

// The fields of the requests. Pointers tell what is missing from what is zero.
type (
	helloFields struct {
		Version *int64  `json:"version"`
		Token   *string `json:"token"`
		Client  *struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"client"`
	}
	resumeFields struct {
		Version       *int64               `json:"version"`
		Token         *string              `json:"token"`
		ParticipantID *video.ParticipantID `json:"participant_id"`
		Secret        *string              `json:"secret"`
		Seq           *uint64              `json:"seq"`
	}
	pingFields struct {
		Seq uint64 `json:"seq"`
	}
	joinFields struct {
		ParticipantID    *video.ParticipantID `json:"participant_id"`
		Context          string               `json:"context"`
		ReceivesMessages bool                 `json:"receives_messages"`
	}
	lineFields struct {
		MID     *string `json:"mid"`
		Enabled *bool   `json:"enabled"`
	}
	publishFields struct {
		Key   *string     `json:"key"`
		Audio *lineFields `json:"audio"`
		Video *lineFields `json:"video"`
		SDP   string      `json:"sdp"`
	}
	updateStreamFields struct {
		StreamID *video.StreamID `json:"stream_id"`
		Audio    *lineFields     `json:"audio"`
		Video    *lineFields     `json:"video"`
	}
	streamFields struct {
		StreamID *video.StreamID `json:"stream_id"`
	}
	subscribeFields struct {
		StreamID *video.StreamID `json:"stream_id"`
		Audio    *bool           `json:"audio"`
		Video    *bool           `json:"video"`
		Quality  video.Quality   `json:"quality"`
		Width    *int            `json:"max_width"`
		Height   *int            `json:"max_height"`
		Visible  *bool           `json:"visible"`
	}
	replaceMediaFields struct {
		SDP     *string `json:"sdp"`
		Streams []struct {
			StreamID *video.StreamID `json:"stream_id"`
			Audio    *midFields      `json:"audio"`
			Video    *midFields      `json:"video"`
		} `json:"streams"`
	}
	midFields struct {
		MID string `json:"mid"`
	}
	offerFields struct {
		SDP *string `json:"sdp"`
	}
	sendMessageFields struct {
		Message    json.RawMessage       `json:"message"`
		Recipients []video.ParticipantID `json:"recipients"`
	}
	sendDataFields struct {
		Data       *[]byte               `json:"data"` // base64
		Topic      string                `json:"topic"`
		Recipients []video.ParticipantID `json:"recipients"`
	}
	tokenFields struct {
		Token *string `json:"token"`
	}
)

// missing refuses the first required field that is absent or null.
func missing(fields ...requiredField) error {
	for _, f := range fields {
		if !f.present {
			return video.Errorf(video.CodeInvalid, "the field is missing").WithField(f.pointer)
		}
	}
	return nil
}

type requiredField struct {
	pointer string
	present bool
}

func required[T any](pointer string, value *T) requiredField {
	return requiredField{pointer, value != nil}
}

// checkMessage makes sure that a message is {"type", "payload", "meta"?}.
func checkMessage(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return missing(requiredField{"/message", false})
	}
	message, err := parse[struct {
		Type    *string         `json:"type"`
		Payload *string         `json:"payload"`
		Meta    json.RawMessage `json:"meta"`
	}](request{body: raw})
	if e, ok := errors.AsType[*video.Error](err); ok {
		return e.WithField("/message" + strings.TrimSuffix(e.Field, "/"))
	}
	return missing(required("/message/type", message.Type), required("/message/payload", message.Payload))
}
