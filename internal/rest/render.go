package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The JSON of answers. A pointer without omitempty is null while it has no value.
type (
	envelope struct {
		Data any       `json:"data"`
		Meta *listMeta `json:"meta,omitempty"`
	}
	listMeta struct {
		TotalPages   int `json:"total_pages"`
		TotalResults int `json:"total_results"`
		PageNumber   int `json:"page_number"`
		PageSize     int `json:"page_size"`
	}
	errorList struct {
		Errors []errorEntry `json:"errors"`
	}
	errorEntry struct {
		Code   string       `json:"code"`
		Title  string       `json:"title"`
		Detail string       `json:"detail"`
		Source *errorSource `json:"source,omitempty"`
		Meta   errorMeta    `json:"meta"`
	}
	errorSource struct {
		Pointer   *string `json:"pointer,omitempty"`
		Parameter string  `json:"parameter,omitempty"`
	}
	errorMeta struct {
		URL string `json:"url"`
	}
	roomJSON struct {
		RecordType              string          `json:"record_type"`
		ID                      video.RoomID    `json:"id"`
		UniqueName              *string         `json:"unique_name"`
		MaxParticipants         int             `json:"max_participants"`
		EnableRecording         bool            `json:"enable_recording"`
		E2EE                    bool            `json:"e2ee"`
		WebhookEventURL         *string         `json:"webhook_event_url"`
		WebhookEventFailoverURL *string         `json:"webhook_event_failover_url"`
		WebhookTimeoutSecs      *int            `json:"webhook_timeout_secs"`
		RecordingRetentionDays  *int            `json:"recording_retention_days"`
		ActiveSessionID         video.SessionID `json:"active_session_id,omitempty"`
		Sessions                *[]sessionJSON  `json:"sessions,omitempty"`
		CreatedAt               timestamp       `json:"created_at"`
		UpdatedAt               timestamp       `json:"updated_at"`
	}
	sessionJSON struct {
		RecordType   string             `json:"record_type"`
		ID           video.SessionID    `json:"id"`
		RoomID       video.RoomID       `json:"room_id"`
		Active       bool               `json:"active"`
		Participants *[]participantJSON `json:"participants,omitempty"`
		CreatedAt    timestamp          `json:"created_at"`
		UpdatedAt    timestamp          `json:"updated_at"`
		EndedAt      *timestamp         `json:"ended_at"`
		EndedReason  *string            `json:"ended_reason"`
	}
	participantJSON struct {
		RecordType string              `json:"record_type"`
		ID         video.ParticipantID `json:"id"`
		SessionID  video.SessionID     `json:"session_id"`
		Context    *string             `json:"context"`
		JoinedAt   timestamp           `json:"joined_at"`
		UpdatedAt  timestamp           `json:"updated_at"`
		LeftAt     *timestamp          `json:"left_at"`
		LeftReason *string             `json:"left_reason"`
	}
	tokensJSON struct {
		Token                 string     `json:"token"`
		TokenExpiresAt        timestamp  `json:"token_expires_at"`
		RefreshToken          string     `json:"refresh_token,omitempty"`
		RefreshTokenExpiresAt *timestamp `json:"refresh_token_expires_at,omitempty"`
	}
)

// timestamp is a time as the API writes it: UTC, microseconds, Z.
type timestamp time.Time

func (t timestamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000000Z"), nil
}

// megabytes is a number of bytes, in millions. It is written with a point always, for callers that tell floats from integers.
type megabytes int64

func (m megabytes) MarshalJSON() ([]byte, error) {
	text := strconv.AppendFloat(nil, float64(m)/1e6, 'f', -1, 64)
	if !bytes.ContainsRune(text, '.') {
		text = append(text, ".0"...)
	}
	return text, nil
}

func optionalTimestamp(t *time.Time) *timestamp {
	return (*timestamp)(t)
}

// optional is nil for the zero value.
func optional[T ~string](value T) *string {
	if value == "" {
		return nil
	}
	s := string(value)
	return &s
}

// each renders every item. The result is never nil, so that an empty list is [] in JSON.
func each[T, J any](items []T, render func(T) J) []J {
	rendered := make([]J, len(items))
	for i, item := range items {
		rendered[i] = render(item)
	}
	return rendered
}

func renderRoom(includeSessions bool) func(video.Room) roomJSON {
	return func(r video.Room) roomJSON {
		room := roomJSON{
			RecordType:              "room",
			ID:                      r.ID,
			UniqueName:              optional(r.UniqueName),
			MaxParticipants:         r.MaxParticipants,
			EnableRecording:         r.EnableRecording,
			E2EE:                    r.E2EE,
			WebhookEventURL:         optional(r.WebhookEventURL),
			WebhookEventFailoverURL: optional(r.WebhookEventFailoverURL),
			WebhookTimeoutSecs:      r.WebhookTimeoutSecs,
			RecordingRetentionDays:  r.RecordingRetentionDays,
			ActiveSessionID:         r.ActiveSessionID,
			CreatedAt:               timestamp(r.CreatedAt),
			UpdatedAt:               timestamp(r.UpdatedAt),
		}
		if includeSessions {
			sessions := each(r.Sessions, renderSession(false))
			room.Sessions = &sessions
		}
		return room
	}
}

func renderSession(includeParticipants bool) func(video.Session) sessionJSON {
	return func(s video.Session) sessionJSON {
		session := sessionJSON{
			RecordType:  "room_session",
			ID:          s.ID,
			RoomID:      s.RoomID,
			Active:      s.Active(),
			CreatedAt:   timestamp(s.CreatedAt),
			UpdatedAt:   timestamp(s.UpdatedAt),
			EndedAt:     optionalTimestamp(s.EndedAt),
			EndedReason: optional(s.EndedReason),
		}
		if includeParticipants {
			participants := each(s.Participants, renderParticipant)
			session.Participants = &participants
		}
		return session
	}
}

func renderParticipant(p video.Participant) participantJSON {
	return participantJSON{
		RecordType: "room_participant",
		ID:         p.ID,
		SessionID:  p.SessionID,
		Context:    optional(p.Context),
		JoinedAt:   timestamp(p.JoinedAt),
		UpdatedAt:  timestamp(p.UpdatedAt),
		LeftAt:     optionalTimestamp(p.LeftAt),
		LeftReason: optional(p.LeftReason),
	}
}

func renderTokens(t auth.Tokens) tokensJSON {
	tokens := tokensJSON{Token: t.Token, TokenExpiresAt: timestamp(t.ExpiresAt), RefreshToken: t.RefreshToken}
	if t.RefreshToken != "" {
		tokens.RefreshTokenExpiresAt = optionalTimestamp(&t.RefreshExpiresAt)
	}
	return tokens
}

// one answers with a single object.
func one(status int, data any) answer {
	return answer{status: status, data: envelope{Data: data}}
}

// list answers with a page of a list.
func list[T, J any](l video.List[T], asked video.Page, render func(T) J) answer {
	return answer{status: http.StatusOK, data: page(l, asked, render)}
}

// page is a page of a list with what is said of the list.
func page[T, J any](l video.List[T], asked video.Page, render func(T) J) envelope {
	return envelope{
		Data: each(l.Items, render),
		Meta: &listMeta{
			TotalPages:   (l.Total + asked.Size - 1) / asked.Size,
			TotalResults: l.Total,
			PageNumber:   asked.Number,
			PageSize:     asked.Size,
		},
	}
}

// render makes raw content of the data.
func (a answer) render() (answer, error) {
	if a.data == nil {
		return a, nil
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a.data); err != nil {
		return answer{}, fmt.Errorf("render answer: %w", err)
	}
	return answer{status: a.status, raw: buffer.Bytes(), contentType: "application/json", cookies: a.cookies}, nil
}

// write sends the answer. It fails only before anything was sent.
func (a answer) write(w http.ResponseWriter) error {
	if a.stream != nil {
		return a.stream(w)
	}
	a, err := a.render()
	if err != nil {
		return err
	}
	for _, cookie := range a.cookies {
		http.SetCookie(w, cookie)
	}
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(a.raw)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.raw) // fails only if the caller has gone
	return nil
}
