package sfu

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	dtlsfingerprint "github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

const (
	// handshakeTimeout is how long a connection may take from its first offer until media is secured.
	handshakeTimeout = 30 * time.Second
	// dtlsRetransmit is the first retransmission interval; a handshake that loses a packet should not cost a second.
	dtlsRetransmit = 200 * time.Millisecond
	// dtlsQueueBytes bounds the handshake packets that wait for the DTLS goroutine; more are dropped and come again.
	dtlsQueueBytes = 64 << 10
)

// errPeerClosed is why a transport failed when the client closed its connection (DTLS close_notify).
var errPeerClosed = errors.New("the client closed the connection")

// srtpProfiles are offered in this order: AES-GCM costs half of AES-CM with HMAC-SHA1 here.
var srtpProfiles = []dtls.SRTPProtectionProfile{
	dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80,
}

// certificate is what the server shows every DTLS peer. It is made when the engine starts and never stored.
type certificate struct {
	tls         tls.Certificate
	fingerprint string // SHA-256, upper case, colons
}

func newCertificate(now time.Time) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "rotunda"},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return certificate{}, err
	}
	sum := sha256.Sum256(der)
	hex := make([]string, len(sum))
	for i, b := range sum {
		hex[i] = fmt.Sprintf("%02X", b)
	}
	return certificate{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, strings.Join(hex, ":")}, nil
}

// dtlsEnd is the server's end of a connection's DTLS. It is the net.PacketConn that the DTLS library reads from and
// writes to; the socket reader feeds it.
type dtlsEnd struct {
	transport *Transport
	queue     *packetio.Buffer
	peer      fingerprint
}

func newDTLSEnd(t *Transport) *dtlsEnd {
	q := packetio.NewBuffer()
	q.SetLimitSize(dtlsQueueBytes)
	return &dtlsEnd{transport: t, queue: q}
}

func (d *dtlsEnd) receive(b []byte) { _, _ = d.queue.Write(b) }

// run shakes hands, hands the keys to the transport, and then passes on data until the peer closes. It returns why it ended.
func (d *dtlsEnd) run(ctx context.Context, cert certificate) error {
	conn, err := dtls.ServerWithOptions(d, d.RemoteAddr(),
		dtls.WithCertificates(cert.tls),
		dtls.WithSRTPProtectionProfiles(srtpProfiles...),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		dtls.WithVerifyPeerCertificate(d.verify),
		dtls.WithInsecureSkipVerifyHello(true), // ICE has verified the address already
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithFlightInterval(dtlsRetransmit),
	)
	if err != nil {
		return fmt.Errorf("start DTLS: %w", err)
	}
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		_ = conn.Close()
	})
	defer func() {
		_ = conn.Close()
		if !stop() {
			<-told
		}
	}()

	handshake, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(handshake); err != nil {
		return fmt.Errorf("DTLS handshake: %w", err)
	}
	in, out, err := srtpContexts(conn)
	if err != nil {
		return err
	}
	d.transport.secured(in, out)

	defer d.transport.data.stop()
	var record [readSize]byte
	for {
		n, err := conn.Read(record[:])
		if err != nil {
			return errPeerClosed
		}
		d.transport.data.receive(conn, record[:n])
	}
}

// verify holds the peer's certificate against the fingerprint of its offer (RFC 8122 section 5).
func (d *dtlsEnd) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errors.New("no certificate")
	}
	cert, err := x509.ParseCertificate(raw[0])
	if err != nil {
		return fmt.Errorf("parse certificate: %w", err)
	}
	hash, err := dtlsfingerprint.HashFromString(d.peer.algorithm)
	if err != nil {
		return fmt.Errorf("fingerprint algorithm %q: %w", d.peer.algorithm, err)
	}
	actual, err := dtlsfingerprint.Fingerprint(cert, hash)
	if err != nil {
		return fmt.Errorf("compute fingerprint: %w", err)
	}
	if !strings.EqualFold(actual, d.peer.value) {
		return errors.New("the certificate is not the one of the offer")
	}
	return nil
}

func srtpContexts(conn *dtls.Conn) (in *srtp.Context, out *sealer, err error) {
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, nil, errors.New("DTLS has no state after its handshake")
	}
	profile, ok := conn.SelectedSRTPProtectionProfile()
	if !ok {
		return nil, nil, errors.New("the client accepts no SRTP profile of ours")
	}
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return nil, nil, fmt.Errorf("derive SRTP keys: %w", err)
	}
	k := config.Keys
	in, err = srtp.CreateContext(k.RemoteMasterKey, k.RemoteMasterSalt, config.Profile, srtp.SRTPReplayProtection(512), srtp.SRTCPReplayProtection(64))
	if err != nil {
		return nil, nil, fmt.Errorf("receive context: %w", err)
	}
	out, err = newSealer(config.Profile, k.LocalMasterKey, k.LocalMasterSalt)
	if err != nil {
		return nil, nil, fmt.Errorf("send context: %w", err)
	}
	return in, out, nil
}

// ReadFrom implements net.PacketConn.
func (d *dtlsEnd) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := d.queue.Read(b)
	return n, d.RemoteAddr(), err
}

// WriteTo implements net.PacketConn. The packet goes to whatever path the client chose.
func (d *dtlsEnd) WriteTo(b []byte, _ net.Addr) (int, error) {
	d.transport.sendRaw(b)
	return len(b), nil
}

// Close implements net.PacketConn.
func (d *dtlsEnd) Close() error { return d.queue.Close() }

// LocalAddr implements net.PacketConn.
func (d *dtlsEnd) LocalAddr() net.Addr { return &net.UDPAddr{} }

// RemoteAddr is constant because the path may change under a DTLS connection.
func (d *dtlsEnd) RemoteAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline implements net.PacketConn.
func (d *dtlsEnd) SetDeadline(t time.Time) error { return d.queue.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (d *dtlsEnd) SetReadDeadline(t time.Time) error { return d.queue.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn; writes never wait.
func (d *dtlsEnd) SetWriteDeadline(time.Time) error { return nil }
