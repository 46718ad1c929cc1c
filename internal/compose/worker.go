package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Jobs keeps compositions. A composition that was deleted meanwhile is video.CodeNotFound.
type Jobs interface {
	// ReleaseCompositions takes up what a process had begun that is no more.
	ReleaseCompositions(ctx context.Context) error
	// ClaimComposition begins the next one whose recordings are all complete; nil if there is none.
	ClaimComposition(ctx context.Context) (*video.CompositionJob, error)
	ProgressComposition(ctx context.Context, id string, percent int) error
	CompleteComposition(ctx context.Context, composition video.Composition) error
	// FailComposition has it tried again at a time, or fail for good.
	FailComposition(ctx context.Context, id, reason string, again *time.Time) error
	// ReturnComposition puts it back as if it had not been begun.
	ReturnComposition(ctx context.Context, id string) error
	// CompositionsCommitted holds a token whenever compositions were added or deleted.
	CompositionsCommitted() <-chan struct{}
}

// Config is what a Worker needs. Jobs, Media and Dir are required.
type Config struct {
	Jobs    Jobs
	Media   Media
	Dir     string                // of what is being made; emptied at the start
	Places  int                   // compositions made at once; at least 1
	Pauses  []time.Duration       // before the second and the third attempt; nil: 30 s and 5 min
	Low     func() bool           // reports that less of the disk is free than is to stay so; nil: never
	Metrics prometheus.Registerer // nil: none
	Logger  *slog.Logger          // nil discards
}

const (
	// lookAgain bounds how long a composition waits whose recordings have become complete, or that another process added.
	lookAgain = 3 * time.Second

	// noteEvery is how often progress is written, and a deletion noticed at the latest.
	noteEvery = time.Second

	storeTimeout = 15 * time.Second
)

var defaultPauses = []time.Duration{30 * time.Second, 5 * time.Minute}

var (
	errClosing = errors.New("the server is stopping")
	errDeleted = errors.New("the composition was deleted")
	errLow     = errors.New("too little space is left on the server's disk")
)

// Worker makes compositions. Make one with New, Start it once, and Close it.
type Worker struct {
	config   Config
	stop     context.CancelCauseFunc
	ended    chan struct{}
	waiting  bool // for space; of the goroutine that claims
	outcomes *prometheus.CounterVec
	underWay atomic.Int64
}

// New makes a Worker that does nothing yet.
func New(config Config) *Worker {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if len(config.Pauses) == 0 {
		config.Pauses = defaultPauses
	}
	if config.Low == nil {
		config.Low = func() bool { return false }
	}
	config.Places = max(config.Places, 1)
	w := &Worker{config: config, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rotunda_composition_attempts_total",
		Help: "Attempts to make compositions, by outcome: completed, failed (for good), put_off (tried again later), cancelled (deleted), cut (by a stop).",
	}, []string{"outcome"})}
	for _, outcome := range []string{"completed", "failed", "put_off", "cancelled", "cut"} {
		w.outcomes.WithLabelValues(outcome)
	}
	if config.Metrics != nil {
		config.Metrics.MustRegister(w.outcomes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rotunda_compositions_under_way", Help: "Compositions being made.",
		}, func() float64 { return float64(w.underWay.Load()) }))
	}
	return w
}

// Start says in the log what ffmpeg there is, takes up what an earlier process had begun, and begins to work.
func (w *Worker) Start(ctx context.Context) error {
	if tools, err := FindTools(ctx); err != nil {
		w.config.Logger.Warn("compositions will fail", "error", err)
	} else {
		w.config.Logger.Info("compositions are made", "ffmpeg", tools.Version, "labels", tools.Font != "", "at_once", w.config.Places)
	}
	dir, err := filepath.Abs(w.config.Dir) // ffmpeg runs in it
	if err != nil {
		return fmt.Errorf("find the directory of compositions under way: %w", err)
	}
	w.config.Dir = dir
	if err := os.RemoveAll(w.config.Dir); err != nil {
		return fmt.Errorf("empty the directory of compositions under way: %w", err)
	}
	if err := os.MkdirAll(w.config.Dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of compositions under way: %w", err)
	}
	if err := w.config.Jobs.ReleaseCompositions(ctx); err != nil {
		return err
	}
	working, stop := context.WithCancelCause(context.Background())
	w.stop, w.ended = stop, make(chan struct{})
	go w.work(working)
	return nil
}

// Close ends what is under way, which is taken up after the next start, and returns when nothing runs.
func (w *Worker) Close() {
	if w.ended != nil {
		w.stop(errClosing)
		<-w.ended
	}
}

func (w *Worker) work(ctx context.Context) {
	defer close(w.ended)
	var jobs sync.WaitGroup
	defer jobs.Wait()
	places := make(chan struct{}, w.config.Places)
	free := make(chan struct{}, 1)
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		for len(places) < cap(places) {
			job := w.claim(ctx)
			if job == nil {
				break
			}
			places <- struct{}{}
			w.underWay.Add(1)
			jobs.Go(func() {
				w.attempt(ctx, *job)
				w.underWay.Add(-1)
				<-places
				select {
				case free <- struct{}{}:
				default:
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-free:
		case <-look.C:
		case <-w.config.Jobs.CompositionsCommitted():
		}
	}
}

func (w *Worker) claim(ctx context.Context) *video.CompositionJob {
	if ctx.Err() != nil || w.waits() {
		return nil
	}
	// A claim that is cut off may have happened: it is let end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	job, err := w.config.Jobs.ClaimComposition(ctx)
	if err != nil {
		w.config.Logger.Warn("no composition can be begun, trying again", "error", err)
		return nil
	}
	return job
}

// waits reports whether there is too little space to begin anything.
func (w *Worker) waits() bool {
	if low := w.config.Low(); low != w.waiting {
		w.waiting = low
		if low {
			w.config.Logger.Warn("compositions wait", "error", errLow)
		} else {
			w.config.Logger.Info("compositions are made again")
		}
	}
	return w.waiting
}

// attempt makes one composition, or says why not.
func (w *Worker) attempt(ctx context.Context, job video.CompositionJob) {
	log := w.config.Logger.With("composition", job.ID, "session", job.SessionID, "attempt", job.Attempts)
	log.Info("composition begun", "recordings", len(job.Recordings))
	err := w.make(ctx, job, log)
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	outcome := "completed"
	var told error
	switch pause, again := w.pauseAfter(job.Attempts, err); {
	case err == nil:
	case errors.Is(err, errDeleted), video.CodeOf(err) == video.CodeNotFound:
		outcome = "cancelled"
		log.Info("composition cancelled")
		told = w.config.Media.Remove(settle, job.Composition)
	case errors.Is(err, errClosing):
		outcome = "cut"
		told = w.config.Jobs.ReturnComposition(settle, job.ID)
	case again:
		outcome = "put_off"
		log.Warn("composition failed, trying again", "error", err, "in", pause)
		at := time.Now().Add(pause)
		told = w.config.Jobs.FailComposition(settle, job.ID, err.Error(), &at)
	default:
		outcome = "failed"
		log.Warn("composition failed", "error", err)
		told = w.config.Jobs.FailComposition(settle, job.ID, err.Error(), nil)
	}
	if told != nil && video.CodeOf(told) != video.CodeNotFound {
		log.Error("what came of a composition was not recorded", "outcome", outcome, "error", told)
	}
	w.outcomes.WithLabelValues(outcome).Inc()
}

// pauseAfter says whether, and when, to try again after a failure.
func (w *Worker) pauseAfter(attempts int, err error) (time.Duration, bool) {
	if _, final := errors.AsType[hopeless](err); final || attempts >= video.CompositionAttempts {
		return 0, false
	}
	return w.config.Pauses[min(max(attempts, 1), len(w.config.Pauses))-1], true
}

// make makes the file, has it kept and says so. A panic is a failure like any other.
func (w *Worker) make(ctx context.Context, job video.CompositionJob, log *slog.Logger) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			log.Error("composition panicked", "panic", fault, "stack", string(debug.Stack()))
			err = errHopeless("internal error")
		}
	}()
	tools, err := FindTools(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return hopeless{err}
	}
	dir := filepath.Join(w.config.Dir, job.ID)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			log.Warn("what a composition was made of was not removed", "error", err)
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	var percent atomic.Int64
	var noting sync.WaitGroup
	noting.Go(func() { w.note(ctx, job.ID, &percent, cancel) })
	defer noting.Wait()
	defer cancel(nil)
	r := &rendering{tools: tools, media: w.config.Media, job: job, dir: dir, log: log, progress: func(p int) { percent.Store(int64(p)) }}
	done, path, err := r.render(ctx)
	if err != nil {
		return err
	}
	if err := w.config.Media.Keep(ctx, done, path); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("keep the file: %w", err)
	}
	if err := w.complete(ctx, done); err != nil {
		return err
	}
	log.Info("composition completed", "length", done.Duration.Round(time.Millisecond), "speed", fmt.Sprintf("%.1f", done.Speed), "warnings", len(done.Warnings))
	return nil
}

// complete says that the file is there, and goes on saying so while the database does not take it.
func (w *Worker) complete(ctx context.Context, done video.Composition) error {
	for {
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		err := w.config.Jobs.CompleteComposition(try, done)
		cancel()
		if err == nil || video.CodeOf(err) == video.CodeNotFound {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(noteEvery):
		}
	}
}

// note writes progress and ends the work when the composition is gone, or before the disk is full.
func (w *Worker) note(ctx context.Context, id string, percent *atomic.Int64, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if w.config.Low() {
			cancel(errLow)
			return
		}
		err := w.config.Jobs.ProgressComposition(ctx, id, int(percent.Load()))
		if err != nil && video.CodeOf(err) == video.CodeNotFound {
			cancel(errDeleted)
			return
		}
	}
}
