package compose

import (
	"errors"
	"syscall"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// hopeless is a failure that another attempt would only repeat.
type hopeless struct{ error }

func (h hopeless) Unwrap() error { return h.error }

// premature is why a composition cannot be begun yet: for want of space, or of its recordings.
type premature struct{ error }

func (p premature) Unwrap() error { return p.error }

// coded is a failure of which it is known what failed: its code is one of video.CompositionFailure.
type coded struct {
	code string
	error
}

func (c coded) Unwrap() error { return c.error }

var (
	errClosing  = errors.New("the server is stopping")
	errDeleted  = errors.New("the composition was deleted")
	errDeadline = errors.New("it took too long")
	errStalled  = errors.New("ffmpeg stood still")
	errDiskFull = coded{video.CompositionFailedDiskFull, errors.New("the disk has too little room")}
)

// failureOf is what those outside are told of an error.
func failureOf(err error) video.Failure {
	code, detail := video.CompositionFailedOtherwise, err.Error()
	known, is := errors.AsType[coded](err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code, detail = video.CompositionFailedDiskFull, errDiskFull.Error()
	case errors.Is(err, errDeadline):
		code = video.CompositionFailedDeadline
	case errors.Is(err, errStalled):
		code = video.CompositionFailedStalled
	case is:
		code = known.code
	}
	return video.CompositionFailure(code, detail)
}
