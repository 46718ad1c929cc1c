package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	clusterSpan  = 400 // ms; with reorderWait and the time between two looks at the queue, at most a second is in memory
	clusterBytes = 2 << 20
	clusterHead  = 4 + 4 + 1 + 1 + 4 // id, size in 4 bytes, timestamp in 4
)

// storage is a file as far as it is needed.
type storage interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// writer writes frames of one track to a file, in clusters.
type writer struct {
	file   storage
	size   int64 // of what was written whole
	buffer []byte
	base   int64 // ms; of the cluster in the buffer, if there is one
	opened int64 // ns on the server's clock
	last   int64 // ms; of the last frame
}

// newWriter begins a file.
func newWriter(file storage, head []byte) (*writer, error) {
	if _, err := file.WriteAt(head, 0); err != nil {
		return nil, fmt.Errorf("write the head of a recording: %w", err)
	}
	return &writer{file: file, size: int64(len(head)), last: -1}, nil
}

// add puts a frame, at this time, behind those before, and returns the time it was given: times are milliseconds, each
// later than the last. fresh asks for a cluster of its own. What came before may be written by it, in one piece.
func (w *writer) add(at time.Duration, data []byte, keyframe, fresh bool, now int64) (time.Duration, error) {
	ms := max(at.Round(time.Millisecond).Milliseconds(), w.last+1)
	if len(w.buffer) > 0 && (fresh || ms-w.base >= clusterSpan || len(w.buffer) >= clusterBytes) {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if len(w.buffer) == 0 {
		w.base, w.opened = ms, now
		w.buffer = appendID(w.buffer, idCluster)
		w.buffer = append(w.buffer, 0, 0, 0, 0, idTimestamp, 0x84)
		w.buffer = binary.BigEndian.AppendUint32(w.buffer, uint32(ms))
	}
	w.buffer = appendSize(append(w.buffer, idSimpleBlock), 4+len(data))
	flags := byte(0)
	if keyframe {
		flags = 0x80
	}
	relative := uint16(ms - w.base)
	w.buffer = append(w.buffer, 0x81, byte(relative>>8), byte(relative), flags)
	w.buffer = append(w.buffer, data...)
	w.last = ms
	return time.Duration(ms) * time.Millisecond, nil
}

// due reports whether the cluster in memory has been there for as long as it may.
func (w *writer) due(now int64) bool {
	return len(w.buffer) > 0 && now-w.opened >= clusterSpan*int64(time.Millisecond)
}

// flush writes the cluster in memory. If that fails, nothing of it counts as written.
func (w *writer) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	copy(w.buffer[4:], appendSizeIn(nil, len(w.buffer)-8, 4))
	if _, err := w.file.WriteAt(w.buffer, w.size); err != nil {
		w.buffer = w.buffer[:0]
		return errors.Join(fmt.Errorf("write a cluster: %w", err), w.file.Truncate(w.size))
	}
	w.size += int64(len(w.buffer))
	if cap(w.buffer) > clusterBytes {
		w.buffer = nil
	}
	w.buffer = w.buffer[:0]
	return nil
}
