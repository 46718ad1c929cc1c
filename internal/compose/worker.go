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

	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Jobs keeps compositions. A composition that was deleted meanwhile is video.CodeNotFound.
type Jobs interface {
	// ReleaseCompositions takes up what a process had begun that is no more.
	ReleaseCompositions(ctx context.Context) error
	// ClaimComposition begins the next one whose recordings are all complete; nil if there is none.
	ClaimComposition(ctx context.Context) (*video.CompositionJob, error)
	ProgressComposition(ctx context.Context, id string, percent int, why video.Failure) error
	CompleteComposition(ctx context.Context, composition video.Composition) error
	// FailComposition has it tried again at a time, or fail for good.
	FailComposition(ctx context.Context, id string, why video.Failure, again *time.Time) error
	// ReturnComposition puts it back, until a time, as if it had not been begun; why may be zero.
	ReturnComposition(ctx context.Context, id string, why video.Failure, until time.Time) error
	// HoldCompositions says why none that waits is begun.
	HoldCompositions(ctx context.Context, why video.Failure) error
	// CompositionsCommitted holds a token whenever compositions were added or deleted, or a recording ended that one may wait for.
	CompositionsCommitted() <-chan struct{}
}

// Config is what a Worker needs. Jobs, Media and Dir are required.
type Config struct {
	Jobs    Jobs
	Media   Media
	Dir     string                // of what is being made; emptied at the start
	Places  int                   // compositions made at once; 0: none, and they wait
	Pauses  []time.Duration       // before the second and the third attempt; nil: 30 s and 5 min
	Space   Space                 // nil: there is always enough
	Metrics prometheus.Registerer // nil: none
	Logger  *slog.Logger          // nil discards
	Traces  *observe.Tracer       // nil: none
}

const (
	// lookAgain bounds how long a composition waits whose recordings have become complete, or that another process added.
	lookAgain = 3 * time.Second

	// noteEvery is how often progress is written, and a deletion noticed at the latest.
	noteEvery = time.Second

	storeTimeout = 15 * time.Second
)

var defaultPauses = []time.Duration{30 * time.Second, 5 * time.Minute}

// Worker makes compositions. Make one with New, Start it once, and Close it.
type Worker struct {
	config   Config
	stop     context.CancelCauseFunc
	ended    chan struct{}
	outcomes *prometheus.CounterVec
	underWay atomic.Int64
	held     atomic.Bool // the last one looked at was not begun
}

// New makes a Worker that does nothing yet.
func New(config Config) *Worker {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if len(config.Pauses) == 0 {
		config.Pauses = defaultPauses
	}
	w := &Worker{config: config, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rotunda_composition_attempts_total",
		Help: "Attempts to make compositions, by outcome: completed, failed (for good), put_off (tried again later), held (there was too little space to begin), cancelled (deleted), cut (by a stop).",
	}, []string{"outcome"})}
	for _, outcome := range []string{"completed", "failed", "put_off", "held", "cancelled", "cut"} {
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
	if w.config.Places == 0 {
		w.config.Logger.Info("compositions are not made here")
	} else if tools, err := FindTools(ctx); err != nil {
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
		if w.config.Places == 0 {
			w.hold(ctx)
		}
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
	if ctx.Err() != nil {
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

// hold says of those that wait that they do so in vain.
func (w *Worker) hold(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	why := video.CompositionFailure(video.CompositionWaitsElsewhere, "the server is set to make no compositions (--compose-jobs=0)")
	if err := w.config.Jobs.HoldCompositions(ctx, why); err != nil && ctx.Err() == nil {
		w.config.Logger.Warn("compositions are not told that they wait in vain, trying again", "error", err)
	}
}

// attempt makes one composition, or says why not.
func (w *Worker) attempt(ctx context.Context, job video.CompositionJob) {
	log := w.config.Logger.With("composition", job.ID, "session", job.SessionID, "attempt", job.Attempts)
	ctx, span := w.config.Traces.Start(ctx, "composition", slog.String("composition.id", job.ID), slog.String("session.id", string(job.SessionID)), slog.Int("attempt", job.Attempts))
	err := w.make(ctx, job, log)
	span.End(err)
	_, early := errors.AsType[premature](err)
	outcome := "completed"
	var say func(context.Context) error
	switch pause, again := w.pauseAfter(job.Attempts, err); {
	case err == nil:
	case errors.Is(err, errDeleted), video.CodeOf(err) == video.CodeNotFound:
		outcome = "cancelled"
		log.Info("composition cancelled")
		say = func(ctx context.Context) error { return w.config.Media.Remove(ctx, job.Composition) }
	case errors.Is(err, errClosing):
		outcome = "cut"
		say = func(ctx context.Context) error {
			return w.config.Jobs.ReturnComposition(ctx, job.ID, video.Failure{}, time.Now())
		}
	case early:
		outcome = "held"
		level := slog.LevelDebug
		if !w.held.Swap(true) { // it is looked at again and again
			level = slog.LevelWarn
		}
		log.Log(ctx, level, "composition waits", "error", err)
		until := time.Now().Add(w.config.Pauses[0])
		say = func(ctx context.Context) error {
			return w.config.Jobs.ReturnComposition(ctx, job.ID, failureOf(err), until)
		}
	case again:
		outcome = "put_off"
		log.Warn("composition failed, trying again", "error", err, "in", pause)
		at := time.Now().Add(pause)
		say = func(ctx context.Context) error {
			return w.config.Jobs.FailComposition(ctx, job.ID, failureOf(err), &at)
		}
	default:
		outcome = "failed"
		log.Warn("composition failed", "error", err)
		say = func(ctx context.Context) error {
			return w.config.Jobs.FailComposition(ctx, job.ID, failureOf(err), nil)
		}
	}
	if say != nil {
		if err := w.settle(ctx, job.ID, say); err != nil && video.CodeOf(err) != video.CodeNotFound {
			log.Error("what came of a composition was not recorded", "outcome", outcome, "error", err)
		}
	}
	w.outcomes.WithLabelValues(outcome).Inc()
}

// refusals is how often something is said to a database that answers, and does not take it.
const refusals = 5

// settle has something written down, and goes on while the database does not answer. What it answers with is returned, and so is what
// it does not take for a reason of its own.
func (w *Worker) settle(ctx context.Context, id string, say func(context.Context) error) error {
	within := func(do func(context.Context) error) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		return do(ctx)
	}
	for refused := 0; ; {
		err := within(say)
		if err == nil || video.CodeOf(err) == video.CodeNotFound || video.CodeOf(err) == video.CodeState {
			return err
		}
		answers := within(func(ctx context.Context) error {
			return w.config.Jobs.ProgressComposition(ctx, id, 99, video.Failure{})
		})
		if answers == nil {
			refused++
		}
		if refused == refusals {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(noteEvery):
		}
	}
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
			err = hopeless{coded{video.CompositionFailedInternal, errors.New("internal error")}}
		}
	}()
	tools, err := FindTools(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return hopeless{coded{video.CompositionFailedNoFFmpeg, err}}
	}
	if err := w.cramped(roomFor(job, w.config.Media)); err != nil {
		return premature{err}
	}
	w.held.Store(false)
	log.Info("composition begun", "recordings", len(job.Recordings))
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
	var stuck atomic.Pointer[video.Failure]
	var noting sync.WaitGroup
	noting.Go(func() { w.note(ctx, job.ID, &percent, &stuck, cancel) })
	defer noting.Wait()
	defer cancel(nil)
	r := &rendering{tools: tools, media: w.config.Media, job: job, dir: dir, log: log, progress: func(p int) { percent.Store(int64(p)) }}
	done, path, err := r.render(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil { // which whatever failed may not say
		return cause
	}
	if err != nil {
		return err
	}
	if err := w.keep(ctx, done, path, &stuck, log); err != nil {
		return err
	}
	if err := w.complete(ctx, done); err != nil {
		return err
	}
	log.Info("composition completed", "length", done.Duration.Round(time.Millisecond), "speed", fmt.Sprintf("%.1f", done.Speed), "warnings", len(done.Warnings))
	return nil
}

// keep has the file kept, and goes on trying while the storage does not take it: making it again would cost more than waiting.
func (w *Worker) keep(ctx context.Context, done video.Composition, path string, stuck *atomic.Pointer[video.Failure], log *slog.Logger) error {
	for {
		err := w.config.Media.Keep(ctx, done, path)
		if err == nil {
			stuck.Store(nil)
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if why := failureOf(coded{video.CompositionFailedStorage, fmt.Errorf("keep the file: %w", err)}); stuck.Swap(&why) == nil {
			log.Warn("a composition is made but cannot be kept, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(w.config.Pauses[0]):
		}
	}
}

// complete says that the file is there. One that the record does not take goes.
func (w *Worker) complete(ctx context.Context, done video.Composition) error {
	err := w.settle(ctx, done.ID, func(ctx context.Context) error { return w.config.Jobs.CompleteComposition(ctx, done) })
	if err == nil || video.CodeOf(err) == video.CodeNotFound {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	err = fmt.Errorf("the file was made, and the record does not take it: %w", err)
	return hopeless{coded{video.CompositionFailedInternal, errors.Join(err, w.config.Media.Remove(ctx, done))}}
}

// note writes progress, and why there is none, and ends the work when the composition or the space is gone.
func (w *Worker) note(ctx context.Context, id string, percent *atomic.Int64, stuck *atomic.Pointer[video.Failure], cancel context.CancelCauseFunc) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.cramped(0); err != nil {
			cancel(err)
			return
		}
		var why video.Failure
		if is := stuck.Load(); is != nil {
			why = *is
		}
		err := w.config.Jobs.ProgressComposition(ctx, id, int(percent.Load()), why)
		if err != nil && video.CodeOf(err) == video.CodeNotFound {
			cancel(errDeleted)
			return
		}
	}
}
