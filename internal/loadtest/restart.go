package loadtest

import (
	"net/netip"

	"github.com/pion/stun/v4"
)

// restart takes the credentials of both sides after an ICE restart. With move the connection goes on from another address of ours, as after a
// change of the network.
func (t *transport) restart(local credentials, a *answer, move bool) error {
	var elsewhere *socket
	if move {
		var err error
		if elsewhere, err = openSocket(a.candidates[0].Addr().Is6()); err != nil {
			return err
		}
	}
	taken := false
	t.loop.do(func() {
		if t.closed {
			return
		}
		taken, t.local, t.remote, t.nextCheck = true, local, a.remote, 0
		if elsewhere == nil {
			return
		}
		t.socket.close()
		t.socket, t.connected, t.candidates = elsewhere, false, a.candidates[:1]
		t.checks = map[[stun.TransactionIDSize]byte]netip.AddrPort{}
	})
	if elsewhere != nil && !taken {
		elsewhere.close()
	}
	return nil
}

// hasClosed reports whether the connection was closed by us.
func (t *transport) hasClosed() (closed bool) {
	if !t.loop.do(func() { closed = t.closed }) {
		return true
	}
	return closed
}
