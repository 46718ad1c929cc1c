package auth

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// RootKeySize is the length of a root key in bytes.
const RootKeySize = 32

const rootKeyFile = "root.key"

// LoadRootKey reads the root key from the file root.key in the data directory, or makes the file (mode 0600) if there is
// none. Others than the owner must have no access to the file. Without this key the secrets in the database are lost.
func LoadRootKey(dir string) (key []byte, created bool, err error) {
	path := filepath.Join(dir, rootKeyFile)
	key, err = readRootKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if err := makeRootKey(dir, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, false, fmt.Errorf("make root key: %w", err)
	} else if err == nil {
		created = true
	}
	key, err = readRootKey(path)
	return key, created, err
}

func readRootKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	stat, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("root key %s is not a regular file", path)
	}
	// Windows keeps permissions elsewhere; the mode says nothing there.
	if mode := stat.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("root key %s is accessible to others (mode %04o): run chmod 600 on it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	key, err := ParseRootKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("root key %s is damaged, restore it from a backup: %w", path, err)
	}
	return key, nil
}

// makeRootKey writes the whole file beside its place and links it there, so that neither a crash nor a second process
// leaves half a key or replaces one.
func makeRootKey(dir, path string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, rootKeyFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	key := make([]byte, RootKeySize)
	_, _ = rand.Read(key) // never fails
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(f.Name(), path) // a file system without links
}

// ParseRootKey reads a root key from text, for instance an environment variable: base64 (either alphabet, padded or not)
// of 32 bytes. The error does not quote the text.
func ParseRootKey(s string) ([]byte, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	key, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("a root key is base64 of 32 bytes, this is not base64")
	}
	if len(key) != RootKeySize {
		return nil, fmt.Errorf("a root key is base64 of %d bytes, this holds %d", RootKeySize, len(key))
	}
	if bytes.Equal(key, make([]byte, RootKeySize)) {
		return nil, errors.New("a root key must be random, this is all zero")
	}
	return key, nil
}

// Derive makes a secret of 32 bytes for one purpose from the root key, by HKDF with SHA-256 (RFC 5869), the label as
// info. Different labels give independent secrets.
func Derive(root []byte, label string) []byte {
	key, err := hkdf.Key(sha256.New, root, nil, label, 32)
	if err != nil {
		panic("auth: derive: " + err.Error()) // only for lengths beyond HKDF's, and 32 is within
	}
	return key
}
