package auth

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestLoadRootKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	key, created, err := LoadRootKey(dir)
	must(t, err)
	if !created || len(key) != RootKeySize {
		t.Fatalf("created %v, %d bytes", created, len(key))
	}
	path := filepath.Join(dir, "root.key")
	stat, err := os.Stat(path)
	must(t, err)
	if stat.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", stat.Mode())
	}
	again, created, err := LoadRootKey(dir)
	must(t, err)
	if created || !bytes.Equal(key, again) {
		t.Fatal("second load gave another key")
	}
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) != 1 {
		t.Fatalf("left behind: %v", files)
	}

	must(t, os.Chmod(path, 0o640))
	if _, _, err := LoadRootKey(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("loose permissions: %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	for _, text := range []string{"", "short", base64.StdEncoding.EncodeToString(key[1:])} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, _, err := LoadRootKey(dir); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("file %q: %v", text, err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || len(text) == 0 {
		t.Fatal("a damaged key was replaced")
	}
	must(t, os.Remove(path))
	must(t, os.Mkdir(path, 0o700))
	if _, _, err := LoadRootKey(dir); err == nil {
		t.Fatal("a directory was taken for a key")
	}
}

// Processes that start at once agree on one key.
func TestLoadRootKeyAtOnce(t *testing.T) {
	dir := t.TempDir()
	keys := make([][]byte, 8)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			key, _, err := LoadRootKey(dir)
			if err != nil {
				t.Error(err)
			}
			keys[i] = key
		})
	}
	group.Wait()
	for _, key := range keys {
		if !bytes.Equal(key, keys[0]) {
			t.Fatal("two different keys")
		}
	}
}

func TestParseRootKey(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb}, RootKeySize)
	for _, text := range []string{
		base64.StdEncoding.EncodeToString(key), base64.RawStdEncoding.EncodeToString(key), base64.URLEncoding.EncodeToString(key),
		" " + base64.RawURLEncoding.EncodeToString(key) + "\n",
	} {
		got, err := ParseRootKey(text)
		must(t, err)
		if !bytes.Equal(got, key) {
			t.Fatalf("%q parsed as %x", text, got)
		}
	}
	secret := "not/base64/but+secret!"
	for _, text := range []string{
		"", secret, base64.StdEncoding.EncodeToString(key[:31]), base64.StdEncoding.EncodeToString(make([]byte, RootKeySize)),
	} {
		if _, err := ParseRootKey(text); err == nil || strings.Contains(err.Error(), secret) {
			t.Fatalf("%q: %v", text, err)
		}
	}
}

// HKDF-SHA256 with an empty salt, RFC 5869 appendix A.3, whose input is 22 bytes; only the length differs in use.
func TestDerive(t *testing.T) {
	got := Derive(bytes.Repeat([]byte{0x0b}, 22), "")
	want := "\x8d\xa4\xe7\x75\xa5\x63\xc1\x8f\x71\x5f\x80\x2a\x06\x3c\x5a\x31\xb8\xa1\x1f\x5c\x5e\xe1\x87\x9e\xc3\x45\x4e\x5f\x3c\x73\x8d\x2d"
	if string(got) != want {
		t.Fatalf("derived %x", got)
	}
	if bytes.Equal(Derive(got, "a"), Derive(got, "b")) {
		t.Fatal("labels give the same secret")
	}
}
