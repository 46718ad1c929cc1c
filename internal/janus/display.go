package janus

import (
	"encoding/base64"
	"encoding/json"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// display is what a leg says of its participant and stream: JSON in base64. Fields stand in this order, without spaces: Android
// searches the text.
type display struct {
	ParticipantID      string         `json:"participantId"`
	External           string         `json:"external,omitempty"`
	CanReceiveMessages *bool          `json:"canReceiveMessages,omitempty"`
	Stream             *streamDisplay `json:"stream,omitempty"`
}

type streamDisplay struct {
	ID           string `json:"id"`
	Key          string `json:"key"`
	AudioEnabled bool   `json:"isAudioEnabled"`
	VideoEnabled bool   `json:"isVideoEnabled"`
}

// parseDisplay reads and checks the display of a client's leg.
func parseDisplay(text string) (d display, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return d, refuse(wrongElement, "the display is no base64")
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, refuse(wrongElement, "the display holds no JSON object of the known fields")
	}
	if !video.IsUUID(d.ParticipantID) {
		return d, refuse(wrongElement, "the display has no participantId that is a UUID")
	}
	return d, nil
}

func (d display) encode() string {
	raw, _ := json.Marshal(d) // of strings and booleans
	return base64.StdEncoding.EncodeToString(raw)
}

// displayOf is the display of a participant's R leg, as this receiver takes it.
func displayOf(p live.Presence, android bool) string {
	d := display{ParticipantID: string(p.ID), External: p.Context, CanReceiveMessages: &p.ReceivesMessages}
	if android {
		d.External = androidContext(p)
	}
	return d.encode()
}

// androidContext is a context that the Android client can read: an object with an id and a name, or nothing.
func androidContext(p live.Presence) string {
	var known struct {
		ID       *int64  `json:"id"`
		Username *string `json:"username"`
	}
	if p.Context == "" || json.Unmarshal([]byte(p.Context), &known) == nil && known.ID != nil && known.Username != nil {
		return p.Context
	}
	raw, _ := json.Marshal(map[string]any{"id": 0, "username": p.Context})
	return string(raw)
}

// mixDisplayOf is the display of a participant's M leg.
func mixDisplayOf(p live.Presence, stream string) string {
	return display{ParticipantID: string(p.ID), Stream: &streamDisplay{stream, video.ReservedStreamKey, true, false}}.encode()
}

func displayOfStream(s video.Stream) string {
	return display{ParticipantID: string(s.ParticipantID), Stream: &streamDisplay{string(s.ID), s.Key, s.AudioEnabled, s.VideoEnabled}}.encode()
}
