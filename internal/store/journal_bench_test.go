package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

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

// BenchmarkClaim claims one delivery and settles it while 100,000 wait for twenty URLs that are busy.
func BenchmarkClaim(b *testing.B) {
	s, err := Open(b.Context(), Config{Path: filepath.Join(b.TempDir(), "a.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if _, _, err := s.DefaultAccount(b.Context()); err != nil {
		b.Fatal(err)
	}
	var busy []string
	told := newTidings()
	for i := range 100_000 {
		url := fmt.Sprintf("https://%d.example", i%20)
		if i < 20 {
			busy = append(busy, url)
		}
		told.deliveries = append(told.deliveries, newDeliveryRow(place{Account: 1, URL: url}, video.Event{ID: video.NewUUID()}, 0))
	}
	good := newDeliveryRow(place{Account: 1, URL: "https://good.example"}, video.Event{ID: video.NewUUID()}, 0)
	told.deliveries = append(told.deliveries, good)
	if err := s.write(b.Context(), "fill", told.write); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		claimed, err := s.ClaimDeliveries(b.Context(), busy, time.Minute, 64)
		if err != nil || len(claimed) != 1 {
			b.Fatal(len(claimed), err)
		}
		at := time.Now()
		if err := s.SettleDeliveries(b.Context(), []video.DeliveryOutcome{{
			Seq: claimed[0].Seq, Status: video.DeliveryPending, Target: claimed[0].URL, NextAt: &at, Attempt: video.Attempt{Number: 1},
		}}); err != nil {
			b.Fatal(err)
		}
	}
}
