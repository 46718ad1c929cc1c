package mixer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/opus"
)

// ErrClosed is returned for what is asked of a mix, or an engine, that ended.
var ErrClosed = errors.New("mixer: closed")

// Config is what an Engine needs.
type Config struct {
	// Now is the clock that packets are stamped with when they arrive (ns).
	Now func() int64
	Log *slog.Logger

	// Bitrate is that of each mix (bit/s), 40,000 if it is 0.
	Bitrate int
	// Complexity is how much time goes into the quality of a mix, 1 to 10; 5 if it is 0.
	Complexity int
}

func (c Config) encoder() opus.EncoderConfig {
	e := opus.EncoderConfig{Channels: 1, Application: opus.Voice, Bitrate: c.Bitrate, Complexity: c.Complexity, FEC: true, Loss: 5}
	if e.Bitrate == 0 {
		e.Bitrate = 40_000
	}
	if e.Complexity == 0 {
		e.Complexity = 5
	}
	return e
}

// Counts are what happened since the engine began.
type Counts struct {
	Encoded, Decoded atomic.Uint64 // packets
	Recovered        atomic.Uint64 // losses mended by the copy in the next packet
	Concealed        atomic.Uint64 // losses for which sound was made up, for each frame
	Late, Dropped    atomic.Uint64 // packets that came too late, or for which there was no room
	Broken           atomic.Uint64 // packets that cannot be decoded
	Skipped          atomic.Uint64 // times that sound was left out to catch up
	Overruns         atomic.Uint64 // times that the server was too slow to mix in time
	Restarts         atomic.Uint64 // times that libopus failed and was started again
}

// Engine makes the mixes of a node.
type Engine struct {
	config Config
	counts Counts

	mu     sync.Mutex
	codec  *opus.Library // from the first mix on
	mixes  map[*Mix]struct{}
	closed bool
}

// New makes an engine. It costs nothing until the first mix.
func New(c Config) *Engine {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		start := time.Now()
		c.Now = func() int64 { return int64(time.Since(start)) }
	}
	return &Engine{config: c, mixes: map[*Mix]struct{}{}}
}

// Counts returns what happened so far. Read them at any time.
func (e *Engine) Counts() *Counts { return &e.counts }

// Prepare compiles libopus, which takes some tenths of a second, if that was not done yet.
func (e *Engine) Prepare() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.prepare()
}

// prepare is called with mu held.
func (e *Engine) prepare() error {
	if e.closed {
		return ErrClosed
	}
	if e.codec != nil {
		return nil
	}
	library, err := opus.Compile(context.Background())
	if err == nil {
		e.codec = library
	}
	return err
}

// Open begins a mix, for one session. After Prepare it takes about a millisecond.
func (e *Engine) Open() (*Mix, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.prepare(); err != nil {
		return nil, err
	}
	m, err := newMix(e)
	if err != nil {
		return nil, err
	}
	e.mixes[m] = struct{}{}
	go m.run()
	return m, nil
}

// Mixes returns how many mixes there are.
func (e *Engine) Mixes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.mixes)
}

// forget is called by a mix that ended.
func (e *Engine) forget(m *Mix) {
	e.mu.Lock()
	delete(e.mixes, m)
	e.mu.Unlock()
}

// Close ends all mixes, and returns when nothing runs.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	var open []*Mix
	for m := range e.mixes {
		open = append(open, m)
	}
	library := e.codec
	e.codec = nil
	e.mu.Unlock()
	for _, m := range open {
		m.Close()
	}
	if library == nil {
		return nil
	}
	return library.Close()
}
