package janus

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// maxID is the largest integer that every JSON implementation keeps exact.
const maxID = 1<<53 - 1

// request is a frame of a client.
type request struct {
	Janus       string          `json:"janus"`
	Transaction string          `json:"transaction"`
	Token       string          `json:"client_token"`
	SessionID   uint64          `json:"session_id"`
	HandleID    uint64          `json:"handle_id"`
	Plugin      string          `json:"plugin"`
	Body        json.RawMessage `json:"body"`
	JSEP        *jsep           `json:"jsep"`
}

// jsep is a session description beside a body.
type jsep struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// decode reads the envelope of a frame. What could be read of it is returned with the refusal.
func decode(frame []byte, binary bool) (r request, err error) {
	trimmed := bytes.TrimLeft(frame, " \t\r\n")
	switch {
	case binary || !utf8.Valid(frame) || !json.Valid(frame):
		return r, &coreError{coreBadJSON, "the frame is no JSON text"}
	case trimmed[0] != '{':
		return r, &coreError{coreNotObject, "the frame is no JSON object"}
	}
	if err := json.Unmarshal(frame, &r); err != nil {
		return r, &coreError{467, "an element is of the wrong type"}
	}
	switch {
	case r.Transaction == "":
		return r, &coreError{coreMissing, "the transaction is missing"}
	case len(r.Transaction) > 256:
		r.Transaction = ""
		return r, &coreError{coreMissing, "the transaction is longer than 256 bytes"}
	case r.Janus == "":
		return r, &coreError{coreMissingRequest, "the request is missing"}
	}
	return r, nil
}

// object is the data of a frame.
type object map[string]any

// frame renders an object that is sent.
func frame(o any) ws.Text {
	raw, err := json.Marshal(o)
	if err != nil {
		return ws.Text(`{"janus":"error","error":{"code":490,"reason":"the answer cannot be written"}}`)
	}
	return ws.Text(raw)
}

// answer is every answer to a request, and every event.
type answer struct {
	Janus       string      `json:"janus"`
	SessionID   uint64      `json:"session_id,omitempty"`
	Sender      uint64      `json:"sender,omitempty"`
	Transaction string      `json:"transaction,omitempty"`
	Data        object      `json:"data,omitempty"`
	PluginData  *pluginData `json:"plugindata,omitempty"`
	JSEP        *jsep       `json:"jsep,omitempty"`
	Error       object      `json:"error,omitempty"`
}

type pluginData struct {
	Plugin plugin `json:"plugin"`
	Data   object `json:"data"`
}

// parse reads the body of a message into the fields of its request. Unknown ones are ignored.
func parse[T any](body []byte) (fields T, err error) {
	if len(body) == 0 || json.Unmarshal(body, &fields) != nil {
		return fields, refuse(badJSON, "the body is no object with elements of the right type")
	}
	return fields, nil
}
