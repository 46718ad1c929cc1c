package events

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// timeFormat is RFC 3339 with six fractional digits.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// envelope is the body of a request.
type envelope struct {
	Data data `json:"data"`
	Meta meta `json:"meta"`
}

type data struct {
	RecordType string          `json:"record_type"`
	EventType  video.EventType `json:"event_type"`
	ID         string          `json:"id"`
	OccurredAt string          `json:"occurred_at"`
	Payload    json.RawMessage `json:"payload"`
}

type meta struct {
	Attempt     int    `json:"attempt"`
	DeliveredTo string `json:"delivered_to"`
}

// encode makes the body of one attempt: exactly the bytes that are signed and sent.
func encode(event video.Event, attempt int, url string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(envelope{
		Data: data{
			RecordType: "event", EventType: event.Type, ID: event.ID,
			OccurredAt: event.OccurredAt.UTC().Format(timeFormat), Payload: event.Payload,
		},
		Meta: meta{Attempt: attempt, DeliveredTo: url},
	})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", event.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
