package archive

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/blob/blobtest"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What the record deletes goes for good: file, index, what was left here; at once, after an outage, and after a restart.
func TestRemove(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "recordings")
	must(t, os.Mkdir(dir, 0o700))
	db, err := store.Open(ctx, store.Config{Path: filepath.Join(t.TempDir(), "a.db")})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	account, _, err := db.DefaultAccount(ctx)
	must(t, err)
	room, err := db.CreateRoom(ctx, video.Room{AccountID: account.ID, MaxParticipants: 10})
	must(t, err)
	session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: account.ID, RoomID: room.ID}
	must(t, db.OpenSession(ctx, session))

	server := blobtest.New(t)
	objects, err := blob.Open(blob.Config{S3: &blob.S3{
		Endpoint: &url.URL{Scheme: "http", Host: server.Address}, Region: "us-east-1", Bucket: server.Bucket(),
		AccessKey: blobtest.AccessKey, SecretKey: blobtest.SecretKey,
	}})
	must(t, err)
	defer func() { must(t, objects.Close()) }()

	recording := func(status video.RecordingStatus) video.Recording {
		r := video.Recording{
			ID: video.NewUUID(), AccountID: account.ID, SessionID: session.ID, Status: status, Type: video.Video, Codec: "h264",
		}
		must(t, db.AddRecording(ctx, r))
		for _, name := range []string{r.FileName(), r.IndexName()} {
			must(t, os.WriteFile(filepath.Join(dir, name), []byte("media"), 0o600))
		}
		if status == video.RecordingCompleted {
			for key, name := range map[string]string{r.FileKey(): r.FileName(), r.IndexKey(): r.IndexName()} {
				_, err := objects.Put(ctx, key, filepath.Join(dir, name))
				must(t, err)
			}
		}
		return r
	}
	composition, err := db.CreateComposition(ctx, video.Composition{AccountID: account.ID, SessionID: session.ID, Format: "mp4"})
	must(t, err)
	first, second, failed, other := recording(video.RecordingCompleted), recording(video.RecordingCompleted), recording(video.RecordingFailed), recording(video.RecordingCompleted)
	_, err = objects.Put(ctx, composition.FileKey(), filepath.Join(dir, first.FileName()))
	must(t, err)

	run := func() (r *Remover, stop func()) {
		r = NewRemover(RemoverConfig{
			Deletions: db, Media: objects, Dir: dir, Retry: Retry{5 * time.Millisecond, 50 * time.Millisecond}, Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		stop = sync.OnceFunc(func() { cancel(); running.Wait() })
		t.Cleanup(stop)
		return r, stop
	}
	waiting := func() int {
		n, err := db.CountMediaDeletions(ctx)
		must(t, err)
		return n
	}
	absent := func(key string) bool {
		r, err := objects.Open(ctx, key)
		if err == nil {
			must(t, r.Close())
		}
		return errors.Is(err, blob.ErrAbsent)
	}

	_, stop := run()
	must(t, db.DeleteRecording(ctx, account.ID, first.ID))
	until(t, "nothing is left to delete", func() bool { return waiting() == 0 })
	stop()
	must(t, db.DeleteRecording(ctx, account.ID, second.ID)) // nobody is there
	server.Stop()
	r, _ := run()
	must(t, db.DeleteRecording(ctx, account.ID, failed.ID))
	must(t, db.DeleteComposition(ctx, account.ID, composition.ID))
	until(t, "all three failed", func() bool { return r.Failures() >= 3 })
	if waiting() != 3 {
		t.Errorf("%d are waiting", waiting())
	}
	// Nor is anything gone from a disk that is not mounted.
	must(t, os.Rename(dir, dir+" unmounted"))
	server.Start()
	until(t, "only what may lie there is left", func() bool { return waiting() == 2 })
	failures := r.Failures()
	until(t, "it is tried again", func() bool { return r.Failures() > failures+2 })
	must(t, os.Rename(dir+" unmounted", dir))
	until(t, "nothing is left to delete", func() bool { return waiting() == 0 })
	for _, gone := range []video.Recording{first, second, failed} {
		if !absent(gone.FileKey()) || !absent(gone.IndexKey()) {
			t.Errorf("media of %s is still there", gone.ID)
		}
		for _, name := range []string{gone.FileName(), gone.IndexName()} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Errorf("%s is still here", name)
			}
		}
	}
	if !absent(composition.FileKey()) {
		t.Error("the composition is still there")
	}
	if absent(other.FileKey()) || absent(other.IndexKey()) {
		t.Error("another recording went too")
	}
}
