package turn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// askInterval is how long an answer is waited for before the question is sent again.
const askInterval = 500 * time.Millisecond

// Discover asks a STUN server, HOST:PORT, which IPv4 address this machine's packets come from. ctx bounds the time it takes.
func Discover(ctx context.Context, server string) (netip.Addr, error) {
	mapped, err := Mapped(ctx, server, "udp4")
	if err != nil {
		return netip.Addr{}, fmt.Errorf("ask %s for the public address: %w", server, err)
	}
	return mapped.Addr(), nil
}

// Mapped asks a STUN server over a network, udp4 or udp6, which address and port a socket of this machine has for it.
func Mapped(ctx context.Context, server, network string) (netip.AddrPort, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, server)
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer func() { _ = conn.Close() }()
	question, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var refused error
	for {
		if ctx.Err() != nil {
			return netip.AddrPort{}, errors.Join(errors.New("no answer"), refused)
		}
		if _, err := conn.Write(question.Raw); err != nil {
			refused = err
		}
		var mapped netip.AddrPort
		if mapped, err = answer(ctx, conn, question.TransactionID); err == nil {
			return mapped, nil
		}
		if n, ok := errors.AsType[net.Error](err); !ok || !n.Timeout() {
			refused = err
			select {
			case <-ctx.Done():
			case <-time.After(askInterval):
			}
		}
	}
}

// answer reads until the answer to a question comes, for askInterval at most.
func answer(ctx context.Context, conn net.Conn, id [stun.TransactionIDSize]byte) (netip.AddrPort, error) {
	until := time.Now().Add(askInterval)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	_ = conn.SetReadDeadline(until)
	var b [1500]byte
	for {
		n, err := conn.Read(b[:])
		if err != nil {
			return netip.AddrPort{}, err
		}
		m := &stun.Message{Raw: b[:n]}
		if m.Decode() != nil || m.TransactionID != id || m.Type != stun.BindingSuccess {
			continue
		}
		var mapped stun.XORMappedAddress
		if err := mapped.GetFrom(m); err != nil {
			return netip.AddrPort{}, err
		}
		a, _ := netip.AddrFromSlice(mapped.IP)
		return netip.AddrPortFrom(a.Unmap(), uint16(mapped.Port)), nil
	}
}
