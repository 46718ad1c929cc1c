package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Config says where objects are kept.
type Config struct {
	Dir     string // keep them in this directory, which is one process's; made if it does not exist
	S3      *S3    // or in this bucket
	Secret  []byte // 32 bytes of which the keys of encrypted objects are derived; may be nil if none are
	Encrypt bool   // what is put; what lies there is read either way
}

// Store keeps objects.
type Store struct {
	backend backend
	sealer  *sealer // nil without a secret
	encrypt bool
}

// backend keeps bytes under keys.
type backend interface {
	// put keeps size bytes of content in place of what was there, and returns when they are durable. If path is not empty, it names
	// a file of just this content.
	put(ctx context.Context, key string, content io.Reader, size int64, path string) error
	// open finds an object, or is ErrAbsent.
	open(ctx context.Context, key string) (object, error)
	// delete removes an object, and does nothing if there is none.
	delete(ctx context.Context, key string) error
}

// object is what lies under a key.
type object interface {
	size() int64
	// read reads the n bytes that begin at from.
	read(ctx context.Context, from, n int64) (io.ReadCloser, error)
	io.Closer
}

// ErrAbsent is the error for a key without an object.
var ErrAbsent = errors.New("no such object")

// errMismatch is what a storage causes that loses or changes bytes.
var errMismatch = errors.New("what was read back differs from what was put")

// Open opens the place where objects are kept. It does not reach for a bucket; Check does.
func Open(config Config) (*Store, error) {
	s := &Store{encrypt: config.Encrypt}
	if len(config.Secret) > 0 {
		s.sealer = &sealer{config.Secret}
	}
	if s.encrypt && s.sealer == nil {
		return nil, errors.New("encryption of objects needs a secret")
	}
	var err error
	if config.S3 != nil {
		s.backend, err = openBucket(*config.S3)
	} else {
		s.backend, err = openDisk(config.Dir)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Content is what an object holds, in short.
type Content struct {
	Size   int64
	SHA256 string // in hex
}

// Put keeps the file at path under the key and returns what it holds. It returns when the object is durable and was read back equal; the
// file stays, must not be empty, and must not change from now on. A file in the file system of the store's directory takes no more room there.
func (s *Store) Put(ctx context.Context, key, path string) (Content, error) {
	if err := checkKey(key); err != nil {
		return Content{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return Content{}, fmt.Errorf("put %s: %w", key, err)
	}
	defer func() { _ = file.Close() }() // only read from
	stat, err := file.Stat()
	if err == nil && (!stat.Mode().IsRegular() || stat.Size() == 0) {
		err = fmt.Errorf("%s is empty or no file", path)
	}
	given := &counted{hash: sha256.New()}
	if err == nil {
		err = s.put(ctx, key, file, given, stat.Size(), path)
	}
	if err != nil {
		return Content{}, fmt.Errorf("put %s: %w", key, err)
	}
	return Content{stat.Size(), hex.EncodeToString(given.hash.Sum(nil))}, nil
}

// put sums up in given what it keeps.
func (s *Store) put(ctx context.Context, key string, content io.Reader, given *counted, size int64, path string) error {
	content = io.TeeReader(content, given)
	stored := size
	if s.encrypt {
		var err error
		if content, stored, err = s.sealer.seal(key, content, size); err != nil {
			return err
		}
		path = ""
	} else {
		begin := make([]byte, len(sealMark))
		n, _ := io.ReadFull(content, begin) // what is wrong with it comes again
		if string(begin[:n]) == sealMark {
			return errLooksSo
		}
		content = io.MultiReader(bytes.NewReader(begin[:n]), content)
	}
	if err := s.backend.put(ctx, key, content, stored, path); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil { // a backend that has the file needs not read it
		return err
	}
	if given.n != size {
		return fmt.Errorf("the file changed its size from %d to %d", size, given.n)
	}
	return s.compare(ctx, key, given)
}

// compare reads an object back.
func (s *Store) compare(ctx context.Context, key string, want *counted) error {
	r, err := s.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	defer func() { _ = r.Close() }() // only read from
	got := &counted{hash: sha256.New()}
	if _, err := io.Copy(got, r); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if got.n != want.n || !bytes.Equal(got.hash.Sum(nil), want.hash.Sum(nil)) {
		return errMismatch
	}
	return nil
}

// counted sums up what is written to it.
type counted struct {
	hash hash.Hash
	n    int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.hash.Write(p)
}

// Open opens an object for reading, which ends with ctx. The error is ErrAbsent if there is none. The caller must Close it.
func (s *Store) Open(ctx context.Context, key string) (*Reader, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	o, err := s.backend.open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, err)
	}
	plain, err := s.unseal(ctx, key, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", key, err), o.Close())
	}
	return &Reader{ctx: ctx, object: plain, window: firstWindow}, nil
}

// Fetch makes an object a new file at path, which is only to be read. One that lies unencrypted on a disk takes no room: it is linked. A
// file that is there already is an error.
func (s *Store) Fetch(ctx context.Context, key, path string) (err error) {
	r, err := s.Open(ctx, key)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read from
	if linked(r.object, path) {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", key, err)
	}
	_, err = io.Copy(file, r)
	if err := errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("fetch %s: %w", key, err)
	}
	return nil
}

// linked makes a plain file one more name, on another file system a symbolic one, if that can be.
func linked(o object, path string) bool {
	plain, is := o.(*onDisk)
	if !is {
		return false
	}
	if os.Link(plain.Name(), path) == nil {
		return true
	}
	there, err := filepath.Abs(plain.Name())
	return err == nil && os.Symlink(there, path) == nil
}

// Links reports whether Fetch takes no room for what is put now.
func (s *Store) Links() bool {
	_, is := s.backend.(*disk)
	return is && !s.encrypt
}

// Delete removes an object. One that is not there is deleted already.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.backend.delete(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// Close lets go of connections that are not in use. Objects that are open stay so.
func (s *Store) Close() error {
	if b, in := s.backend.(*bucket); in {
		b.transport.CloseIdleConnections()
	}
	return nil
}

// Check puts a small object, reads it back and deletes it.
func (s *Store) Check(ctx context.Context) error {
	mark := make([]byte, 16)
	_, _ = rand.Read(mark) // never fails
	key := "rotunda-check-" + hex.EncodeToString(mark)
	if err := s.put(ctx, key, bytes.NewReader(mark), &counted{hash: sha256.New()}, int64(len(mark)), ""); err != nil {
		return fmt.Errorf("write, read and compare a test object: %w", err)
	}
	if err := s.backend.delete(ctx, key); err != nil {
		return fmt.Errorf("delete the test object %s: %w", key, err)
	}
	return nil
}

// checkKey refuses keys that would lead out of the store or into what it keeps for itself.
func checkKey(key string) error {
	if key == "" || len(key) > 512 || path.Clean(key) != key || strings.ContainsAny(key, "\x00\\:") ||
		strings.HasPrefix(key, "/") || strings.HasPrefix(key, ".") || strings.Contains(key, "/.") {
		return fmt.Errorf("%q is no key of an object", key)
	}
	return nil
}
