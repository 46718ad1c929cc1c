package auth

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestNewAPIKey(t *testing.T) {
	key, hash := NewAPIKey(rand.Reader)
	if !regexp.MustCompile(`^KEY[0-9a-f]{32}_[0-9A-Za-z_-]{32}$`).MatchString(key) {
		t.Fatalf("key has the form %q", key)
	}
	if hash != HashKey(key) {
		t.Fatal("hash is not the key's")
	}
	must(t, CheckAPIKey(key))
	other, _ := NewAPIKey(rand.Reader)
	if other == key {
		t.Fatal("the same key twice")
	}
	same, _ := NewAPIKey(bytes.NewReader(make([]byte, 40)))
	if same != "KEY"+strings.Repeat("0", 32)+"_"+strings.Repeat("A", 32) {
		t.Fatalf("key of zeroes is %q", same)
	}
}

func TestAuthenticate(t *testing.T) {
	extra := "an-operator's-own-long-key"
	store := &keyStore{api: map[[32]byte]video.APIKey{}}
	key, hash := NewAPIKey(rand.Reader)
	store.api[hash] = video.APIKey{ID: "k", AccountID: foreign, Hash: hash}
	root := bytes.Repeat([]byte{1}, RootKeySize)
	a := New(Config{Store: store, RootKey: root, ExtraKeys: []string{extra}, ExtraKeyAccount: account})

	found, err := a.Authenticate(t.Context(), key)
	must(t, err)
	if found.AccountID != foreign || found.ID != "k" {
		t.Fatalf("found %+v", found)
	}
	found, err = a.Authenticate(t.Context(), extra)
	must(t, err)
	if found.AccountID != account {
		t.Fatalf("extra key is of account %s", found.AccountID)
	}
	for _, bad := range []string{"", "KEY", key + "x", key[:len(key)-1], strings.ToLower(key), "Bearer " + key, " " + extra, strings.Repeat("x", 1<<20)} {
		_, err := a.Authenticate(t.Context(), bad)
		wantCode(t, err, video.CodeUnauthorized)
	}
	delete(store.api, hash)
	_, err = a.Authenticate(t.Context(), key)
	wantCode(t, err, video.CodeUnauthorized) // revoked keys stop at once
	_, err = New(Config{Store: store, RootKey: root}).Authenticate(t.Context(), extra)
	wantCode(t, err, video.CodeUnauthorized) // valid only while configured
}

func TestCheckAPIKey(t *testing.T) {
	for key, good := range map[string]bool{
		strings.Repeat("a", 23): false, strings.Repeat("a", 24): true, strings.Repeat("~", 512): true,
		strings.Repeat("a", 513): false, strings.Repeat("a ", 20): false, strings.Repeat("ä", 20): false,
		strings.Repeat("a", 30) + "\n": false, "": false,
	} {
		if err := CheckAPIKey(key); (err == nil) != good {
			t.Errorf("%q: %v", key, err)
		} else if err != nil && key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
}
