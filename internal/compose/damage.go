package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// ErrDamaged is the error for a recording whose file is there and makes no sense.
var ErrDamaged = errors.New("its file is damaged")

// unreadable is what is wrong with a recording that will not get better.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// damageOf says how a file differs from what was kept; empty, if it does not, or nobody knows what was.
func damageOf(ctx context.Context, path string, kept video.Recording) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read from
	about, err := file.Stat()
	if err != nil {
		return "", err
	}
	if kept.SizeBytes > 0 && about.Size() != kept.SizeBytes {
		return fmt.Sprintf("its file has %d bytes of %d", about.Size(), kept.SizeBytes), nil
	}
	if kept.SHA256 == "" {
		return "", nil
	}
	sum := sha256.New()
	n, err := io.Copy(sum, reading{ctx, file})
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return fmt.Sprintf("its file cannot be read beyond byte %d", n), nil
	case hex.EncodeToString(sum.Sum(nil)) != kept.SHA256:
		return "its file is not as it was kept", nil
	}
	return "", nil
}

// reading reads until its context ends.
type reading struct {
	ctx  context.Context
	file io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.file.Read(p)
}
