// Command recording adds recordings to a session, as a recorder would, and prints their ids, one a line. It works on the data of a
// server that runs: ROTUNDA_DATA and ROTUNDA_DATABASE_URL say where that is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type order struct {
	session, participant string
	kind, status         string
	count, seconds       int
}

func main() {
	var o order
	flag.StringVar(&o.session, "session", "", "the session's `id`")
	flag.StringVar(&o.participant, "participant", "", "the participant's `id`")
	flag.StringVar(&o.kind, "type", "audio", "audio or video")
	flag.StringVar(&o.status, "status", string(video.RecordingCompleted), "completed or `processing`")
	flag.IntVar(&o.count, "count", 1, "how many")
	flag.IntVar(&o.seconds, "seconds", 60, "how long they are")
	flag.Parse()
	if err := add(context.Background(), o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

func add(ctx context.Context, o order, w io.Writer) (err error) {
	db, err := store.Open(ctx, store.Config{
		URL: os.Getenv("ROTUNDA_DATABASE_URL"), Path: filepath.Join(os.Getenv("ROTUNDA_DATA"), "rotunda.db"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	account, _, err := db.DefaultAccount(ctx)
	if err != nil {
		return err
	}
	for range o.count {
		recording := o.recording(account.ID, time.Now())
		if err := db.AddRecording(ctx, recording); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w, recording.ID); err != nil {
			return err
		}
	}
	return nil
}

// recording is one that has just been completed, or is as long by now.
func (o order) recording(account video.AccountID, now time.Time) video.Recording {
	r := video.Recording{
		ID: video.NewUUID(), AccountID: account, SessionID: video.SessionID(o.session), ParticipantID: video.ParticipantID(o.participant),
		StreamKey: "self", Status: video.RecordingStatus(o.status), Type: video.Kind(o.kind), Codec: "opus",
		StartedAt: now.Add(-time.Duration(o.seconds) * time.Second),
	}
	if r.Type == video.Video {
		r.Codec = "vp8"
	}
	if r.Status == video.RecordingCompleted {
		r.EndedAt, r.CompletedAt = &now, &now
		r.Duration, r.SizeBytes = now.Sub(r.StartedAt), int64(o.seconds)*6000
	}
	return r
}
