package livetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Tokens are client tokens and what they grant. The zero value has none.
type Tokens struct {
	mu     sync.Mutex
	grants map[string]video.Grant // guarded by mu
}

// Verify implements the Tokens of entrances.
func (t *Tokens) Verify(_ context.Context, token string) (video.Grant, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	grant, ok := t.grants[token]
	if !ok || time.Now().After(grant.ExpiresAt) {
		return video.Grant{}, video.Errorf(video.CodeUnauthorized, "the token is not valid")
	}
	return grant, nil
}

// Issue returns a token with this grant, changed. All begin with "secret-", so that one in a log is found.
func (t *Tokens) Issue(grant video.Grant, change ...func(*video.Grant)) string {
	for _, f := range change {
		f(&grant)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grants == nil {
		t.grants = make(map[string]video.Grant)
	}
	token := fmt.Sprint("secret-", len(t.grants))
	t.grants[token] = grant
	return token
}

// Log keeps what several goroutines write.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
