package events

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const primary, failover = "https://a.example", "https://b.example"

// course is when attempts are made, and where, if each has the verdict given; the last verdict holds on.
func course(d video.Delivery, retryAfter time.Duration, verdicts ...verdict) string {
	var b strings.Builder
	at := time.Duration(0)
	for i := 0; ; i++ {
		where := map[string]string{primary: "a", failover: "b"}[DefaultSchedule.target(d, d.Step)]
		fmt.Fprintf(&b, "%s@%v ", where, at)
		step, pause, more := DefaultSchedule.next(d, verdicts[min(i, len(verdicts)-1)], retryAfter, 0)
		if !more {
			return strings.TrimSpace(b.String())
		}
		d.Step = step
		at += pause
	}
}

func TestSchedule(t *testing.T) {
	alone := video.Delivery{URL: primary}
	both := video.Delivery{URL: primary, FailoverURL: failover}
	for name, c := range map[string]struct {
		delivery   video.Delivery
		retryAfter time.Duration
		verdicts   []verdict
		want       string
	}{
		"down for good":        {alone, 0, []verdict{failed}, "a@0s a@1s a@4s a@1m4s a@6m4s a@36m4s a@2h36m4s a@10h36m4s"},
		"both down for good":   {both, 0, []verdict{failed}, "a@0s a@1s a@4s b@4s b@5s b@8s a@1m8s a@6m8s a@36m8s a@2h36m8s a@10h36m8s"},
		"refused at once":      {both, 0, []verdict{refused, failed}, "a@0s b@0s b@1s b@4s a@1m4s a@6m4s a@36m4s a@2h36m4s a@10h36m4s"},
		"refused on a retry":   {both, 0, []verdict{failed, refused, refused, failed}, "a@0s a@1s b@1s a@1m1s a@6m1s a@36m1s a@2h36m1s a@10h36m1s"},
		"refused by the only":  {alone, 0, []verdict{refused}, "a@0s a@1m0s a@6m0s a@36m0s a@2h36m0s a@10h36m0s"},
		"Retry-After":          {alone, 10 * time.Second, []verdict{failed}, "a@0s a@10s a@20s a@1m20s a@6m20s a@36m20s a@2h36m20s a@10h36m20s"},
		"Retry-After is there": {both, time.Minute, []verdict{failed, refused, failed}, "a@0s a@1m0s b@1m0s b@2m0s b@3m0s a@4m0s a@9m0s a@39m0s a@2h39m0s a@10h39m0s"},
		"Retry-After is long":  {alone, 24 * time.Hour, []verdict{failed}, "a@0s a@1h0m0s a@2h0m0s a@3h0m0s a@4h0m0s a@5h0m0s a@7h0m0s a@15h0m0s"},
	} {
		if got := course(c.delivery, c.retryAfter, c.verdicts...); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestJitter(t *testing.T) {
	_, pause, _ := DefaultSchedule.next(video.Delivery{URL: primary}, failed, 0, 0.5)
	if want := 1100 * time.Millisecond; pause != want {
		t.Errorf("half of the jitter makes 1 s %v, want %v", pause, want)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0,
		"Tue, 03 Feb 2026 04:06:06 GMT": time.Minute,
		"Tue, 03 Feb 2026 04:04:06 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestStatuses(t *testing.T) {
	for status, want := range map[int]struct {
		verdict verdict
		fault   int
	}{
		200: {delivered, 0},
		204: {delivered, 0},
		299: {delivered, 0},
		101: {failed, faultOther},
		301: {failed, faultRedirect},
		400: {refused, faultBadRequest},
		404: {refused, faultNotFound},
		408: {failed, faultOtherClient},
		410: {refused, faultOtherClient},
		429: {failed, faultOtherClient},
		500: {failed, faultServer},
		503: {failed, faultOtherServer},
		999: {failed, faultOther},
	} {
		faults := append(statusFaults(status), 0)
		if statusVerdict(status) != want.verdict || faults[0] != want.fault {
			t.Errorf("status %d: verdict %v, faults %v", status, statusVerdict(status), faults)
		}
	}
}
