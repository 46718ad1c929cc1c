package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// totals are an account's counters beside the rows there are.
func (f *fixture) checkTotals(participants int) {
	f.t.Helper()
	ctx := context.Background()
	list, err := f.Participants(ctx, video.ParticipantQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 1}})
	must(f.t, err)
	rows, err := f.reads.NewSelect().Model((*participantRow)(nil)).Count(ctx)
	must(f.t, err)
	if int(rows) != participants || list.Total != participants {
		f.t.Fatalf("%d rows and a total of %d, want %d", rows, list.Total, participants)
	}
}

// A commit whose answer is lost is looked up: nobody is told anything else than what happened.
func TestCommitOfUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		name    string
		fate    commitFate
		written bool
	}{
		{"lost", commitLost, false},
		{"unheard", commitUnheard, true},
		{"late", commitLate, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			database := storetest.Postgres(t)
			p, through := between(t, database)
			f := openWith(t, Config{URL: through, Migrate: true}, &clock{t: start})
			t.Cleanup(func() { must(t, f.Close()) })
			session := f.session(f.room("").ID)
			stays, leaves := f.join(session.ID, ""), f.join(session.ID, "")

			release := hold(t, f.journal)
			p.next(commitPasses, c.fate) // that of the batch that is held, and that of the next one
			joins := f.participant(session.ID, "")
			joined := make(chan error, 1)
			go func() { joined <- f.Join(context.Background(), joins) }()
			queued(t, f.journal, 1)
			f.leave(leaves, video.LeftKicked)
			release()
			if c.fate == commitLate {
				awaitLockWaiter(t, database)
				close(p.late)
			}
			err := <-joined
			if c.written {
				must(t, err)
			} else {
				wantCode(t, err, video.CodeUnavailable)
			}
			f.flush()
			used, err := f.ParticipantIDUsed(t.Context(), f.account, joins.ID)
			must(t, err)
			wantEqual(t, "trace of the join", used, c.written)
			left, err := f.Participant(t.Context(), f.account, leaves.ID)
			must(t, err)
			wantEqual(t, "reason", left.LeftReason, video.LeftKicked)
			there, err := f.Participant(t.Context(), f.account, stays.ID)
			must(t, err)
			if there.LeftAt != nil {
				t.Fatal("someone else left")
			}
			f.checkTotals(map[bool]int{true: 3, false: 2}[c.written])
		})
	}
}

// awaitLockWaiter returns when a connection waits for an advisory lock.
func awaitLockWaiter(t *testing.T, database string) {
	t.Helper()
	db := raw(t, Config{URL: database})
	for {
		var waiting int
		must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "+
			"AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&waiting))
		if waiting > 0 {
			return
		}
	}
}

// A change whose commit got no answer says so, whether it happened or not; one that was refused does not.
func TestWriteOfUnknownOutcome(t *testing.T) {
	p, through := between(t, storetest.Postgres(t))
	f := openWith(t, Config{URL: through, Migrate: true}, &clock{t: start})
	t.Cleanup(func() { must(t, f.Close()) })
	for name, fate := range map[string]commitFate{"lost": commitLost, "unheard": commitUnheard} {
		room := video.Room{AccountID: f.account, UniqueName: name}
		p.next(fate)
		_, err := f.CreateRoom(t.Context(), room)
		wantCode(t, err, video.CodeUnavailable)
		if !errors.Is(err, video.ErrInDoubt) {
			t.Errorf("%s: %v", name, err)
		}
		_, err = f.CreateRoom(t.Context(), room)
		if happened := video.CodeOf(err) == video.CodeDuplicate; happened != (fate == commitUnheard) || errors.Is(err, video.ErrInDoubt) {
			t.Errorf("%s, and again: %v", name, err)
		}
	}
}

// A store that closes while the fate of a batch is open says so, and keeps nobody waiting.
func TestCloseInDoubt(t *testing.T) {
	t.Parallel()
	p, through := between(t, storetest.Postgres(t))
	f := openWith(t, Config{URL: through, Migrate: true}, &clock{t: start})
	session := f.session(f.room("").ID)
	release := hold(t, f.journal)
	p.next(commitPasses, commitLast)
	joins := f.participant(session.ID, "")
	joined := make(chan error, 1)
	go func() { joined <- f.Join(context.Background(), joins) }()
	queued(t, f.journal, 1)
	release()
	if err := f.Close(); err == nil || !strings.Contains(err.Error(), "1 entries may or may not have been written") {
		t.Fatalf("closing in doubt: %v", err)
	}
	wantCode(t, <-joined, video.CodeUnavailable)
}

// While everything that can break breaks, people come and go. What was said to be written is, what was refused is not, and
// every leave comes through.
func TestComingAndGoingOverABadNetwork(t *testing.T) {
	t.Run("backends are terminated", func(t *testing.T) {
		t.Parallel()
		database := storetest.Postgres(t)
		comeAndGo(t, database, 15, func() {
			storetest.Execute(t, database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "+
				"WHERE datname = current_database() AND pid <> pg_backend_pid()")
		})
	})
	t.Run("the server crashes", func(t *testing.T) {
		t.Parallel()
		server := storetest.StartServer(t)
		comeAndGo(t, server.URL("postgres"), 3, func() {
			if err := errors.Join(server.Stop(), server.Start()); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("commits are cut off", func(t *testing.T) {
		t.Parallel()
		p, through := between(t, storetest.Postgres(t))
		comeAndGo(t, through, 4, func() { // some of these are the commits of the looking up
			<-p.next(commitLost, commitPasses, commitPasses, commitUnheard, commitUnheard, commitPasses, commitUnheard, commitLost)
		})
	})
}

// outcome is what someone who joined was told.
type outcome struct {
	participant video.Participant
	err         error
}

func comeAndGo(t *testing.T, database string, times int, disturb func()) {
	f := openWith(t, Config{URL: database, Migrate: true}, &clock{t: start})
	session := f.session(f.room("").ID)
	var over atomic.Bool
	var group sync.WaitGroup
	told := make([][]outcome, 8)
	for i := range told {
		group.Go(func() {
			for !over.Load() {
				p := f.participant(session.ID, fmt.Sprint(i))
				err := f.Join(context.Background(), p)
				if err == nil {
					f.leave(p, video.LeftByChoice)
				}
				told[i] = append(told[i], outcome{p, err})
			}
		})
	}
	for range times {
		time.Sleep(50 * time.Millisecond) // lets some of them in; nothing waits for it
		disturb()
	}
	over.Store(true)
	group.Wait()
	f.flush()
	all := slices.Concat(told...)
	refused, joined := 0, 0
	for _, o := range all {
		read, err := f.Participant(t.Context(), f.account, o.participant.ID)
		switch {
		case o.err != nil && video.CodeOf(o.err) != video.CodeUnavailable:
			t.Fatalf("refused with %v", o.err)
		case o.err != nil:
			refused++
			wantCode(t, err, video.CodeNotFound)
		default:
			joined++
			must(t, err)
			wantEqual(t, "reason", read.LeftReason, video.LeftByChoice)
		}
	}
	if refused == 0 || joined == 0 {
		t.Fatalf("%d joined, %d refused: nothing was disturbed", joined, refused)
	}
	f.checkTotals(joined)
	f.end(session.ID, video.EndedEmpty)
	must(t, f.Close())
}

// A server stays the one server of its database when that is restarted.
func TestClaimOutlivesTheDatabase(t *testing.T) {
	server := storetest.StartServer(t)
	url := server.URL("postgres")
	f := openWith(t, Config{URL: url, Migrate: true}, &clock{t: start})
	defer func() { must(t, f.Close()) }()
	_, err := f.CloseDangling(t.Context())
	must(t, err)
	must(t, errors.Join(server.Stop(), server.Start()))
	f.journal.beat()
	other := openWith(t, Config{URL: url}, &clock{t: start})
	defer func() { must(t, other.Close()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := other.CloseDangling(ctx); err == nil || !strings.Contains(err.Error(), "in use by another server") {
		t.Errorf("another server: %v", err)
	}
	must(t, f.keepClaim(t.Context()))
}
