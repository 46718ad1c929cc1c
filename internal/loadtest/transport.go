package loadtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v4/packetio"
)

const (
	checkInterval   = 50 * time.Millisecond   // between connectivity checks until one is answered
	consentInterval = 2500 * time.Millisecond // and from then on (RFC 7675 allows 5 s)
	dtlsRetransmit  = 200 * time.Millisecond
	maxEarly        = 1024 // packets that wait for the keys: the server has them a little before us
)

// transport is a participant's media connection: the client's side of ICE with a server that is lite, of DTLS, and SRTP.
type transport struct {
	loop      *loop
	identity  *identity
	local     credentials
	handshake *packetio.Buffer // DTLS on its way to the handshake
	selected  chan struct{}    // closed when a candidate has answered
	path      path

	// The rest belongs to the loop.
	socket     *socket
	closed     bool
	remote     credentials
	candidates []netip.AddrPort
	checks     map[[stun.TransactionIDSize]byte]netip.AddrPort
	connected  bool // a candidate was chosen
	nextCheck  int64
	in, out    *srtp.Context // nil until secured
	header     rtp.Header    // scratch of out
	sender     *sender       // nil for those who only watch
	receiver   *receiver     // nil for those who only send
	early      []held        // what came before the keys
	dropped    uint32        // by the kernel at our socket
}

func newTransport(l *loop, id *identity, p path) *transport {
	return &transport{
		loop: l, identity: id, local: credentials{randomText(8), randomText(24)}, handshake: packetio.NewBuffer(),
		selected: make(chan struct{}), path: p,
		checks: map[[stun.TransactionIDSize]byte]netip.AddrPort{},
	}
}

// randomText is n characters of the ice-char alphabet (RFC 8839).
func randomText(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEF"
	b := make([]byte, n)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// open connects to where an answer says, and returns when media is secured.
func (t *transport) open(ctx context.Context, a *answer) error {
	ipv6 := true
	for _, c := range a.candidates {
		ipv6 = ipv6 && c.Addr().Is6()
	}
	s, err := openSocket(ipv6)
	if err != nil {
		return err
	}
	opened := false
	t.loop.do(func() {
		if t.closed {
			return
		}
		opened, t.socket, t.remote = true, s, a.remote
		for _, c := range a.candidates {
			if c.Addr().Is6() == ipv6 {
				t.candidates = append(t.candidates, c)
			}
		}
		t.loop.transports = append(t.loop.transports, t)
		t.loop.connecting++
		t.check(t.loop.now())
	})
	if !opened {
		s.close()
		return net.ErrClosed
	}
	select {
	case <-t.selected:
	case <-ctx.Done():
		return fmt.Errorf("no candidate of the server answers: %w", ctx.Err())
	}
	return t.secure(ctx, a.fingerprint)
}

// secure shakes hands and installs the keys.
func (t *transport) secure(ctx context.Context, fingerprint string) error {
	conn, err := dtls.ClientWithOptions(t, t.RemoteAddr(),
		dtls.WithCertificates(t.identity.certificate),
		dtls.WithInsecureSkipVerify(true), // no authority signs these certificates; the fingerprint is compared below
		dtls.WithVerifyPeerCertificate(verifyFingerprint(fingerprint)),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithFlightInterval(dtlsRetransmit),
		dtls.WithDisableRetransmitBackoff(true), // or emulated loss would now and then use up the time for joining
	)
	if err != nil {
		return fmt.Errorf("start DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("DTLS handshake: %w", err)
	}
	in, out, err := srtpContexts(conn)
	if err != nil {
		return err
	}
	t.loop.do(func() {
		if t.closed {
			return
		}
		t.in, t.out = in, out
		t.loop.connecting--
		for _, h := range t.early {
			t.take(h.datagram, h.at, t.loop.now())
		}
		t.early = nil
	})
	return nil
}

func srtpContexts(conn *dtls.Conn) (in, out *srtp.Context, err error) {
	state, ok := conn.ConnectionState()
	profile, agreed := conn.SelectedSRTPProtectionProfile()
	if !ok || !agreed {
		return nil, nil, errors.New("DTLS agreed on no SRTP profile")
	}
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return nil, nil, fmt.Errorf("derive SRTP keys: %w", err)
	}
	k := config.Keys
	if in, err = srtp.CreateContext(k.RemoteMasterKey, k.RemoteMasterSalt, config.Profile); err != nil {
		return nil, nil, fmt.Errorf("receive context: %w", err)
	}
	if out, err = srtp.CreateContext(k.LocalMasterKey, k.LocalMasterSalt, config.Profile); err != nil {
		return nil, nil, fmt.Errorf("send context: %w", err)
	}
	return in, out, nil
}

// close ends the connection. The server learns of it by the signalling.
func (t *transport) close() { t.loop.do(t.drop) }

// drop closes the socket and keeps what was counted. It runs in the loop.
func (t *transport) drop() {
	if t.closed {
		return
	}
	t.closed = true
	_ = t.handshake.Close()
	if t.socket != nil {
		t.socket.close()
	}
	l := t.loop
	i := slices.Index(l.transports, t)
	if i < 0 {
		return
	}
	l.transports = slices.Delete(l.transports, i, i+1)
	l.tally.addTransport(t)
	if t.out == nil {
		l.connecting--
	}
}

// send sends what is due, and returns when something will be again.
func (t *transport) send(now int64) (due int64) {
	if t.path.delay > 0 {
		t.path.deliver(t, now)
	}
	if t.sender == nil || t.out == nil {
		return math.MaxInt64
	}
	return t.sender.run(now)
}

// read takes what waits at the socket.
func (t *transport) read(now int64) {
	t.dropped = max(t.dropped, t.loop.batch.receive(t.socket, func(b []byte, at int64) { t.arrive(b, at, now) }))
}

// tend sees to checks, feedback and reports.
func (t *transport) tend(now int64) {
	if now >= t.nextCheck {
		t.check(now)
	}
	if t.out == nil {
		return
	}
	if t.receiver != nil {
		t.receiver.feedBack(t, now)
	}
	if t.sender != nil {
		t.sender.report(now)
	}
}

// arrive takes a datagram through the emulated path.
func (t *transport) arrive(b []byte, at, now int64) {
	if isMedia(b) {
		t.loop.tally.arrived++
		t.loop.tally.arrivedBytes += uint64(len(b))
	}
	switch {
	case t.path.loses(t.loop.random):
		if isMedia(b) {
			t.loop.tally.lostDown++
		}
	case t.path.delay > 0:
		t.path.down.push(b, now+t.path.delay, at+t.path.delay)
	default:
		t.take(b, at, now)
	}
}

// take sorts a datagram by its first byte (RFC 9443).
func (t *transport) take(b []byte, at, now int64) {
	if len(b) == 0 {
		return
	}
	switch first := b[0]; {
	case first <= 3:
		t.checked(b)
	case first >= 20 && first <= 63:
		_, _ = t.handshake.Write(b)
	case first >= 128 && first <= 191:
		switch {
		case t.in == nil:
			if len(t.early) < maxEarly {
				t.early = append(t.early, held{datagram: bytes.Clone(b), at: at})
			}
		case !isMedia(b):
			t.takeRTCP(b, now)
		case t.receiver != nil:
			t.receiver.take(t, b, at, now)
		}
	}
}

// isMedia tells RTP from everything else that comes (RFC 5761 section 4).
func isMedia(b []byte) bool {
	return len(b) >= 12 && b[0] >= 128 && b[0] <= 191 && (b[1] < 192 || b[1] > 223)
}

// check asks the server's candidates, or the chosen one, whether they hear us (RFC 8445 section 7).
func (t *transport) check(now int64) {
	interval := checkInterval
	if t.connected {
		interval = consentInterval
	}
	t.nextCheck = now + int64(interval)
	for _, candidate := range t.candidates {
		m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(t.remote.ufrag+":"+t.local.ufrag),
			rawAttribute{stun.AttrICEControlling, []byte{1, 2, 3, 4, 5, 6, 7, 8}},
			rawAttribute{stun.AttrPriority, []byte{0x6e, 0xff, 0xff, 0xff}},
			rawAttribute{stun.AttrUseCandidate, nil},
			stun.NewShortTermIntegrity(t.remote.password), stun.Fingerprint)
		if err != nil {
			continue
		}
		if !t.connected {
			t.checks[m.TransactionID] = candidate
		}
		t.transmit(m.Raw, candidate)
	}
}

type rawAttribute struct {
	kind  stun.AttrType
	value []byte
}

func (a rawAttribute) AddTo(m *stun.Message) error {
	m.Add(a.kind, a.value)
	return nil
}

// checked takes an answer to a check. The first candidate to answer is the one.
func (t *transport) checked(b []byte) {
	m := &stun.Message{Raw: bytes.Clone(b)}
	if t.connected || m.Decode() != nil || m.Type != stun.BindingSuccess {
		return
	}
	candidate, asked := t.checks[m.TransactionID]
	if !asked || stun.NewShortTermIntegrity(t.remote.password).Check(m) != nil || t.socket.connect(candidate) != nil {
		return
	}
	t.connected, t.candidates, t.checks = true, []netip.AddrPort{candidate}, nil
	if t.out == nil { // otherwise this is another address of ours
		close(t.selected)
	}
}

// transmit sends a datagram that is not media through the emulated path; to matters until the socket is connected. It runs in the loop.
func (t *transport) transmit(b []byte, to netip.AddrPort) {
	if t.connected {
		to = netip.AddrPort{}
	}
	switch {
	case t.path.loses(t.loop.random):
	case t.path.delay > 0:
		t.path.up.pushTo(b, t.loop.now()+t.path.delay, to)
	default:
		t.write(b, to)
	}
}

func (t *transport) write(b []byte, to netip.AddrPort) {
	if to.IsValid() {
		t.socket.sendTo(b, to)
		return
	}
	t.loop.batch.queue(copy(t.loop.batch.next(t.socket), b))
	t.loop.batch.flush(t.socket)
}

// ReadFrom implements net.PacketConn for DTLS, as do the methods below.
func (t *transport) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := t.handshake.Read(b)
	return n, t.RemoteAddr(), err
}

// WriteTo implements net.PacketConn.
func (t *transport) WriteTo(b []byte, _ net.Addr) (int, error) {
	b = bytes.Clone(b)
	if !t.loop.do(func() {
		if !t.closed {
			t.transmit(b, netip.AddrPort{})
		}
	}) {
		return 0, net.ErrClosed
	}
	return len(b), nil
}

// Close implements net.PacketConn.
func (t *transport) Close() error { return t.handshake.Close() }

// LocalAddr implements net.PacketConn.
func (t *transport) LocalAddr() net.Addr { return &net.UDPAddr{} }

// RemoteAddr implements net.PacketConn.
func (t *transport) RemoteAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline implements net.PacketConn.
func (t *transport) SetDeadline(d time.Time) error { return t.handshake.SetReadDeadline(d) }

// SetReadDeadline implements net.PacketConn.
func (t *transport) SetReadDeadline(d time.Time) error { return t.handshake.SetReadDeadline(d) }

// SetWriteDeadline implements net.PacketConn; writes never wait.
func (t *transport) SetWriteDeadline(time.Time) error { return nil }
