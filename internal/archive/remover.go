package archive

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Deletions is the record of media that is to be deleted.
type Deletions interface {
	// MediaDeletions returns what is due, what waits longest first, and when more is if that is all; a zero time means never.
	MediaDeletions(ctx context.Context, now time.Time, limit int) (due []video.MediaDeletion, next time.Time, err error)
	// MediaDeletionsCommitted holds a token when there is more.
	MediaDeletionsCommitted() <-chan struct{}
	MediaDeleted(ctx context.Context, seq int64) error
	MediaDeletionFailed(ctx context.Context, seq int64, reason string, next time.Time) error
}

// RemoverConfig is what a Remover stands on. All fields are required unless said otherwise.
type RemoverConfig struct {
	Deletions Deletions
	Media     Media
	Dir       string // where the local files of recordings are
	Retry     Retry  // zero: DefaultRetry
	Log       *slog.Logger
}

// Remover deletes media for good.
type Remover struct {
	config   RemoverConfig
	queue    *queue[video.MediaDeletion]
	failures atomic.Int64
}

// NewRemover makes a remover; Run starts it.
func NewRemover(config RemoverConfig) *Remover {
	r := &Remover{config: config}
	r.queue = &queue[video.MediaDeletion]{
		name: "deleting media", due: config.Deletions.MediaDeletions, id: func(d video.MediaDeletion) string { return strconv.FormatInt(d.Seq, 10) },
		do: r.remove, retry: config.Retry, log: config.Log, news: config.Deletions.MediaDeletionsCommitted(),
		failed: func(ctx context.Context, d video.MediaDeletion, reason string, next time.Time) error {
			r.failures.Add(1)
			return config.Deletions.MediaDeletionFailed(ctx, d.Seq, reason, next)
		},
	}
	return r
}

// Run deletes until ctx ends. What is in hand then is cut off, and done again by the next Run.
func (r *Remover) Run(ctx context.Context) {
	r.queue.run(ctx)
}

// Failures counts attempts that failed since the start.
func (r *Remover) Failures() int64 { return r.failures.Load() }

func (r *Remover) remove(ctx context.Context, d video.MediaDeletion) error {
	err := r.config.Media.Delete(ctx, d.Key)
	if d.Kind == video.MediaRecording {
		err = errors.Join(err, r.config.Media.Delete(ctx, video.IndexKey(d.Key)))
		// One that failed has its files here still.
		local := video.Recording{ID: d.ID}
		for _, name := range []string{local.FileName(), d.ID + filepath.Ext(d.Key), local.IndexName()} {
			err = errors.Join(err, gone(filepath.Join(r.config.Dir, name)))
		}
	}
	if err != nil {
		return err
	}
	return r.config.Deletions.MediaDeleted(ctx, d.Seq)
}
