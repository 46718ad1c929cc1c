package store

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A process is killed while eight write at once, right after a commit or in the middle of a transaction. Then everyone of whom
// there is a record has their events and lines, each once, and nobody else has any.
func TestKilledWhileTelling(t *testing.T) {
	if path := os.Getenv("ROTUNDA_TEST_TELLING"); path != "" {
		dieTelling(t, path, os.Getenv("ROTUNDA_TEST_INSIDE") != "")
		return
	}
	for name, inside := range map[string]string{"after a commit": "", "in a transaction": "yes"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			child := exec.Command(os.Args[0], "-test.run=^TestKilledWhileTelling$")
			child.Env = append(os.Environ(), "ROTUNDA_TEST_TELLING="+path, "ROTUNDA_TEST_INSIDE="+inside)
			if out, err := child.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the child was to be killed: %v\n%s", err, out)
			}
			f := openAt(t, path, &clock{t: start})
			defer func() { must(t, f.Close()) }()
			_, err := f.CloseDangling(t.Context())
			must(t, err)
			wantToldOnce(t, f)
		})
	}
}

func dieTelling(t *testing.T, path string, inside bool) {
	f := openAt(t, path, &clock{t: start})
	session := f.session(f.hooked("https://a.example", "").ID)
	self, err := os.FindProcess(os.Getpid())
	must(t, err)
	var joined atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for {
				p := f.participant(session.ID, "")
				err := f.Join(context.Background(), p)
				r := f.starts(p, video.Audio)
				f.ends(r, 0)
				_ = f.RecordingArchived(context.Background(), r.ID, 1, "")
				if err == nil && joined.Add(1) == 100 {
					if inside {
						f.journal.post(&entry{write: func(context.Context, bun.Tx) error { return self.Kill() }})
					} else {
						_ = self.Kill()
					}
				}
				f.leave(p, video.LeftByChoice)
			}
		})
	}
	group.Wait()
}

// wantToldOnce compares the record of everyone with their events and lines.
func wantToldOnce(t *testing.T, f *fixture) {
	t.Helper()
	for what, query := range map[string]string{
		"people": `SELECT count(*) FROM participants AS p WHERE
			(SELECT count(*) FROM deliveries AS d WHERE d.participant_id = p.id AND d.event_type = 'video.room.participant.joined') <> 1 OR
			(SELECT count(*) FROM deliveries AS d WHERE d.participant_id = p.id AND d.event_type = 'video.room.participant.left') <> 1 OR
			(SELECT count(*) FROM happenings AS h WHERE h.participant_id = p.id AND h.type = 'participant_joined') <> 1 OR
			(SELECT count(*) FROM happenings AS h WHERE h.participant_id = p.id AND h.type = 'participant_left') <> 1`,
		"recordings": `SELECT count(*) FROM recordings AS r WHERE
			(SELECT count(*) FROM deliveries AS d WHERE d.event_type = 'video.room.recording.started' AND d.payload LIKE '%' || r.id || '%') <> 1 OR
			(SELECT count(*) FROM deliveries AS d WHERE d.event_type = 'video.room.recording.completed' AND d.payload LIKE '%' || r.id || '%') <>
				CASE r.status WHEN 'completed' THEN 1 ELSE 0 END`,
		"deliveries": `SELECT count(*) FROM deliveries WHERE participant_id <> '' AND participant_id NOT IN (SELECT id FROM participants)`,
		"happenings": `SELECT count(*) FROM happenings WHERE participant_id <> '' AND participant_id NOT IN (SELECT id FROM participants)`,
		"a counter": `SELECT count(*) FROM account_totals AS a WHERE a.deliveries <> (SELECT count(*) FROM deliveries AS d WHERE d.account = a.account) OR
			a.recordings <> (SELECT count(*) FROM recordings AS r WHERE r.account = a.account)`,
	} {
		var wrong int
		must(t, f.reads.NewRaw(query).Scan(t.Context(), &wrong))
		wantEqual(t, what+" that do not fit", wrong, 0)
	}
	list, err := f.Participants(t.Context(), video.ParticipantQuery{AccountID: f.account, Page: firstPage})
	must(t, err)
	if list.Total < 100 {
		t.Fatalf("only %d people", list.Total)
	}
	recordings, err := f.Recordings(t.Context(), video.RecordingQuery{
		RecordingFilter: video.RecordingFilter{AccountID: f.account, Status: video.RecordingCompleted}, Page: firstPage,
	})
	must(t, err)
	if recordings.Total < 50 {
		t.Fatalf("only %d recordings were completed", recordings.Total)
	}
}

// A batch that fails as a whole and is written entry by entry tells each thing once.
func TestToldOnceAfterFailures(t *testing.T) {
	f := openNew(t)
	session := f.session(f.hooked("https://a.example", "").ID)
	p := f.join(session.ID, "")
	release := hold(t, f.journal)
	f.leave(p, video.LeftByChoice)
	f.journal.post(&entry{write: func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (id) VALUES (NULL)")
		return err
	}})
	tries := 0
	f.journal.post(&entry{write: func(context.Context, bun.Tx) error {
		if tries++; tries < 3 {
			return context.DeadlineExceeded
		}
		return nil
	}})
	f.end(session.ID, video.EndedEmpty)
	release()
	f.flush()
	var types []string
	for _, d := range f.outbox() {
		types = append(types, strings.TrimPrefix(string(d.Type), "video.room."))
	}
	wantEqual(t, "told", strings.Join(types, " "), "session.started participant.joined participant.left session.ended")
	lines, err := f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: session.ID, Limit: 100})
	must(t, err)
	wantEqual(t, "lines", len(lines), 4)
}
