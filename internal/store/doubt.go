package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
)

// doubt is a batch whose commit failed, so that only the database knows whether it was written.
type doubt struct {
	mark     string
	batch    []*entry
	outcomes []error // that hold if it was
	err      error   // why the commit failed
}

func (d *doubt) len() int {
	if d == nil {
		return 0
	}
	return len(d.batch)
}

// clearDoubt asks the database for the fate of the batch in doubt, if there is one, and goes on from there. An error means
// that the database does not work at present; then the doubt may remain.
func (j *journal) clearDoubt() error {
	d := j.doubt
	if d == nil {
		return nil
	}
	written, err := j.store.hasMark(d.mark)
	if err != nil {
		return fmt.Errorf("ask whether the last batch was written: %w", err)
	}
	j.doubt = nil
	j.store.logger.Info("a commit failed and its outcome was looked up", "written", written, "entries", d.len(), "error", d.err)
	if written {
		j.settleAll(d.batch, d.outcomes)
		return nil
	}
	younger := j.kept
	j.kept = nil
	err = j.unwritten(d.batch, d.err)
	j.kept = append(j.kept, younger...)
	return err
}

// hasMark reports whether the batch was the last one to be committed. It asks in a write transaction, which waits
// until the one that failed is over in the database as well: before that the answer could still change.
func (s *Store) hasMark(mark string) (found bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	err = s.transact(ctx, func(ctx context.Context, tx bun.Tx) error {
		var row heartbeatRow
		err := tx.NewSelect().Model(&row).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		found = row.Batch == mark
		return err
	})
	return found, err
}

// leaveDoubt ends the waiting for a batch in doubt when the store closes. It returns an error if there is one.
func (j *journal) leaveDoubt() error {
	if j.doubt == nil {
		return nil
	}
	for _, e := range j.doubt.batch {
		if e.answer != nil {
			e.answer <- errUnavailable
		}
	}
	return fmt.Errorf("journal: %d entries may or may not have been written before closing: %w", j.doubt.len(), j.doubt.err)
}
