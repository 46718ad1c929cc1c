package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// maxWaiting bounds the entries somebody waits for; one more is refused. Entries nobody waits for (leaves and ends)
	// need no bound of their own: each belongs to a join or an opening that was written before.
	maxWaiting = 1024

	maxBatch          = 256 // entries in one transaction
	batchTimeout      = 15 * time.Second
	firstRetry        = 50 * time.Millisecond
	slowestRetry      = 2 * time.Second
	closeGrace        = 5 * time.Second
	heartbeatInterval = 10 * time.Second
)

// journal writes what happens in live sessions, in order, many happenings to a transaction (group commit). One goroutine
// does the writing.
//
// Every entry is claimed just before the transaction that writes it. Who waits for an entry and gives up before the claim
// takes the entry back, and it is never written; after the claim they get the outcome. So a refused join leaves no row.
//
// A commit that fails may have happened all the same, over a network above all. So each batch leaves its mark in the
// heartbeat row, and after a failed commit the journal looks for the mark before it answers anybody or writes anything else
// (doubt.go). Until the database has said what happened, or the store closes, the journal stands still.
type journal struct {
	store *Store

	mu      sync.Mutex
	queue   []*entry // in the order of the calls
	waiting int      // how many of queue are awaited
	closed  bool

	wake chan struct{} // holds one token while queue is not empty
	stop chan struct{}
	done chan error

	// Of the writing goroutine alone.
	doubt *doubt   // a batch of which nobody knows whether it was written, older than all of kept
	kept  []*entry // tried and not yet written, older than all of queue
	open  map[video.SessionID]struct{}
	told  *tidings // of the batch being written, or in doubt

	news    *news
	dropped atomic.Int64 // happenings
}

// entry is one thing to write.
type entry struct {
	about  slog.Attr
	write  func(context.Context, bun.Tx) error // nil for a mark that only asks whether all before it is written
	after  func()                              // runs in the writing goroutine once it is durable; may be nil
	answer chan error                          // capacity 1; nil if nobody waits
	retry  bool                                // try until it is written; otherwise a broken database refuses it
	state  atomic.Int32
}

const (
	entryQueued int32 = iota
	entryClaimed
	entryAbandoned
)

func startJournal(s *Store) *journal {
	j := &journal{
		store: s,
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
		done:  make(chan error, 1),
		open:  make(map[video.SessionID]struct{}),
		told:  newTidings(),
		news:  newNews(),
	}
	go func() { j.done <- j.run() }()
	return j
}

func (j *journal) close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	close(j.stop)
	return <-j.done
}

// add queues an entry. Only entries somebody waits for can be refused.
func (j *journal) add(e *entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return video.Errorf(video.CodeUnavailable, "the server is shutting down")
	}
	if e.answer != nil {
		if j.waiting >= maxWaiting {
			return video.Errorf(video.CodeUnavailable, "too many joins at once, try again")
		}
		j.waiting++
	}
	j.queue = append(j.queue, e)
	select {
	case j.wake <- struct{}{}:
	default:
	}
	return nil
}

// await queues an entry and waits for its outcome, or takes it back when ctx ends first.
func (j *journal) await(ctx context.Context, e *entry) error {
	e.answer = make(chan error, 1)
	if err := j.add(e); err != nil {
		return err
	}
	select {
	case err := <-e.answer:
		return err
	case <-ctx.Done():
	}
	// A mark is nothing anybody could be wrong about.
	if e.state.CompareAndSwap(entryQueued, entryAbandoned) || e.write == nil {
		return fmt.Errorf("%w: %w", errUnavailable, context.Cause(ctx))
	}
	return <-e.answer
}

// post queues an entry nobody waits for.
func (j *journal) post(e *entry) {
	e.retry = true
	if err := j.add(e); err != nil {
		j.store.logger.Error("journal entry came after the store was closed", e.about)
	}
}

func (j *journal) run() error {
	tick := time.NewTicker(heartbeatInterval)
	defer tick.Stop()
	for {
		select {
		case <-j.wake:
			j.writeAll(nil)
		case <-tick.C:
			j.beat()
		case <-j.stop:
			return j.finish()
		}
	}
}

// finish writes what is left when the store closes. What a broken database does not take in time is lost, and counted.
func (j *journal) finish() error {
	deadline := time.NewTimer(closeGrace)
	defer deadline.Stop()
	j.writeAll(deadline.C)
	var faults []error
	if n := len(j.kept); n > 0 {
		faults = append(faults, fmt.Errorf("journal: %d entries could not be written before closing", n))
	}
	return errors.Join(append(faults, j.leaveDoubt())...)
}

// writeAll writes until nothing is left, pausing longer after each failure. While the store is open it stops for closing;
// then it stops at the deadline.
func (j *journal) writeAll(deadline <-chan time.Time) {
	stop := j.stop
	if deadline != nil {
		stop = nil
	}
	pause := firstRetry
	for {
		err := j.clearDoubt()
		if err == nil {
			batch := j.take()
			if len(batch) == 0 {
				return
			}
			err = j.commit(batch)
		}
		if err == nil {
			pause = firstRetry
			continue
		}
		j.store.logger.Warn("journal could not be written, trying again",
			"error", err, "entries", len(j.kept), "in_doubt", j.doubt.len(), "pause", pause)
		select {
		case <-time.After(pause):
			pause = min(2*pause, slowestRetry)
		case <-stop:
			return
		case <-deadline:
			j.refuseQueued()
			return
		}
	}
}

// take claims the next batch: what was kept first, then what came since.
func (j *journal) take() []*entry {
	j.mu.Lock()
	n := min(len(j.queue), max(0, maxBatch-len(j.kept)))
	fresh := j.queue[:n:n]
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil
	}
	for _, e := range fresh {
		if e.answer != nil {
			j.waiting--
		}
	}
	j.mu.Unlock()

	batch := j.kept
	j.kept = nil
	for _, e := range fresh {
		if e.state.CompareAndSwap(entryQueued, entryClaimed) {
			batch = append(batch, e)
		}
	}
	return batch
}

// refuseQueued answers those who still wait when the store closes over a broken database.
func (j *journal) refuseQueued() {
	for {
		j.mu.Lock()
		queue := j.queue
		j.queue = nil
		j.mu.Unlock()
		if len(queue) == 0 {
			break
		}
		j.kept = append(j.kept, queue...)
	}
	j.kept = slices.DeleteFunc(j.kept, func(e *entry) bool {
		if e.answer != nil {
			e.answer <- errUnavailable // the capacity of 1 is free: each entry is answered once
		}
		return e.answer != nil
	})
}

// commit writes a batch in one transaction and answers who waits. An error means that the database does not work at
// present; the entries to be retried are kept then, or the whole batch is in doubt.
func (j *journal) commit(batch []*entry) error {
	mark := video.NewUUID()
	outcomes, err := j.transact(batch, mark)
	if errors.Is(err, errCommit) {
		j.doubt = &doubt{mark: mark, batch: batch, outcomes: outcomes, err: err}
		return err
	}
	if err != nil {
		return j.unwritten(batch, err)
	}
	j.settleAll(batch, outcomes)
	return nil
}

// unwritten is for a batch that was rolled back. A statement that can never succeed must not hold up the rest: its batch is
// written entry by entry, and it alone is given up.
func (j *journal) unwritten(batch []*entry, err error) error {
	switch {
	case transient(err):
		j.keepOrRefuse(batch, err)
		return err
	case len(batch) == 1:
		j.settle(batch[0], fmt.Errorf("write journal: %w", err))
		return nil
	}
	for i := range batch {
		if err := j.commit(batch[i : i+1 : i+1]); err != nil {
			j.keepOrRefuse(batch[i+1:], err)
			return err
		}
	}
	return nil
}

func (j *journal) keepOrRefuse(batch []*entry, err error) {
	for _, e := range batch {
		if e.retry {
			j.kept = append(j.kept, e)
		} else {
			e.answer <- failed("write journal", err)
		}
	}
}

// settleAll is for a batch that was written.
func (j *journal) settleAll(batch []*entry, outcomes []error) {
	j.told.committed(j.news)
	for i, e := range batch {
		j.settle(e, outcomes[i])
	}
}

// settle tells the outcome of an entry that is written or refused for good.
func (j *journal) settle(e *entry, outcome error) {
	if outcome == nil && e.after != nil {
		e.after()
	}
	if e.answer != nil {
		e.answer <- outcome
	} else if outcome != nil {
		j.store.logger.Error("journal entry given up", e.about, "error", outcome)
	}
}

// transact returns the outcome of each entry: nil, or why it is refused (a refused entry has changed nothing). The outcomes
// hold if the transaction was committed.
func (j *journal) transact(batch []*entry, mark string) ([]error, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	outcomes := make([]error, len(batch))
	j.told.begin()
	err := j.store.transact(ctx, func(ctx context.Context, tx bun.Tx) error {
		for i, e := range batch {
			if e.write == nil {
				continue
			}
			err := e.write(ctx, tx)
			if _, refused := errors.AsType[*video.Error](err); refused {
				outcomes[i] = err
			} else if err != nil {
				return err
			}
		}
		now := j.store.now()
		j.told.dueBy(now)
		if err := j.told.write(ctx, tx); err != nil {
			return err
		}
		return markBatch(ctx, tx, now, mark)
	})
	return outcomes, err
}

// beat notes that the process is alive while sessions are open, and sees to it that the database stays its own. A missed beat
// only makes the end of a crashed session less exact.
func (j *journal) beat() {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	if err := j.store.keepClaim(ctx); err != nil {
		j.store.logger.Warn("the claim on the database was lost and could not be made anew, trying again", "error", err)
	}
	if len(j.open) == 0 {
		return
	}
	if err := touchHeartbeat(ctx, j.store.writes, j.store.now()); err != nil {
		j.store.logger.Warn("heartbeat could not be written", "error", err)
	}
}
