package blob

import (
	"context"
	"errors"
	"io"
)

// An object is read in windows, each one request to a bucket. They grow, so that a player that looks here and there costs little and
// a download few requests.
const (
	firstWindow = 256 << 10
	lastWindow  = 16 << 20
)

// Reader reads an object, from any place. It belongs to one caller.
type Reader struct {
	ctx    context.Context
	object object
	at     int64         // where the next Read reads
	open   io.ReadCloser // what it reads from; nil: the next window is to be opened
	left   int64         // of the open window
	window int64         // size of the next one
}

// Size is the object's, in bytes.
func (r *Reader) Size() int64 { return r.object.size() }

// Read reads on.
func (r *Reader) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case r.at >= r.Size():
		return 0, io.EOF
	}
	if r.open == nil {
		n := min(r.window, r.Size()-r.at)
		open, err := r.object.read(r.ctx, r.at, n)
		if err != nil {
			return 0, err
		}
		r.open, r.left, r.window = open, n, min(4*r.window, lastWindow)
	}
	n, err := r.open.Read(p[:min(int64(len(p)), r.left)])
	r.at += int64(n)
	r.left -= int64(n)
	switch {
	case r.left == 0:
		return n, r.shut()
	case errors.Is(err, io.EOF):
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek moves to another place. It fails for one before the beginning only.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.Size()
	default:
		return 0, errors.New("seek: unknown whence")
	}
	if offset < 0 {
		return 0, errors.New("seek: before the beginning")
	}
	if offset != r.at {
		_ = r.shut() // what it had to say is about bytes nobody wants
		r.at, r.window = offset, firstWindow
	}
	return offset, nil
}

// Close ends reading.
func (r *Reader) Close() error { return errors.Join(r.shut(), r.object.Close()) }

func (r *Reader) shut() error {
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open = nil
	return err
}
