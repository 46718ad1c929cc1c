package events

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keys sign with a key pair made of nothing, and with secrets.
type keys struct{ secrets [][]byte }

func pair() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func (keys) SignEvent(_ context.Context, _ video.AccountID, message []byte) ([]byte, error) {
	return ed25519.Sign(pair(), message), nil
}

func (k keys) EventSecrets(context.Context, video.AccountID) ([][]byte, error) { return k.secrets, nil }

// request is what a webhook received.
type request struct {
	header http.Header
	body   []byte
	id     string
}

// hook is a webhook that keeps what it receives and answers as told.
type hook struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	received []request
	arrived  chan struct{} // a token for each request; never full in tests
}

func newHook(t *testing.T, answer http.HandlerFunc) *hook {
	t.Helper()
	h := &hook{t: t, arrived: make(chan struct{}, 10_000)}
	h.Server = httptest.NewServer(h.handler(answer))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) handler(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := checkSchema(body); err != nil {
			h.t.Errorf("the schema refuses what was sent: %v", err)
		}
		h.mu.Lock()
		h.received = append(h.received, request{r.Header.Clone(), body, r.Header.Get("Webhook-Id")})
		h.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
		h.arrived <- struct{}{}
	})
}

func (h *hook) all() []request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]request(nil), h.received...)
}

// await waits for n more requests to be answered.
func (h *hook) await(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-h.arrived:
		case <-time.After(20 * time.Second):
			t.Fatalf("only %d requests came", len(h.all()))
		}
	}
}

func answer(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// office is a store with an account, and a relay over it.
type office struct {
	*store.Store
	t       *testing.T
	account video.AccountID
	config  Config
}

func openOffice(t *testing.T) *office {
	t.Helper()
	return openOfficeAt(t, filepath.Join(t.TempDir(), "a.db"))
}

func openOfficeAt(t *testing.T, path string) *office {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: path})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	account, _, err := db.DefaultAccount(t.Context())
	must(t, err)
	return &office{Store: db, t: t, account: account.ID, config: Config{
		Outbox: db, Signer: keys{}, AllowPrivate: true,
		Schedule: Schedule{Quick: []time.Duration{time.Millisecond, 2 * time.Millisecond}, Tail: []time.Duration{5 * time.Millisecond}, MaxRetryAfter: 50 * time.Millisecond},
	}}
}

// deliver starts a relay that the test's end closes.
func (o *office) deliver() *Relay {
	o.t.Helper()
	relay := New(o.config)
	must(o.t, relay.Start(o.t.Context()))
	o.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		must(o.t, relay.Close(ctx))
	})
	return relay
}

func (o *office) room(url, failover string, timeoutSecs *int) video.RoomID {
	o.t.Helper()
	room, err := o.CreateRoom(o.t.Context(), video.Room{
		AccountID: o.account, MaxParticipants: 10, WebhookEventURL: url, WebhookEventFailoverURL: failover, WebhookTimeoutSecs: timeoutSecs,
	})
	must(o.t, err)
	return room.ID
}

func (o *office) session(room video.RoomID) video.SessionID {
	o.t.Helper()
	session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: o.account, RoomID: room}
	must(o.t, o.OpenSession(o.t.Context(), session))
	return session.ID
}

func (o *office) join(session video.SessionID, said string) video.Participant {
	o.t.Helper()
	p := video.Participant{ID: video.ParticipantID(video.NewUUID()), AccountID: o.account, SessionID: session, Context: said}
	must(o.t, o.Join(o.t.Context(), p))
	return p
}

func (o *office) test(url string) video.Delivery {
	o.t.Helper()
	d, err := o.AddEvent(o.t.Context(), video.Event{AccountID: o.account, Type: video.EventTest, Payload: []byte(`{}`)}, url, "", nil)
	must(o.t, err)
	return d
}

// settled waits until the delivery has come to the status.
func (o *office) settled(id string, status video.DeliveryStatus) video.Delivery {
	o.t.Helper()
	for tick := time.NewTicker(2 * time.Millisecond); ; <-tick.C {
		d, err := o.Delivery(o.t.Context(), o.account, id)
		must(o.t, err)
		if d.Status == status {
			tick.Stop()
			return d
		}
	}
}

func (o *office) log() []video.Delivery {
	o.t.Helper()
	list, err := o.Deliveries(o.t.Context(), video.DeliveryQuery{AccountID: o.account, Page: video.Page{Number: 1, Size: video.MaxPageSize}})
	must(o.t, err)
	return list.Items
}

func poolOf(server *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

// quiet keeps a server from logging the faults a test makes.
func quiet(server *httptest.Server) *httptest.Server {
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	return server
}
