package store

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// place is where a session's events go.
type place struct {
	Account     account      `bun:"account"`
	RoomID      video.RoomID `bun:"room_id"`
	URL         string       `bun:"url"`
	FailoverURL string       `bun:"failover_url"`
	TimeoutSecs *int         `bun:"timeout_secs"`
	Extra       string       `bun:"extra"` // event types beyond the reference's, separated by commas

	DefaultURL         string `bun:"default_url"`
	DefaultFailoverURL string `bun:"default_failover_url"`
	DefaultTimeoutSecs *int   `bun:"default_timeout_secs"`
}

// findPlace reads a room's webhook URLs, or without them those of its account, as they are now.
func findPlace(ctx context.Context, db bun.IDB, room any) (place, error) {
	var p place
	err := db.NewSelect().TableExpr("rooms AS r").
		Join("LEFT JOIN webhook_settings AS w ON w.account = r.account").
		ColumnExpr("r.account, r.id AS room_id, r.webhook_event_url AS url").
		ColumnExpr("r.webhook_event_failover_url AS failover_url, r.webhook_timeout_secs AS timeout_secs").
		ColumnExpr("coalesce(w.url, '') AS default_url, coalesce(w.failover_url, '') AS default_failover_url").
		ColumnExpr("w.timeout_secs AS default_timeout_secs, coalesce(w.extra_event_types, '') AS extra").
		Where("r.id = (?)", room).Scan(ctx, &p)
	if p.URL == "" {
		p.URL, p.FailoverURL, p.TimeoutSecs = p.DefaultURL, p.DefaultFailoverURL, p.DefaultTimeoutSecs
	}
	return p, err
}

// place is findPlace by session, once in a transaction.
func (t *tidings) place(ctx context.Context, tx bun.Tx, session video.SessionID) (place, error) {
	if known, ok := t.places[session]; ok {
		return known, nil
	}
	p, err := findPlace(ctx, tx, tx.NewSelect().Table("sessions").Column("room_id").Where("id = ?", session))
	if err == nil {
		t.places[session] = p
	}
	return p, err
}

// stay is what the payloads of events about participants and sessions hold; each event leaves some of it out.
type stay struct {
	SessionID     video.SessionID     `json:"session_id"`
	RoomID        video.RoomID        `json:"room_id"`
	ParticipantID video.ParticipantID `json:"participant_id,omitempty"`
	Context       *string             `json:"context,omitempty"`
	DurationSecs  *int64              `json:"duration_secs,omitempty"`
	EndedReason   *video.EndedReason  `json:"ended_reason,omitempty"`
	LeftReason    *video.LeftReason   `json:"left_reason,omitempty"`
}

// event adds an event about the session to the outbox. The payload's room is filled in.
func (t *tidings) event(ctx context.Context, tx bun.Tx, kind video.EventType, at int64, payload stay) error {
	p, err := t.place(ctx, tx, payload.SessionID)
	if err != nil {
		return err
	}
	payload.RoomID = p.RoomID
	t.dispatch(p, kind, at, payload.SessionID, payload.ParticipantID, payload)
	return nil
}

func (t *tidings) dispatch(
	p place, kind video.EventType, at int64, session video.SessionID, participant video.ParticipantID, payload any,
) {
	t.deliveries = append(t.deliveries, newDeliveryRow(p, video.Event{
		ID: video.NewUUID(), Type: kind, RoomID: p.RoomID, SessionID: session, ParticipantID: participant,
		OccurredAt: moment(at), Payload: json.RawMessage(asJSON(payload)),
	}, at))
}

// wants reports whether an event beyond the reference's is asked for.
func (p place) wants(kind video.EventType) bool {
	return slices.Contains(strings.Split(p.Extra, ","), string(kind))
}

func (t *tidings) sessionStarted(ctx context.Context, tx bun.Tx, session video.SessionID, at int64) error {
	at = t.happen(video.Happening{SessionID: session, Type: video.HappenedSessionStarted}, at)
	return t.event(ctx, tx, video.EventSessionStarted, at, stay{SessionID: session})
}

func (t *tidings) sessionEnded(ctx context.Context, tx bun.Tx, row sessionRow) error {
	at := t.happen(video.Happening{SessionID: row.ID, Type: video.HappenedSessionEnded, Reason: string(row.EndedReason)}, *row.EndedAt)
	t.ended = append(t.ended, row.ID)
	return t.event(ctx, tx, video.EventSessionEnded, at, stay{
		SessionID: row.ID, DurationSecs: seconds(row.CreatedAt, *row.EndedAt), EndedReason: &row.EndedReason,
	})
}

func (t *tidings) joined(ctx context.Context, tx bun.Tx, row *participantRow) error {
	at := t.happen(video.Happening{SessionID: row.SessionID, Type: video.HappenedJoined, ParticipantID: row.ID}, row.JoinedAt)
	said := string(row.Context)
	return t.event(ctx, tx, video.EventParticipantJoined, at, stay{SessionID: row.SessionID, ParticipantID: row.ID, Context: &said})
}

func (t *tidings) left(ctx context.Context, tx bun.Tx, row participantRow) error {
	at := t.happen(video.Happening{
		SessionID: row.SessionID, Type: video.HappenedLeft, ParticipantID: row.ID, Reason: string(row.LeftReason),
	}, *row.LeftAt)
	p, err := t.place(ctx, tx, row.SessionID)
	if err != nil {
		return err
	}
	t.used.during(row.Account, p.RoomID, row.JoinedAt, *row.LeftAt, func(on *usageRow, us int64) { on.ParticipantUS += us })
	said := string(row.Context)
	return t.event(ctx, tx, video.EventParticipantLeft, at, stay{
		SessionID: row.SessionID, ParticipantID: row.ID, Context: &said,
		DurationSecs: seconds(row.JoinedAt, *row.LeftAt), LeftReason: &row.LeftReason,
	})
}

// seconds are the whole seconds between two times.
func seconds(from, until int64) *int64 {
	secs := int64(time.Duration(until-from) * time.Microsecond / time.Second)
	return &secs
}

// asJSON encodes what always can be, without escaping for HTML: what was said at a join goes out as it came in.
func asJSON(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic("store: " + err.Error()) // a type of ours that has no JSON
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
