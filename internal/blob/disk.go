package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// disk keeps objects as files of a directory.
type disk struct{ dir string }

// unfinished is where files are made; nothing in it outlives a start. It is in the directory, so that a rename moves them to their place.
const unfinished = ".unfinished"

func openDisk(dir string) (*disk, error) {
	d := &disk{dir}
	if err := os.RemoveAll(filepath.Join(dir, unfinished)); err != nil {
		return nil, fmt.Errorf("open media directory: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, unfinished), 0o700); err != nil {
		return nil, fmt.Errorf("open media directory: %w", err)
	}
	return d, nil
}

func (d *disk) path(key string) string { return filepath.Join(d.dir, filepath.FromSlash(key)) }

func (d *disk) put(ctx context.Context, key string, content io.Reader, _ int64, path string) error {
	made := filepath.Join(d.dir, unfinished, rand.Text())
	// A rename over another link to the same file does nothing and leaves both.
	defer func() { _ = os.Remove(made) }()
	if path == "" || os.Link(path, made) != nil { // another file system, or one without links
		if err := writeFile(ctx, made, content); err != nil {
			return err
		}
	} else if err := syncPath(made); err != nil {
		return err
	}
	// A delete beside this may take away a directory that has just become empty.
	for attempt := 1; ; attempt++ {
		err := d.place(made, d.path(key))
		if err == nil || attempt == 5 || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// place moves a file to where it belongs and returns when both its name and those of the directories above are durable.
func (d *disk) place(made, path string) error {
	if err := d.makeDirs(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func (d *disk) makeDirs(dir string) error {
	if err := os.Mkdir(dir, 0o700); err == nil {
		return syncPath(filepath.Dir(dir))
	} else if errors.Is(err, fs.ErrExist) {
		return nil
	} else if dir == d.dir || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.makeDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	return d.makeDirs(dir)
}

func writeFile(ctx context.Context, path string, content io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, &cancelled{ctx, content})
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// cancelled reads until its context ends.
type cancelled struct {
	ctx     context.Context
	content io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.content.Read(p)
}

// syncPath makes a file, or the names in a directory, durable.
func syncPath(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call for what is opened for reading
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func (d *disk) open(_ context.Context, key string) (object, error) {
	file, err := os.Open(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		if err = d.there(); err == nil {
			err = ErrAbsent
		}
	}
	if err != nil {
		return nil, err
	}
	stat, err := file.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = ErrAbsent
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &onDisk{file, stat.Size()}, nil
}

// delete takes away directories that become empty, too.
func (d *disk) delete(_ context.Context, key string) error {
	path := d.path(key)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = d.there()
	}
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	for ; dir != d.dir; dir = filepath.Dir(dir) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			break // it holds others
		}
	}
	if err := syncPath(dir); !errors.Is(err, fs.ErrNotExist) { // another delete took it away
		return err
	}
	return nil
}

// there fails when the directory has gone since the start, as that of a disk which is not mounted any more: then nothing in it is
// absent, or deleted.
func (d *disk) there() error {
	if _, err := os.Stat(filepath.Join(d.dir, unfinished)); err != nil {
		return fmt.Errorf("the media directory has gone: %w", err)
	}
	return nil
}

// onDisk is an object in a file.
type onDisk struct {
	*os.File

	bytes int64
}

func (o *onDisk) size() int64 { return o.bytes }

func (o *onDisk) read(_ context.Context, from, n int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(o.File, from, n)), nil
}
