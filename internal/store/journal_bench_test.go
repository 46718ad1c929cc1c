package store

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// BenchmarkJournal writes joins that are waited for and notes that are not, each on a database on disk. Run it with:
// go test -run '^$' -bench Journal ./internal/store
func BenchmarkJournal(b *testing.B) {
	open := func(b *testing.B) (*Store, video.AccountID, video.SessionID) {
		b.Helper()
		s, err := Open(b.Context(), Config{Path: filepath.Join(b.TempDir(), "a.db")})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		account, _, err := s.DefaultAccount(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		room, err := s.CreateRoom(b.Context(), video.Room{AccountID: account.ID, MaxParticipants: 50, WebhookEventURL: "https://a.example"})
		if err != nil {
			b.Fatal(err)
		}
		session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: account.ID, RoomID: room.ID}
		if err := s.OpenSession(b.Context(), session); err != nil {
			b.Fatal(err)
		}
		return s, account.ID, session.ID
	}
	join := func(s *Store, account video.AccountID, session video.SessionID) error {
		return s.Join(context.Background(), video.Participant{ID: video.ParticipantID(video.NewUUID()), AccountID: account, SessionID: session})
	}
	b.Run("a join alone", func(b *testing.B) {
		s, account, session := open(b)
		for b.Loop() {
			if err := join(s, account, session); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("joins of 128 at once", func(b *testing.B) {
		s, account, session := open(b)
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := join(s, account, session); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("notes", func(b *testing.B) {
		s, account, session := open(b)
		yes := true
		note := video.Happening{
			AccountID: account, SessionID: session, Type: video.HappenedPublished, ParticipantID: "p", StreamID: "s", Key: "self", Audio: &yes, Video: &yes,
		}
		for i := 0; b.Loop(); i++ {
			s.Note(note)
			if i%maxBatch == 0 {
				_ = s.Flush(context.Background())
			}
		}
		_ = s.Flush(context.Background())
	})
}
