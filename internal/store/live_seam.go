package store

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Note posts a happening to the journal and returns at once. It is written after all that came before it, and retried
// until it is.
func (s *Store) Note(h video.Happening) {
	s.journal.post(&entry{
		about: slog.Group("note", "session", h.SessionID, "type", h.Type),
		write: func(ctx context.Context, tx bun.Tx) error {
			data, err := json.Marshal(h)
			if err != nil {
				return err
			}
			_, err = tx.NewInsert().Table("happenings").Model(&map[string]any{
				"session_id": h.SessionID, "type": h.Type, "at": h.At.UnixMicro(), "participant_id": h.ParticipantID, "data": string(data),
			}).Exec(ctx)
			return err
		},
	})
}

// RevokeFamilies makes tokens of these families worthless.
func (s *Store) RevokeFamilies(ctx context.Context, account video.AccountID, families []string) error {
	number, err := s.number(ctx, account)
	if err != nil {
		return err
	}
	at := s.now().UnixMicro()
	return s.write(ctx, "revoke families", func(ctx context.Context, tx bun.Tx) error {
		for _, family := range families {
			_, err := tx.NewInsert().Table("revoked_families").Model(&map[string]any{
				"family": family, "account": number, "revoked_at": at,
			}).On("CONFLICT DO NOTHING").Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
