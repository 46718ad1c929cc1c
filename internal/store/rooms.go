package store

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type roomRow struct {
	bun.BaseModel `bun:"table:rooms"`

	ID                      video.RoomID `bun:"id,pk"`
	Account                 account      `bun:"account"`
	UniqueName              *string      `bun:"unique_name"`
	MaxParticipants         int          `bun:"max_participants"`
	EnableRecording         bool         `bun:"enable_recording"`
	E2EE                    bool         `bun:"e2ee"`
	WebhookEventURL         string       `bun:"webhook_event_url"`
	WebhookEventFailoverURL string       `bun:"webhook_event_failover_url"`
	WebhookTimeoutSecs      *int         `bun:"webhook_timeout_secs"`
	RecordingRetentionDays  *int         `bun:"recording_retention_days"`
	ActiveSessionID         *string      `bun:"active_session_id"`
	CreatedAt               int64        `bun:"created_at"`
	UpdatedAt               int64        `bun:"updated_at"`
	DeletedAt               *int64       `bun:"deleted_at"`
}

func newRoomRow(r video.Room, number account) roomRow {
	return roomRow{
		ID: r.ID, Account: number, UniqueName: textOrNil(r.UniqueName),
		MaxParticipants: r.MaxParticipants, EnableRecording: r.EnableRecording, E2EE: r.E2EE,
		WebhookEventURL: r.WebhookEventURL, WebhookEventFailoverURL: r.WebhookEventFailoverURL,
		WebhookTimeoutSecs: r.WebhookTimeoutSecs, RecordingRetentionDays: r.RecordingRetentionDays,
		ActiveSessionID: textOrNil(string(r.ActiveSessionID)),
		CreatedAt:       r.CreatedAt.UnixMicro(), UpdatedAt: r.UpdatedAt.UnixMicro(),
	}
}

func (r roomRow) room(of video.AccountID) video.Room {
	return video.Room{
		ID: r.ID, AccountID: of, UniqueName: text(r.UniqueName),
		MaxParticipants: r.MaxParticipants, EnableRecording: r.EnableRecording, E2EE: r.E2EE,
		WebhookEventURL: r.WebhookEventURL, WebhookEventFailoverURL: r.WebhookEventFailoverURL,
		WebhookTimeoutSecs: r.WebhookTimeoutSecs, RecordingRetentionDays: r.RecordingRetentionDays,
		ActiveSessionID: video.SessionID(text(r.ActiveSessionID)),
		CreatedAt:       moment(r.CreatedAt), UpdatedAt: moment(r.UpdatedAt),
	}
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// isText reports whether a database column of characters can hold s.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func (r roomRow) storable() error {
	for _, f := range []struct{ value, field string }{
		{text(r.UniqueName), "/unique_name"},
		{r.WebhookEventURL, "/webhook_event_url"},
		{r.WebhookEventFailoverURL, "/webhook_event_failover_url"},
	} {
		if !isText(f.value) {
			return video.Errorf(video.CodeInvalid, "text must be UTF-8 without NUL characters").WithField(f.field)
		}
	}
	if r.E2EE && r.EnableRecording {
		return video.Errorf(video.CodeInvalid, "a room that is encrypted from end to end cannot be recorded").WithField("/enable_recording")
	}
	return nil
}

func roomAbsent(id video.RoomID) *video.Error {
	return video.Errorf(video.CodeRoomNotFound, "no room with id %s", id)
}

func nameTaken(name string) *video.Error {
	return video.Errorf(video.CodeDuplicate, "a room with the unique name %q exists already", name).WithField("/unique_name")
}

// CreateRoom keeps a new room and returns it as kept. An empty ID is filled in; CreatedAt and UpdatedAt are always now.
// A name that a live room of the account has is a duplicate, at /unique_name. Limits are the caller's to check.
func (s *Store) CreateRoom(ctx context.Context, room video.Room) (video.Room, error) {
	if room.ID == "" {
		room.ID = video.RoomID(video.NewUUID())
	}
	room.CreatedAt = s.stamp()
	room.UpdatedAt = room.CreatedAt
	room.ActiveSessionID, room.Sessions = "", nil
	number, err := s.number(ctx, room.AccountID)
	if err != nil {
		return video.Room{}, err
	}
	row := newRoomRow(room, number)
	if err := row.storable(); err != nil {
		return video.Room{}, err
	}
	err = s.write(ctx, "create room", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		if err := s.auditTx(ctx, tx, number, "room.create", string(row.ID), ""); err != nil {
			return err
		}
		return addTotal(ctx, tx, number, "rooms", 1)
	})
	if duplicate(err) {
		if taken, _ := s.reads.NewSelect().Model((*roomRow)(nil)).Where("id = ?", room.ID).Exists(ctx); taken {
			return video.Room{}, video.Errorf(video.CodeDuplicate, "a room with id %s exists already", room.ID)
		}
		return video.Room{}, nameTaken(room.UniqueName)
	}
	if err != nil {
		return video.Room{}, err
	}
	return row.room(room.AccountID), nil
}

// Room returns a live room of the account, with its newest sessions (at most MaxIncluded) if asked for.
func (s *Store) Room(ctx context.Context, account video.AccountID, id video.RoomID, includeSessions bool) (video.Room, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Room{}, err
	}
	row, err := findRoom(ctx, s.reads, number, id)
	if err != nil {
		return video.Room{}, err
	}
	rooms := []video.Room{row.room(account)}
	if includeSessions {
		err = s.includeSessions(ctx, rooms)
	}
	return rooms[0], err
}

// RoomByName returns the account's live room of that name.
func (s *Store) RoomByName(ctx context.Context, account video.AccountID, uniqueName string) (video.Room, error) {
	absent := video.Errorf(video.CodeRoomNotFound, "no room with the unique name %q", uniqueName)
	if uniqueName == "" || !isText(uniqueName) {
		return video.Room{}, absent
	}
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Room{}, err
	}
	var row roomRow
	err = s.reads.NewSelect().Model(&row).
		Where("account = ?", number).Where("unique_name = ?", uniqueName).Where("deleted_at IS NULL").Scan(ctx)
	if err := one(err, absent, "find room by name"); err != nil {
		return video.Room{}, err
	}
	return row.room(account), nil
}

func findRoom(ctx context.Context, db bun.IDB, number account, id video.RoomID) (roomRow, error) {
	var row roomRow
	err := db.NewSelect().Model(&row).
		Where("id = ?", id).Where("account = ?", number).Where("deleted_at IS NULL").Scan(ctx)
	return row, one(err, roomAbsent(id), "find room")
}

// Rooms returns one page of the account's live rooms, newest first.
func (s *Store) Rooms(ctx context.Context, query video.RoomQuery) (video.List[video.Room], error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.List[video.Room]{}, err
	}
	l := listing{table: "rooms", start: "created_at", account: number, total: "rooms", always: "deleted_at IS NULL"}
	if query.UniqueName != "" {
		if !isText(query.UniqueName) {
			return video.List[video.Room]{Items: []video.Room{}}, nil
		}
		l.is("unique_name", "= ?", query.UniqueName)
	}
	l.during("created_at", query.CreatedAt)
	l.during("updated_at", query.UpdatedAt)
	var rows []roomRow
	total, err := s.list(ctx, l, query.Page, &rows)
	if err != nil {
		return video.List[video.Room]{}, err
	}
	rooms := make([]video.Room, len(rows))
	for i, row := range rows {
		rooms[i] = row.room(query.AccountID)
	}
	slices.SortFunc(rooms, func(a, b video.Room) int {
		return newestFirst(a.CreatedAt, b.CreatedAt, string(a.ID), string(b.ID))
	})
	if query.IncludeSessions {
		if err := s.includeSessions(ctx, rooms); err != nil {
			return video.List[video.Room]{}, err
		}
	}
	return video.List[video.Room]{Items: rooms, Total: total}, nil
}

// UpdateRoom changes what the change holds and returns the room as kept. A change that holds nothing leaves UpdatedAt
// as it is.
func (s *Store) UpdateRoom(
	ctx context.Context, account video.AccountID, id video.RoomID, change video.RoomChange,
) (video.Room, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Room{}, err
	}
	var row roomRow
	err = s.write(ctx, "update room", func(ctx context.Context, tx bun.Tx) error {
		var err error
		if row, err = findRoom(ctx, tx, number, id); err != nil {
			return err
		}
		if change == (video.RoomChange{}) {
			return nil
		}
		if change.E2EE != nil && *change.E2EE != row.E2EE && row.ActiveSessionID != nil {
			return video.Errorf(video.CodeState, "e2ee cannot be changed while a session is going on").WithField("/e2ee")
		}
		row.change(change)
		row.UpdatedAt = max(row.UpdatedAt, s.now().UnixMicro())
		if err := row.storable(); err != nil {
			return err
		}
		if err := s.auditTx(ctx, tx, number, "room.update", string(id), changed(change)); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model(&row).WherePK().Exec(ctx)
		return err
	})
	if duplicate(err) {
		return video.Room{}, nameTaken(text(row.UniqueName))
	}
	if err != nil {
		return video.Room{}, err
	}
	return row.room(account), nil
}

func (r *roomRow) change(c video.RoomChange) {
	if c.UniqueName.Present {
		r.UniqueName = textOrNil(text(c.UniqueName.Value))
	}
	if c.MaxParticipants != nil {
		r.MaxParticipants = *c.MaxParticipants
	}
	if c.EnableRecording != nil {
		r.EnableRecording = *c.EnableRecording
	}
	if c.E2EE != nil {
		r.E2EE = *c.E2EE
	}
	if c.WebhookEventURL.Present {
		r.WebhookEventURL = text(c.WebhookEventURL.Value)
	}
	if c.WebhookEventFailoverURL.Present {
		r.WebhookEventFailoverURL = text(c.WebhookEventFailoverURL.Value)
	}
	if c.WebhookTimeoutSecs.Present {
		r.WebhookTimeoutSecs = c.WebhookTimeoutSecs.Value
	}
	if c.RecordingRetentionDays.Present {
		r.RecordingRetentionDays = c.RecordingRetentionDays.Value
	}
}

// changed names the fields an update sets, for the audit log.
func changed(c video.RoomChange) string {
	var names []string
	for _, field := range []struct {
		name    string
		present bool
	}{
		{"unique_name", c.UniqueName.Present},
		{"max_participants", c.MaxParticipants != nil},
		{"enable_recording", c.EnableRecording != nil},
		{"e2ee", c.E2EE != nil},
		{"webhook_event_url", c.WebhookEventURL.Present},
		{"webhook_event_failover_url", c.WebhookEventFailoverURL.Present},
		{"webhook_timeout_secs", c.WebhookTimeoutSecs.Present},
		{"recording_retention_days", c.RecordingRetentionDays.Present},
	} {
		if field.present {
			names = append(names, field.name)
		}
	}
	return strings.Join(names, ", ")
}

// DeleteRoom takes the room out of every list and frees its name. Its sessions and participants stay readable. A session
// that is going on is not ended by this: that is for whoever runs it.
func (s *Store) DeleteRoom(ctx context.Context, account video.AccountID, id video.RoomID) error {
	number, err := s.number(ctx, account)
	if err != nil {
		return err
	}
	return s.write(ctx, "delete room", func(ctx context.Context, tx bun.Tx) error {
		now := s.now().UnixMicro()
		n, err := affected(tx.NewUpdate().Model((*roomRow)(nil)).
			Set("deleted_at = ?", now).Set("updated_at = ?", now).
			Where("id = ?", id).Where("account = ?", number).Where("deleted_at IS NULL").Exec(ctx))
		if err != nil {
			return err
		}
		if n == 0 {
			return roomAbsent(id)
		}
		if err := s.auditTx(ctx, tx, number, "room.delete", string(id), ""); err != nil {
			return err
		}
		return addTotal(ctx, tx, number, "rooms", -1)
	})
}
