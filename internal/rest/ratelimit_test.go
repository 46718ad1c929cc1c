package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestRateLimitRefills(t *testing.T) {
	now := time.Unix(0, 0)
	l := newRateLimit(10, func() time.Time { return now })
	for i, c := range []struct {
		wait        time.Duration
		units       float64
		granted     bool
		remaining   int
		whole, rest time.Duration
	}{
		{0, 10, true, 0, time.Second, time.Second},
		{0, 1, false, 0, time.Second, 100 * time.Millisecond},
		{250 * time.Millisecond, 2, true, 0, 950 * time.Millisecond, 150 * time.Millisecond},
		{0, 1, false, 0, 950 * time.Millisecond, 50 * time.Millisecond},
		{time.Minute, 2, true, 8, 200 * time.Millisecond, -600 * time.Millisecond},
		{-time.Minute, 2, true, 6, 400 * time.Millisecond, -400 * time.Millisecond}, // a clock that goes backwards takes nothing
		{time.Minute, 10, false, 6, 400 * time.Millisecond, 400 * time.Millisecond},
	} {
		now = now.Add(c.wait)
		if got, want := l.take("k", c.units), (allowance{c.granted, c.remaining, c.whole, c.rest}); got != want {
			t.Errorf("step %d: %+v, want %+v", i, got, want)
		}
	}
	if got := l.take("another", 10); !got.granted {
		t.Error("another key has an allowance of its own")
	}
}

func TestRateLimitIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	l := newRateLimit(10, func() time.Time { return now })
	for i := range maxBuckets {
		l.take(fmt.Sprint(i), 2)
	}
	if got := l.take("late", 1); got.granted || got.retry != time.Second {
		t.Errorf("one more key: %+v", got)
	}
	now = now.Add(200 * time.Millisecond)
	l.take("0", 2)
	if got := l.take("late", 1); !got.granted || len(l.buckets) != 2 {
		t.Errorf("one more key: %+v, and %d are remembered", got, len(l.buckets))
	}
}

// TestRateLimitOverREST spends an allowance that is too small to come back during the test unnoticed.
func TestRateLimitOverREST(t *testing.T) {
	h := newHouse(t)
	h.config.RateLimit = MinRateLimit
	h.rebuild()
	number := func(r reply, header string) int {
		t.Helper()
		n, err := strconv.Atoi(r.header.Get(header))
		if err != nil {
			t.Fatalf("%s is %q", header, r.header.Get(header))
		}
		return n
	}
	reader := "Bearer " + h.key(video.RightsReadOnly)
	r := h.call("GET", "/room_sessions/"+absentID, nil, "Authorization", reader).want(http.StatusNotFound)
	if number(r, "x-ratelimit-limit") != 10 || number(r, "x-ratelimit-remaining") != 9 || number(r, "x-ratelimit-reset") != 1 {
		t.Errorf("headers %v", r.header)
	}
	r = h.call("POST", "/rooms", nil, "Authorization", reader).want(http.StatusForbidden)
	if left := number(r, "x-ratelimit-remaining"); left < 7 || left > 8 {
		t.Errorf("%d left after a request that was refused", left)
	}
	refused := 0
	for range 100 {
		r := h.call("GET", "/rooms", nil, "Authorization", reader)
		number(r, "x-ratelimit-remaining")
		if r.status == http.StatusTooManyRequests {
			r.wantFaults(http.StatusTooManyRequests, "10011")
			if number(r, "retry-after") != 1 {
				t.Errorf("headers %v", r.header)
			}
			refused++
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	h.call("GET", "/rooms", nil).want(http.StatusOK) // another key
	for _, target := range []string{"/rooms", "/openapi.yaml", "/nothing"} {
		r := h.call("GET", target, nil, "Authorization", "Bearer wrong")
		if r.status == http.StatusTooManyRequests || r.header.Get("x-ratelimit-limit") != "" {
			t.Errorf("%s without a key: %d %v", target, r.status, r.header)
		}
	}
	h.config.RateLimit = 0
	h.rebuild()
	for range 100 {
		if r := h.call("GET", "/rooms", nil).want(http.StatusOK); r.header.Get("x-ratelimit-limit") != "" {
			t.Fatalf("headers %v without a limit", r.header)
		}
	}
}
