package sfu

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// bareClient does ICE and DTLS over a socket by hand, and nothing else.
type bareClient struct {
	*watcher
	transport *Transport
	conn      *net.UDPConn
	dtls      *dtls.Conn
}

// connectBare offers a certificate and begins the handshake with another, if shown is not the same.
func connectBare(t *testing.T, e *Engine, shown, offered certificate, options ...dtls.ClientOption) *bareClient {
	t.Helper()
	c := &bareClient{}
	c.transport, c.watcher = newTransportOf(t, e)
	if _, err := c.transport.Negotiate(t.Context(), strings.ReplaceAll(offerText("0"), someFingerprint, offered.fingerprint)); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	server := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: e.Port()}
	if _, err := c.conn.WriteToUDP(bindingRequest(t, c.transport.ice.local, 1, true).Raw, server); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.conn.ReadFromUDP(make([]byte, 1500)); err != nil {
		t.Fatal(err)
	}
	options = append([]dtls.ClientOption{dtls.WithCertificates(shown.tls), dtls.WithInsecureSkipVerify(true), dtls.WithSRTPProtectionProfiles(srtpProfiles...)}, options...)
	if c.dtls, err = dtls.ClientWithOptions(c.conn, server, options...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.dtls.Close() })
	return c
}

func someCertificate(t *testing.T) certificate {
	t.Helper()
	c, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCloseTellsClient: the client sees the end of its DTLS connection, and we are not told of what we asked for.
func TestCloseTellsClient(t *testing.T) {
	e := newEngine(t)
	cert := someCertificate(t)
	for _, whole := range []bool{false, true} {
		c := connectBare(t, e, cert, cert)
		if err := c.dtls.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		within(t, c.connected, "the connection")
		ended := make(chan error, 1)
		go func() {
			_, err := c.dtls.Read(make([]byte, 100))
			ended <- err
		}()
		if whole {
			e.Close()
			e.Close()
		} else {
			c.transport.Close()
			c.transport.Close()
		}
		if err := within(t, ended, "the end of the client's DTLS"); !errors.Is(err, io.EOF) {
			t.Fatalf("%v", err)
		}
		if len(c.failed) != 0 {
			t.Fatalf("told of its own closing: %v", <-c.failed)
		}
	}
	if _, err := e.NewTransport(TransportConfig{Session: "s", Updates: newWatcher()}); video.CodeOf(err) != video.CodeUnavailable {
		t.Fatalf("a transport of a closed engine: %v", err)
	}
	if s := e.Stats(); s.Transports != 0 || s.Routers != 0 {
		t.Fatalf("%+v is left", s)
	}
}

func TestClientCloses(t *testing.T) {
	e := newEngine(t)
	p := newPeer(t, e, "s")
	p.send("video/VP8")
	p.negotiate()
	within(t, p.connected, "the connection")
	eventually(t, "the client's end of it", func() bool { return p.pc.ConnectionState() == webrtc.PeerConnectionStateConnected })
	if err := p.pc.Close(); err != nil {
		t.Fatal(err)
	}
	if err := within(t, p.failed, "the failure"); !errors.Is(err, errPeerClosed) {
		t.Fatalf("%v", err)
	}
	p.transport.checkAlive(e.Now() + 2*mediaSilence)
	p.transport.Close()
	if len(p.failed) != 0 {
		t.Fatalf("a second failure: %v", <-p.failed)
	}
}

func TestWrongCertificateFails(t *testing.T) {
	e := newEngine(t)
	c := connectBare(t, e, someCertificate(t), someCertificate(t))
	if err := c.dtls.HandshakeContext(t.Context()); err == nil {
		_, err = c.dtls.Read(make([]byte, 100)) // the client may have finished before the server looked
		if err == nil {
			t.Fatal("the handshake succeeded")
		}
	}
	if err := within(t, c.failed, "the failure"); !strings.Contains(err.Error(), "DTLS handshake") {
		t.Fatalf("%v", err)
	}
	select {
	case <-c.connected:
		t.Fatal("connected")
	default:
	}
	if c.transport.isSecured.Load() {
		t.Fatal("media is taken from a stranger")
	}
}

func TestNoSRTPProfileFails(t *testing.T) {
	e := newEngine(t)
	cert := someCertificate(t)
	c := connectBare(t, e, cert, cert, dtls.WithSRTPProtectionProfiles(dtls.SRTP_NULL_HMAC_SHA1_80))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_ = c.dtls.HandshakeContext(ctx)
	_ = within(t, c.failed, "the failure")
}

// TestNeverConnected: time counts from the first offer. Who neither sends nor receives needs no media path.
func TestNeverConnected(t *testing.T) {
	e := newEngine(t)
	tr, w := newTransportOf(t, e)
	tr.checkAlive(e.Now() + 3600e9)
	if len(w.failed) != 0 {
		t.Fatalf("without an offer: %v", <-w.failed)
	}
	if _, err := tr.Negotiate(t.Context(), offerText("0")); err != nil {
		t.Fatal(err)
	}
	now := tr.offered.Load()
	tr.checkAlive(now + int64(handshakeTimeout))
	if len(w.failed) != 0 {
		t.Fatalf("early: %v", <-w.failed)
	}
	tr.checkAlive(now + int64(handshakeTimeout) + 1)
	tr.checkAlive(now + int64(handshakeTimeout) + 2)
	if err := <-w.failed; !errors.Is(err, errNeverConnected) || len(w.failed) != 0 {
		t.Fatalf("%v, and %d more", err, len(w.failed))
	}
}

func TestSilenceFails(t *testing.T) {
	e := quietEngine(t)
	w := newWatcher()
	tr := securedTransport(t, e, "s", netip.MustParseAddrPort("127.0.0.1:9"), w)
	heard := tr.lastHeard.Load()
	tr.checkAlive(heard + mediaSilence)
	(checker{t: t, tr: tr}).check(0, "127.0.0.1:9", tr.ice.local, 1, true, heard+mediaSilence)
	tr.checkAlive(heard + 2*mediaSilence)
	if len(w.failed) != 0 {
		t.Fatalf("early: %v", <-w.failed)
	}
	tr.checkAlive(heard + 2*mediaSilence + 1)
	tr.checkAlive(heard + 2*mediaSilence + 2)
	if err := <-w.failed; !errors.Is(err, errSilent) || len(w.failed) != 0 {
		t.Fatalf("%v, and %d more", err, len(w.failed))
	}
	before := w.timesBack
	tr.lastHeard.Store(heard + 3*mediaSilence)
	tr.checkAlive(heard + 3*mediaSilence)
	tr.checkAlive(heard + 3*mediaSilence + 1)
	if w.timesBack != before+1 {
		t.Fatalf("told %d times that it is back", w.timesBack-before)
	}
	tr.checkAlive(heard + 5*mediaSilence)
	if err := <-w.failed; !errors.Is(err, errSilent) {
		t.Fatalf("%v", err)
	}
	tr.Close()
	tr.lastHeard.Store(heard + 5*mediaSilence)
	tr.checkAlive(heard + 5*mediaSilence)
	if w.timesBack != before+1 {
		t.Fatal("told of a closed connection that it is back")
	}
}

// TestManyOpenAndClose has connections come and go at once, each subscribed to all streams it finds.
func TestManyOpenAndClose(t *testing.T) {
	e := newEngine(t)
	cert := someCertificate(t)
	const n = 20
	ids := make([]video.StreamID, n)
	for i := range ids {
		ids[i] = video.StreamID(video.NewUUID())
	}
	var running sync.WaitGroup
	for i := range n {
		c := connectBare(t, e, cert, cert)
		running.Go(func() {
			tr := c.transport
			if err := c.dtls.HandshakeContext(t.Context()); err != nil {
				t.Error(err)
			}
			if err := tr.Publish(ids[i], video.Lines{VideoMID: "0"}); err != nil {
				t.Error(err)
			}
			tr.SetGate(ids[i], video.Video, true)
			for _, id := range ids {
				if err := tr.Subscribe(video.Subscription{StreamID: id, Video: true}); err != nil && video.CodeOf(err) != video.CodeStreamNotFound {
					t.Error(err)
				}
			}
			if i%2 == 0 {
				tr.Unpublish(ids[i])
				tr.Unsubscribe(ids[(i+1)%n])
			}
			tr.Close()
		})
	}
	running.Wait()
	if s := e.Stats(); s.Transports != 0 || s.Routers != 0 || len(e.byRemote) != 0 {
		t.Fatalf("%+v and %d addresses are left", s, len(e.byRemote))
	}
}

// TestCloseDuringHandshake stops what waits for a client that never comes.
func TestCloseDuringHandshake(t *testing.T) {
	e := newEngine(t)
	for range 3 {
		tr, w := newTransportOf(t, e)
		if _, err := tr.Negotiate(t.Context(), offerText("0")); err != nil {
			t.Fatal(err)
		}
		tr.Close()
		if len(w.failed) != 0 {
			t.Fatalf("%v", <-w.failed)
		}
	}
}

// TestPortInUse: a second server on the same port is refused, not silently given half of the packets.
func TestPortInUse(t *testing.T) {
	e := newEngine(t)
	if second, err := New(Config{UDPPort: e.Port()}); err == nil {
		second.Close()
		t.Fatal("two engines share a port")
	}
}

// A reader remembers a transport until its next datagram; what media needed is let go of before.
func TestClosedTransportHoldsNoMedia(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	p := c.publisher.transport
	history := weak.Make(c.layer().history)
	tracks := len(p.in.tracks)
	p.Close()
	c.camera.frame(true) // still on its way
	c.publisher.scratch.onward = onward{}
	if tracks == 0 || len(p.in.layers) != 0 {
		t.Errorf("%d layers are left of %d tracks", len(p.in.layers), tracks)
	}
	eventually(t, "the history to be collected", func() bool { runtime.GC(); return history.Value() == nil })
	runtime.KeepAlive(p)
}
