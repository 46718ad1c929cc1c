package store

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// hold keeps the journal inside a transaction until release is called. What is added meanwhile stays queued.
func hold(t *testing.T, j *journal) (release func()) {
	t.Helper()
	inside, leave, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		left <- j.await(context.Background(), &entry{write: func(context.Context, bun.Tx) error {
			close(inside)
			<-leave
			return nil
		}})
	}()
	<-inside
	return func() {
		close(leave)
		must(t, <-left)
	}
}

// queued waits until n entries are in the queue.
func queued(t *testing.T, j *journal, n int) {
	t.Helper()
	for {
		j.mu.Lock()
		have := len(j.queue)
		j.mu.Unlock()
		if have == n {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%d entries queued, want %d", have, n)
		default:
			runtime.Gosched()
		}
	}
}

func testJoinTakenBack(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	release := hold(t, f.journal)
	ctx, cancel := context.WithCancel(t.Context())
	given, stays := f.participant(session.ID, ""), f.participant(session.ID, "")
	outcomes := map[video.ParticipantID]chan error{given.ID: make(chan error, 1), stays.ID: make(chan error, 1)}
	go func() { outcomes[given.ID] <- f.Join(ctx, given) }()
	go func() { outcomes[stays.ID] <- f.Join(t.Context(), stays) }()
	queued(t, f.journal, 2)
	cancel()
	err := <-outcomes[given.ID]
	wantCode(t, err, video.CodeUnavailable)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the cause is missing: %v", err)
	}
	release()
	must(t, <-outcomes[stays.ID])
	used, err := f.ParticipantIDUsed(t.Context(), f.account, given.ID)
	must(t, err)
	wantEqual(t, "trace of the join taken back", used, false)
	must(t, f.Join(t.Context(), given)) // and the id is still free
}

// A context that ends while the row is being written does not hide that it was.
func testJoinOvertaken(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	err := f.journal.await(ctx, &entry{write: func(context.Context, bun.Tx) error { cancel(); return nil }})
	must(t, err)
}

// Who waits for the record waits no longer than they want, though their mark is with entries that are tried again and again.
func testFlushGivesUp(t *testing.T, f *fixture) {
	release := hold(t, f.journal)
	ctx, cancel := context.WithCancel(t.Context())
	var broken atomic.Bool
	broken.Store(true)
	f.journal.post(&entry{write: func(context.Context, bun.Tx) error {
		if cancel(); broken.Load() {
			return context.DeadlineExceeded
		}
		return nil
	}})
	flushed := make(chan error, 1)
	go func() { flushed <- f.Flush(ctx) }()
	queued(t, f.journal, 2)
	release()
	wantCode(t, <-flushed, video.CodeUnavailable)
	broken.Store(false)
	f.flush()
}

func testFullQueue(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	early := f.join(session.ID, "")
	release := hold(t, f.journal)
	var group sync.WaitGroup
	for range maxWaiting {
		p := f.participant(session.ID, "")
		group.Go(func() {
			if err := f.Join(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, f.journal, maxWaiting)
	refused := f.participant(session.ID, "")
	wantCode(t, f.Join(t.Context(), refused), video.CodeUnavailable)
	f.leave(early, video.LeftByChoice) // leaves always find room
	release()
	group.Wait()
	f.flush()
	left, err := f.Participant(t.Context(), f.account, early.ID)
	must(t, err)
	if left.LeftAt == nil {
		t.Fatal("the leave was lost")
	}
	list, err := f.Participants(t.Context(), video.ParticipantQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 1}})
	must(t, err)
	wantEqual(t, "joined", list.Total, maxWaiting+1)
	must(t, f.Join(t.Context(), refused))
}

// A database that is full refuses joins, keeps leaves, and goes on when there is space again.
func TestBrokenDatabase(t *testing.T) {
	f := openNew(t)
	session := f.session(f.room("").ID)
	a, b := f.join(session.ID, ""), f.join(session.ID, "")
	var pages int
	must(t, f.writes.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages))
	_, err := f.writes.ExecContext(t.Context(), "PRAGMA max_page_count = "+strconv.Itoa(pages))
	must(t, err)

	release := hold(t, f.journal)
	big := f.participant(session.ID, strings.Repeat("x", 64<<10)) // needs new pages
	refused := make(chan error, 1)
	f.leave(a, video.LeftByChoice)
	go func() { refused <- f.Join(t.Context(), big) }()
	queued(t, f.journal, 2)
	f.leave(b, video.LeftKicked)
	release()
	wantCode(t, <-refused, video.CodeUnavailable)
	f.flush()
	for id, reason := range map[video.ParticipantID]video.LeftReason{a.ID: video.LeftByChoice, b.ID: video.LeftKicked} {
		p, err := f.Participant(t.Context(), f.account, id)
		must(t, err)
		wantEqual(t, "reason", p.LeftReason, reason)
	}
	used, err := f.ParticipantIDUsed(t.Context(), f.account, big.ID)
	must(t, err)
	wantEqual(t, "trace of the refused join", used, false)
	_, err = f.writes.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000")
	must(t, err)
	must(t, f.Join(t.Context(), big))
}

// An entry that can never be written is given up alone; those around it are written.
func testHopelessEntry(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	before, after := f.join(session.ID, ""), f.join(session.ID, "")
	release := hold(t, f.journal)
	f.leave(before, video.LeftByChoice)
	f.journal.post(&entry{write: func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (id) VALUES (NULL)")
		return err
	}})
	f.leave(after, video.LeftByChoice)
	release()
	f.flush()
	for _, p := range []video.Participant{before, after} {
		read, err := f.Participant(t.Context(), f.account, p.ID)
		must(t, err)
		wantEqual(t, "reason", read.LeftReason, video.LeftByChoice)
	}
}

// While a database is away, leaves keep their order and wait longer between attempts; closing does not wait for ever.
func TestRetries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	synctest.Test(t, func(t *testing.T) {
		f := openAt(t, path, &clock{t: start})
		f.room("")
		var attempts []time.Duration
		begin := time.Now()
		f.journal.post(&entry{write: func(context.Context, bun.Tx) error {
			if attempts = append(attempts, time.Since(begin)); len(attempts) < 4 {
				return context.DeadlineExceeded // stands for any passing failure
			}
			return nil
		}})
		f.flush()
		want := []time.Duration{0, firstRetry, 3 * firstRetry, 7 * firstRetry}
		for i, at := range attempts {
			wantEqual(t, "attempt", at, want[i])
		}
		wantEqual(t, "attempts", len(attempts), len(want))

		f.journal.post(&entry{write: func(context.Context, bun.Tx) error { return context.DeadlineExceeded }})
		flushed := make(chan error, 1)
		go func() { flushed <- f.Flush(context.Background()) }()
		synctest.Wait()
		begin = time.Now()
		if err := f.Close(); err == nil || !strings.Contains(err.Error(), "1 entries could not be written") {
			t.Fatalf("closing over a broken database: %v", err)
		}
		wantEqual(t, "grace", time.Since(begin), closeGrace)
		wantCode(t, <-flushed, video.CodeUnavailable)
		if err := f.Close(); err == nil {
			t.Fatal("the second Close forgot the failure")
		}
		wantCode(t, f.Join(t.Context(), video.Participant{ID: video.ParticipantID(video.NewUUID()), AccountID: f.account}), video.CodeUnavailable)
		f.Leave(video.Participant{}) // after the end: logged, and nothing else
	})
}

func TestHeartbeat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Config{Path: path})
		must(t, err)
		defer func() { must(t, s.Close()) }()
		account, _, err := s.DefaultAccount(t.Context())
		must(t, err)
		f := &fixture{Store: s, t: t, clock: &clock{t: time.Now()}, account: account.ID}
		begin := time.Now()
		room := f.room("")
		beat := func() time.Duration {
			var row heartbeatRow
			must(t, s.reads.NewSelect().Model(&row).Scan(t.Context()))
			return moment(row.AliveAt).Sub(begin)
		}
		session := f.session(room.ID)
		wantEqual(t, "beat with a batch", beat(), 0)
		time.Sleep(35 * time.Second)
		synctest.Wait()
		wantEqual(t, "beat while a session is open", beat(), 30*time.Second)
		f.end(session.ID, video.EndedEmpty)
		f.flush()
		time.Sleep(time.Hour)
		synctest.Wait()
		wantEqual(t, "beat while none is", beat(), 35*time.Second)
	})
}

// A process is killed in the middle of a call: what it was told is written is there, and the session is closed.
func TestKilled(t *testing.T) {
	if path, url := os.Getenv("ROTUNDA_TEST_KILLED_PATH"), os.Getenv("ROTUNDA_TEST_KILLED_URL"); path+url != "" {
		dieInside(t, Config{Path: path, URL: url, Migrate: true})
		return
	}
	onBoth(t, testKilled)
}

func testKilled(t *testing.T, config Config) {
	child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "ROTUNDA_TEST_KILLED_PATH="+config.Path, "ROTUNDA_TEST_KILLED_URL="+config.URL)
	if out, err := child.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child was to be killed: %v\n%s", err, out)
	}
	f := openWith(t, config, &clock{t: start.Add(time.Hour)})
	defer func() { must(t, f.Close()) }()
	n, err := f.CloseDangling(t.Context())
	must(t, err)
	wantEqual(t, "dangling sessions", n, 1)
	list, err := f.Participants(t.Context(), video.ParticipantQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 250}})
	must(t, err)
	wantEqual(t, "participants", list.Total, 100)
	for _, p := range list.Items {
		if p.LeftReason != video.LeftServerCrashed || p.LeftAt.After(start.Add(time.Minute)) {
			t.Fatalf("participant left as %+v", p)
		}
	}
	sessions, err := f.Sessions(t.Context(), video.SessionQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 1}})
	must(t, err)
	wantEqual(t, "reason", sessions.Items[0].EndedReason, video.EndedServerCrashed)
	f.session(f.room("").ID) // and life goes on
}

func dieInside(t *testing.T, config Config) {
	f := openWith(t, config, &clock{t: start})
	session := f.session(f.room("").ID)
	for range 100 {
		f.join(session.ID, "")
	}
	self, err := os.FindProcess(os.Getpid())
	must(t, err)
	must(t, self.Kill())
	select {} // until the signal comes
}
