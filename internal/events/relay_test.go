package events

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What arrives is what the contract says, to the byte, and verifies in both ways.
func TestRequest(t *testing.T) {
	o := openOffice(t)
	secrets := [][]byte{[]byte("the new secret"), []byte("the old one")}
	o.config.Signer = keys{secrets}
	h := newHook(t, answer(http.StatusAccepted))
	before := time.Now().Unix()
	session := o.session(o.room(h.URL+"/hook?a=1&b=<2>", "", nil))
	o.deliver()
	h.await(t, 1)
	got := h.all()[0]

	names := slices.Sorted(maps.Keys(got.header))
	want := []string{
		"Connection", "Content-Length", "Content-Type", "Telnyx-Signature-Ed25519", "Telnyx-Timestamp", "User-Agent",
		"Webhook-Id", "Webhook-Signature", "Webhook-Timestamp",
	}
	if !slices.Equal(names, want) {
		t.Errorf("headers %v, want %v", names, want)
	}
	if got.header.Get("Content-Type") != "application/json" || got.header.Get("User-Agent") != "telnyx-webhooks" {
		t.Errorf("headers are %v", got.header)
	}
	delivery := o.log()[0]
	room, err := o.Session(t.Context(), o.account, session, false)
	must(t, err)
	body := fmt.Sprintf(`{"data":{"record_type":"event","event_type":"video.room.session.started","id":"%s","occurred_at":"%s",`+
		`"payload":{"session_id":"%s","room_id":"%s"}},"meta":{"attempt":1,"delivered_to":"%s/hook?a=1&b=<2>"}}`,
		delivery.ID, delivery.OccurredAt.Format("2006-01-02T15:04:05.000000Z"), session, room.RoomID, h.URL)
	if string(got.body) != body {
		t.Errorf("body\n%s\nwant\n%s", got.body, body)
	}

	timestamp := got.header.Get("Telnyx-Timestamp")
	if at, err := strconv.ParseInt(timestamp, 10, 64); err != nil || at < before || at > time.Now().Unix() {
		t.Errorf("timestamp %q", timestamp)
	}
	public := pair().Public().(ed25519.PublicKey)
	verify := func(text, message string) bool {
		signature, err := base64.StdEncoding.DecodeString(text)
		return err == nil && ed25519.Verify(public, []byte(message), signature)
	}
	if !verify(got.header.Get("Telnyx-Signature-Ed25519"), timestamp+"|"+string(got.body)) {
		t.Error("the signature of the reference does not verify")
	}
	if got.id != delivery.ID || got.header.Get("Webhook-Timestamp") != timestamp {
		t.Errorf("headers are %v", got.header)
	}
	message := got.id + "." + timestamp + "." + string(got.body)
	signatures := strings.Split(got.header.Get("Webhook-Signature"), " ")
	if len(signatures) != 3 || !verify(strings.TrimPrefix(signatures[0], "v1a,"), message) {
		t.Fatalf("signatures %v", signatures)
	}
	for i, secret := range secrets {
		sum := hmac.New(sha256.New, secret)
		sum.Write([]byte(message))
		if want := "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil)); signatures[i+1] != want {
			t.Errorf("signature %s, want %s", signatures[i+1], want)
		}
	}
	done := o.settled(delivery.ID, video.DeliveryDelivered)
	for _, header := range done.Attempts[0].RequestHeader {
		if got.header.Get(header[0]) != header[1] {
			t.Errorf("the log says %v, sent was %q", header, got.header.Get(header[0]))
		}
	}
}

// Every attempt says which it is and is signed anew; primary, failover and the tail take their turns; the log has it all.
func TestAttempts(t *testing.T) {
	o := openOffice(t)
	bad := newHook(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Reason", "tired")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(strings.Repeat("no ", 5000)))
	})
	missing := newHook(t, answer(http.StatusNotFound))
	o.session(o.room(bad.URL, missing.URL, nil))
	o.deliver()
	d := o.settled(o.log()[0].ID, video.DeliveryFailed)
	if len(bad.all()) != 4 || len(missing.all()) != 1 || d.AttemptCount != 5 || d.FinishedAt == nil || d.NextAt != nil {
		t.Fatalf("%d and %d requests, delivery %+v", len(bad.all()), len(missing.all()), d)
	}
	var numbers, faults []int
	for _, attempt := range slices.Backward(d.Attempts) {
		numbers, faults = append(numbers, attempt.Number), append(faults, attempt.Errors...)
	}
	if fmt.Sprint(numbers) != "[1 2 3 4 5]" || fmt.Sprint(faults) != "[75599 75599 75599 75404 75599]" {
		t.Errorf("attempts %v with faults %v", numbers, faults)
	}
	last := d.Attempts[0]
	if last.ResponseStatus != http.StatusServiceUnavailable || len(last.ResponseBody) != video.MaxResponseBody ||
		!slices.Contains(last.ResponseHeader, [2]string{"x-reason", "tired"}) || last.FinishedAt.Before(last.StartedAt) || !d.FinishedAt.Equal(last.FinishedAt) {
		t.Errorf("the log keeps %+v", last)
	}
	bodies := map[string]bool{}
	for i, r := range bad.all() {
		bodies[string(r.body)] = true
		attempt := []int{1, 2, 3, 5}[i]
		if !strings.Contains(string(r.body), fmt.Sprintf(`"meta":{"attempt":%d,"delivered_to":"%s"}`, attempt, bad.URL)) || r.id != d.ID {
			t.Errorf("attempt %d sent %s", attempt, r.body)
		}
	}
	if len(bodies) != 4 {
		t.Error("bodies repeat")
	}
}

func TestFaults(t *testing.T) {
	o := openOffice(t)
	o.config.Timeout = 300 * time.Millisecond
	elsewhere := newHook(t, nil)
	redirect := newHook(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	untrusted := quiet(httptest.NewTLSServer(http.NotFoundHandler()))
	defer untrusted.Close()
	hangs := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hangs }))
	defer hanging.Close()
	defer close(hangs)
	breaks := newHook(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	closed := httptest.NewServer(nil)
	closed.Close()
	o.deliver()
	for name, c := range map[string]struct {
		url   string
		fault int
	}{
		"no such name":    {"http://nowhere.invalid", faultName},
		"nobody listens":  {closed.URL, faultConnection},
		"untrusted":       {untrusted.URL, faultUntrustedRoot},
		"no TLS":          {strings.Replace(elsewhere.URL, "http:", "https:", 1), faultCertificate},
		"hangs":           {hanging.URL, faultOther},
		"breaks off":      {breaks.URL, faultOther},
		"redirects":       {redirect.URL, faultRedirect},
		"link-local":      {"http://169.254.169.254/latest/meta-data", faultConnection},
		"no web address":  {"ftp://a.example", faultOther},
		"no address":      {"::", faultOther},
		"no host at all":  {"http:///x", faultOther},
		"a port too high": {"http://127.0.0.1:99999", faultConnection},
	} {
		d := o.settled(o.test(c.url).ID, video.DeliveryFailed)
		if got := d.Attempts[0].Errors; len(got) != 1 || got[0] != c.fault {
			t.Errorf("%s: faults %v, want %d", name, got, c.fault)
		}
	}
	if n := len(elsewhere.all()); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestTLS(t *testing.T) {
	o := openOffice(t)
	h := &hook{t: t, arrived: make(chan struct{}, 100)}
	h.Server = quiet(httptest.NewTLSServer(h.handler(nil)))
	defer h.Close()
	o.config.Roots = poolOf(h.Server)
	o.deliver()
	o.settled(o.test(h.URL).ID, video.DeliveryDelivered)
	d := o.settled(o.test(strings.Replace(h.URL, "127.0.0.1", "localhost", 1)).ID, video.DeliveryFailed)
	if d.Attempts[0].Errors[0] != faultNameMismatch {
		t.Errorf("faults %v", d.Attempts[0].Errors)
	}
}

// A URL may name a user; what proves it is sent and not kept.
func TestUserInURL(t *testing.T) {
	o := openOffice(t)
	h := newHook(t, nil)
	o.deliver()
	d := o.settled(o.test(strings.Replace(h.URL, "http://", "http://me:secret@", 1)).ID, video.DeliveryDelivered)
	if got := h.all()[0].header.Get("Authorization"); got != "Basic "+base64.StdEncoding.EncodeToString([]byte("me:secret")) {
		t.Errorf("sent %q", got)
	}
	for _, header := range d.Attempts[0].RequestHeader {
		if header[0] == "authorization" {
			t.Error("the log keeps the password")
		}
	}
}

// A room's own timeout holds in place of the default.
func TestTimeout(t *testing.T) {
	o := openOffice(t)
	o.config.Timeout = time.Nanosecond // in which nobody answers
	o.config.Schedule = Schedule{Tail: []time.Duration{time.Hour}}
	hook := newHook(t, func(http.ResponseWriter, *http.Request) {})
	secs := 20
	o.session(o.room(hook.URL, "", &secs))
	o.deliver()
	o.settled(o.log()[0].ID, video.DeliveryDelivered)
	zero := 0
	relay := New(Config{})
	if got := relay.timeout(video.Delivery{TimeoutSecs: &zero}); got != 2*time.Second {
		t.Errorf("0 means %v", got)
	}
	if got := relay.timeout(video.Delivery{}); got != 2*time.Second {
		t.Errorf("none means %v", got)
	}
}

// Twenty webhooks that hang cost the others nothing.
func TestHangingEndpoints(t *testing.T) {
	o := openOffice(t)
	o.config.Timeout = time.Minute // who waits for one that hangs waits too long for this test
	o.config.Places = 64
	hangs := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(hangs)
	good := newHook(t, nil)
	const rounds = 3
	for range rounds {
		for i := range 20 {
			o.test(fmt.Sprintf("%s/%d", hanging.URL, i))
		}
	}
	relay := o.deliver()
	for i := range 200 {
		o.test(fmt.Sprintf("%s/%d", good.URL, i))
	}
	good.await(t, 200)
	for waiting := 0; waiting != 20*rounds; { // the last answers are written
		var err error
		waiting, err = o.WaitingDeliveries(t.Context())
		must(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no patience: the hanging ones are cut off
	if err := relay.Close(ctx); err == nil {
		t.Error("nothing was cut off")
	}
	waiting, err := o.WaitingDeliveries(t.Context())
	must(t, err)
	if waiting != 20*rounds {
		t.Errorf("%d deliveries wait, want %d", waiting, 20*rounds)
	}
}

// More webhooks that hang than there are places leave half of the places to the others, once it is known which hang.
func TestMoreHangThanThereArePlaces(t *testing.T) {
	o := openOffice(t)
	o.config.Timeout = 50 * time.Millisecond
	o.config.Places = 8
	registry := prometheus.NewRegistry()
	o.config.Metrics = registry
	o.config.Schedule.Tail = slices.Repeat([]time.Duration{time.Millisecond}, 1000)
	hangs := make(chan struct{})
	asked := make(chan string, 10_000)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		<-hangs
	}))
	defer hanging.Close()
	defer close(hangs)
	for range 3 {
		for i := range 30 {
			o.test(fmt.Sprintf("%s/%d", hanging.URL, i))
		}
	}
	relay := o.deliver()
	for times := map[string]int{}; len(times) < 30 || slices.Min(slices.Collect(maps.Values(times))) < 5; {
		times[<-asked]++ // by then each has run out of time
	}
	good := newHook(t, nil)
	for range 20 {
		o.settled(o.test(good.URL).ID, video.DeliveryDelivered)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = relay.Close(ctx) // an error only if any was under way just now
	if cut := counters(t, registry)["cut"]; cut > 4 {
		t.Errorf("%v attempts at webhooks that hang were under way, want 4 at most", cut)
	}
}

// Whose answer does not end is as slow as who does not answer: it takes up a place as long.
func TestAnswerWithoutEnd(t *testing.T) {
	o := openOffice(t)
	o.config.Timeout = 200 * time.Millisecond
	hangs := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "wait for it")
		_ = http.NewResponseController(w).Flush()
		<-hangs
	}))
	defer hook.Close()
	defer close(hangs)
	about := video.Delivery{URL: hook.URL, Event: video.Event{Payload: []byte("{}")}}
	res, err := New(o.config).attempt(t.Context(), about, func() {})
	must(t, err)
	if !res.slow {
		t.Errorf("a webhook that hangs in its answer is not slow: %+v", res)
	}
}

// A redelivery begins anew and keeps the event's id.
func TestRedelivered(t *testing.T) {
	o := openOffice(t)
	h := newHook(t, nil)
	o.deliver()
	d := o.settled(o.test(h.URL).ID, video.DeliveryDelivered)
	_, err := o.Redeliver(t.Context(), o.account, d.ID)
	must(t, err)
	h.await(t, 2)
	again := o.settled(d.ID, video.DeliveryDelivered)
	received := h.all()
	if len(received) != 2 || received[0].id != received[1].id || !strings.Contains(string(received[1].body), `"attempt":2`) || len(again.Attempts) != 2 {
		t.Errorf("received %d, log has %d", len(received), len(again.Attempts))
	}
}

// What an endpoint asks for is honoured, up to a limit.
func TestRetryAfterHonoured(t *testing.T) {
	o := openOffice(t)
	first := true
	h := newHook(t, func(w http.ResponseWriter, _ *http.Request) {
		if first {
			w.Header().Set("Retry-After", "3600") // of which MaxRetryAfter is granted
			w.WriteHeader(http.StatusTooManyRequests)
		}
		first = false
	})
	o.deliver()
	d := o.settled(o.test(h.URL).ID, video.DeliveryDelivered)
	if wait := d.Attempts[0].StartedAt.Sub(d.Attempts[1].FinishedAt); wait < o.config.Schedule.MaxRetryAfter {
		t.Errorf("tried again after %v", wait)
	}
}

// Nobody with a key, nothing sent: the failure is in the log, and the next attempt comes by the schedule.
func TestUnsigned(t *testing.T) {
	o := openOffice(t)
	o.config.Signer = noKeys{}
	h := newHook(t, nil)
	o.deliver()
	d := o.settled(o.test(h.URL).ID, video.DeliveryFailed)
	if len(h.all()) != 0 || d.AttemptCount != 4 || d.Attempts[0].Errors[0] != faultOther {
		t.Errorf("received %d, delivery %+v", len(h.all()), d)
	}
}

type noKeys struct{ keys }

func (noKeys) SignEvent(context.Context, video.AccountID, []byte) ([]byte, error) {
	return nil, fmt.Errorf("the root key is another")
}

func TestEnvelopeIsJSON(t *testing.T) {
	body, err := encode(video.Event{ID: "x", Payload: []byte(`{ "a": "<&>" }`)}, 3, "https://a.example/?a&b")
	must(t, err)
	var decoded map[string]map[string]any
	must(t, json.Unmarshal(body, &decoded))
	if decoded["data"]["occurred_at"] != "0001-01-01T00:00:00.000000Z" || decoded["meta"]["attempt"] != 3.0 {
		t.Errorf("%s", body)
	}
	if _, err := encode(video.Event{Payload: []byte(`{`)}, 1, ""); err == nil {
		t.Error("a payload that is no JSON was taken")
	}
}
