package doctor

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// publicAddress looks whether clients elsewhere can reach what the server names.
func (e *examination) publicAddress(ctx context.Context, i *invitation) {
	const setting = "--rtc-public-ip or --rtc-stun"
	var names []string
	var addresses []netip.Addr
	for _, a := range i.udp {
		names = append(names, a.Addr().String())
		addresses = append(addresses, a.Addr())
	}
	found := strings.Join(names, ", ")
	v4, v6 := PublicFamilies(addresses)
	switch {
	case len(names) == 0:
		e.note("public address", Fail, setting, "the server names no address for media")
	case v4:
		e.note("public address", OK, "", "%s", found)
	case v6:
		e.note("public address", Warn, setting, "%s: no public address of IPv4, which is all that many clients have", found)
	case e.isElsewhere(ctx):
		e.note("public address", Fail, setting, "%s: private addresses, while the server is at a public one", found)
	default:
		e.note("public address", Warn, setting, "%s: private addresses, which clients elsewhere do not reach", found)
	}
}

// isElsewhere reports whether the server's name leads to a public address.
func (e *examination) isElsewhere(ctx context.Context) bool {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.at.Hostname())
	return err == nil && slices.ContainsFunc(addresses, func(a netip.Addr) bool { return isPublic(a.Unmap()) })
}

// PublicFamilies says of which families there is an address that is reached from everywhere.
func PublicFamilies(addresses []netip.Addr) (v4, v6 bool) {
	for _, a := range addresses {
		v4 = v4 || a.Is4() && isPublic(a)
		v6 = v6 || a.Is6() && isPublic(a)
	}
	return v4, v6
}

func isPublic(a netip.Addr) bool {
	shared := netip.MustParsePrefix("100.64.0.0/10") // of providers' translators (RFC 6598)
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// reach tries every way.
func (e *examination) reach(ctx context.Context, i *invitation) {
	e.direct(ctx, i, "media over UDP", "udp", i.udp, "--rtc-udp-port, --rtc-public-ip, or the firewall")
	if len(i.tcp) == 0 {
		e.note("media over TCP", Warn, "--rtc-tcp-port", "the server has no TCP port for media")
	} else {
		e.direct(ctx, i, "media over TCP", "tcp", i.tcp, "--rtc-tcp-port, --rtc-public-ip, or the firewall")
	}
	for _, way := range []struct{ transport, name, setting string }{
		{"udp", "relay over UDP", "--turn-port, --turn-host, or the firewall"},
		{"tcp", "relay over TCP", "--turn-port, --turn-host, or the firewall"},
		{"tls", "relay over TLS", "--turn-tls-port, --turn-host, or the certificate"},
	} {
		e.relayed(ctx, i, way.transport, way.name, way.setting)
	}
}

// direct checks all candidates of a protocol. One that answers is enough, as clients take the best.
func (e *examination) direct(ctx context.Context, i *invitation, name, network string, candidates []netip.AddrPort, setting string) {
	var good, bad []string
	for _, at := range candidates {
		begun := time.Now()
		if err := i.check(ctx, network, at); err != nil {
			bad = append(bad, fmt.Sprintf("%s (%v)", at, err))
		} else {
			good = append(good, fmt.Sprintf("%s in %d ms", at, time.Since(begun).Milliseconds()))
		}
	}
	switch {
	case len(good) == 0:
		e.note(name, Fail, setting, "no answer from %s", strings.Join(bad, ", "))
	case len(bad) > 0:
		e.note(name, OK, "", "%s; not from %s", strings.Join(good, ", "), strings.Join(bad, ", "))
	default:
		e.note(name, OK, "", "%s", strings.Join(good, ", "))
	}
}

// check takes a candidate as a client does: with a connectivity check (RFC 8445 section 7).
func (i *invitation) check(ctx context.Context, network string, at netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, at.String())
	if err != nil {
		return brief(err)
	}
	defer func() { _ = conn.Close() }()
	framed := network == "tcp"
	return i.ask(ctx, func(b []byte) error {
		if framed {
			b = append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
		}
		_, err := conn.Write(b)
		return err
	}, func(b []byte, until time.Time) (int, error) {
		_ = conn.SetReadDeadline(until)
		if !framed {
			return conn.Read(b)
		}
		if _, err := io.ReadFull(conn, b[:2]); err != nil {
			return 0, err
		}
		size := int(binary.BigEndian.Uint16(b))
		if size > len(b) {
			return 0, errors.New("what answers is no media port")
		}
		return io.ReadFull(conn, b[:size])
	})
}

// ask sends checks until one is answered, or ctx ends.
func (i *invitation) ask(ctx context.Context, write func([]byte) error, read func(b []byte, until time.Time) (int, error)) error {
	integrity := stun.NewShortTermIntegrity(i.password)
	question, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(i.ufrag+":"+i.own),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 0, 0, 0}}, integrity, stun.Fingerprint)
	if err != nil {
		return err
	}
	end, _ := ctx.Deadline()
	var b [2048]byte
	var refused error
	for time.Now().Before(end) && ctx.Err() == nil {
		if err := write(question.Raw); err != nil {
			return brief(err)
		}
		until := time.Now().Add(500 * time.Millisecond)
		for {
			n, err := read(b[:], until)
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				break
			}
			if err != nil {
				return brief(err)
			}
			m := &stun.Message{Raw: b[:n]}
			if m.Decode() != nil || m.TransactionID != question.TransactionID {
				continue
			}
			if m.Type == stun.BindingSuccess && integrity.Check(m) == nil {
				return nil
			}
			refused = errors.New("an answer that is not the server's")
		}
	}
	return errors.Join(refused, errSilence)
}

var errSilence = errors.New("silence")

// brief leaves away the addresses, which stand beside it.
func brief(err error) error {
	if o, ok := errors.AsType[*net.OpError](err); ok {
		if o.Timeout() {
			return errSilence
		}
		return o.Err
	}
	return err
}

// relayed checks a candidate of UDP over a relay.
func (e *examination) relayed(ctx context.Context, i *invitation, transport, name, setting string) {
	var found, bad []string
	for _, r := range i.relays {
		if r.transport != transport {
			continue
		}
		r.trust = e.server.TLS.Clone()
		begun := time.Now()
		if err := i.over(ctx, r); err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", r.address, err))
		} else {
			found = append(found, fmt.Sprintf("%s in %d ms", r.address, time.Since(begun).Milliseconds()))
		}
	}
	switch {
	case len(found) > 0:
		e.note(name, OK, "", "%s", strings.Join(append(found, bad...), ", "))
	case len(bad) > 0:
		e.note(name, Fail, setting, "%s", strings.Join(bad, ", "))
	default:
		e.note(name, Warn, setting, "the server names none")
	}
}

// over checks the media port over a relay.
func (i *invitation) over(ctx context.Context, r relay) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := r.dial(ctx)
	if err != nil {
		return brief(err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	client, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: r.address, Conn: conn, Username: r.username, Password: r.password,
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}, RTO: 200 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		return err
	}
	relayed, err := client.Allocate()
	if err != nil {
		return fmt.Errorf("no relay is given: %w", err)
	}
	defer func() { _ = relayed.Close() }()
	is4 := relayed.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().Is4()
	refused := errors.New("the server has no address of the relay's family")
	for _, at := range i.udp {
		if at.Addr().Is4() != is4 {
			continue
		}
		to := net.UDPAddrFromAddrPort(at)
		refused = i.ask(ctx, func(b []byte) error { _, err := relayed.WriteTo(b, to); return err },
			func(b []byte, until time.Time) (int, error) {
				_ = relayed.SetReadDeadline(until)
				n, _, err := relayed.ReadFrom(b)
				return n, err
			})
		if refused == nil {
			return nil
		}
	}
	return fmt.Errorf("nothing comes back over the relay: %w", refused)
}

func (r relay) dial(ctx context.Context) (net.PacketConn, error) {
	switch r.transport {
	case "udp":
		to, err := net.ResolveUDPAddr("udp", r.address)
		if err != nil {
			return nil, err
		}
		network := "udp4"
		if to.IP.To4() == nil {
			network = "udp6"
		}
		return new(net.ListenConfig).ListenPacket(ctx, network, ":0")
	case "tls":
		dialer := tls.Dialer{Config: r.trust}
		conn, err := dialer.DialContext(ctx, "tcp", r.address)
		if err != nil {
			return nil, err
		}
		return turn.NewSTUNConn(conn), nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.address)
	if err != nil {
		return nil, err
	}
	return turn.NewSTUNConn(conn), nil
}
