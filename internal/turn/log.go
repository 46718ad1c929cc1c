package turn

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// quiet passes what the library logs on as debug lines: clients can bring about every one of them.
type quiet struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (q quiet) NewLogger(string) logging.LeveledLogger { return q }

func (q quiet) say(format string, args ...any) {
	if q.log.Enabled(context.Background(), slog.LevelDebug) {
		q.log.Debug("TURN: " + fmt.Sprintf(format, args...))
	}
}

func (quiet) Trace(string)                {}
func (quiet) Tracef(string, ...any)       {}
func (quiet) Debug(string)                {}
func (quiet) Debugf(string, ...any)       {} // some for each packet
func (q quiet) Info(s string)             { q.say("%s", s) }
func (q quiet) Infof(f string, a ...any)  { q.say(f, a...) }
func (q quiet) Warn(s string)             { q.say("%s", s) }
func (q quiet) Warnf(f string, a ...any)  { q.say(f, a...) }
func (q quiet) Error(s string)            { q.say("%s", s) }
func (q quiet) Errorf(f string, a ...any) { q.say(f, a...) }
