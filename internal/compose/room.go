package compose

import (
	"fmt"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Space says of the disk that a directory is on how many bytes are free, and how many are to stay so.
type Space func(dir string) (free, least uint64, err error)

// margin is what a composition leaves free beyond the least, in parts of it: it gives way before recordings end.
const margin = 4

// A second of a composition takes about this many bytes.
const (
	soundRate   = sampleRate * bytesPerSample // of the mix
	encodedRate = 16 << 10                    // of the sound in the file
	pixelRate   = 3                           // seconds of that many pixels take one byte, of the picture in the file
)

// roomFor is about how much of the disk a job takes while it is made, and when its file is kept.
func roomFor(job video.CompositionJob, media Media) uint64 {
	var begin, end time.Time
	var copies int64
	for _, r := range job.Recordings {
		if until := r.StartedAt.Add(r.Duration); until.After(end) {
			end = until
		}
		if begin.IsZero() || r.StartedAt.Before(begin) {
			begin = r.StartedAt
		}
		copies += media.Room(r)
	}
	want := outputOf(job.Composition)
	a, file := int64(0), int64(0)
	if want.heard {
		a, file = soundRate, encodedRate
	}
	if want.pictured {
		file += int64(want.width) * int64(want.height) / pixelRate
	}
	length := end.Sub(begin)
	return uint64(max(copies, 0)) + uint64(max(length.Seconds(), 0)*float64(a+2*file))
}

// cramped says why there is too little room for so many bytes more. A disk that does not say has enough.
func (w *Worker) cramped(bytes uint64) error {
	if w.config.Space == nil {
		return nil
	}
	free, least, err := w.config.Space(w.config.Dir)
	if err != nil {
		w.config.Logger.Warn("cannot ask how much space is left for compositions", "error", err)
		return nil
	}
	if least += least / margin; free >= least+bytes {
		return nil
	}
	return fmt.Errorf("%w: %s are free, it takes about %s, and %s are to stay free", errDiskFull, megabytes(free), megabytes(bytes), megabytes(least))
}

func megabytes(bytes uint64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
