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

// withMedia fills in where the file that an event tells of is fetched from.
func (r *Relay) withMedia(event video.Event) (video.Event, error) {
	var kind video.MediaKind
	var field string
	switch event.Type {
	case video.EventRecordingCompleted:
		kind, field = video.MediaRecording, "recording_id"
	case video.EventCompositionCompleted:
		kind, field = video.MediaComposition, "composition_id"
	default:
		return event, nil
	}
	if r.config.MediaURL == nil {
		return event, nil
	}
	var payload map[string]any
	decoder := json.NewDecoder(bytes.NewReader(event.Payload))
	decoder.UseNumber()
	if err := decoder.Decode(&payload); err != nil {
		return video.Event{}, fmt.Errorf("read event %s: %w", event.ID, err)
	}
	id, _ := payload[field].(string)
	payload["download_url"] = r.config.MediaURL(event.AccountID, kind, id)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(payload); err != nil {
		return video.Event{}, fmt.Errorf("write event %s: %w", event.ID, err)
	}
	event.Payload = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return event, nil
}
