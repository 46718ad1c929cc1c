//go:build !plain

package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// inbox is a client's socket.
type inbox struct {
	*net.UDPConn
	path *path
}

func newInbox(t *testing.T, e *Engine, address string) inbox {
	t.Helper()
	family := nameOf(netip.MustParseAddrPort(address)).family
	i := slices.IndexFunc(e.sockets, func(s *socket) bool {
		return nameOf(s.conn.LocalAddr().(*net.UDPAddr).AddrPort()).family == family
	})
	if i < 0 {
		t.Skip("this machine has no IPv6")
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadBuffer(4 << 20)
	to := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	return inbox{conn, &path{socket: e.sockets[i], remote: to, name: nameOf(to)}}
}

func (i inbox) next(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, 2000)
	_ = i.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := i.Read(b)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return b[:n]
}

// TestBatch sends packets of all sizes to clients of both families, cut by the kernel and one by one: each arrives whole, once, and those
// of one chain in their order.
func TestBatch(t *testing.T) {
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprintf("segments=%t", whole), func(t *testing.T) {
			e := stillEngine(t)
			if whole && e.segments.off.Load() {
				t.Skip("the kernel does not cut messages into datagrams")
			}
			e.segments.off.Store(!whole)
			random := rand.New(rand.NewPCG(1, 2))
			inboxes := []inbox{newInbox(t, e, "127.0.0.1:0"), newInbox(t, e, "127.0.0.1:0"), newInbox(t, e, "[::1]:0")}
			chains := make([][2]chained, len(inboxes))
			sent := make([][2][][]byte, len(inboxes))
			b := newBatch(e)
			for n := range 3 * batchPackets { // flushes in between
				who, kind := random.IntN(len(inboxes)), 0
				size := []int{1128, 1128, 1128, 1127, 900, maxOutgoing, 20}[random.IntN(7)]
				if random.IntN(4) == 0 {
					kind, size = 1, 100+random.IntN(3)
				}
				to := b.room()
				for i := range size {
					to[i] = byte(n + i)
				}
				to[0] = byte(kind)
				binary.BigEndian.PutUint32(to[1:], uint32(n))
				sent[who][kind] = append(sent[who][kind], bytes.Clone(to[:size]))
				b.add(&chains[who][kind], inboxes[who].path, size)
			}
			b.flush()
			for who, inbox := range inboxes {
				var got [2][][]byte
				for range len(sent[who][0]) + len(sent[who][1]) {
					p := inbox.next(t)
					got[p[0]] = append(got[p[0]], p)
				}
				for kind := range got {
					for i := range got[kind] {
						if !bytes.Equal(got[kind][i], sent[who][kind][i]) {
							t.Fatalf("client %d, kind %d: packet %d of %d bytes is not what was sent as the %d.", who, kind, i, len(got[kind][i]), i)
						}
					}
				}
			}
			if s := e.Stats(); s.PacketsSent != 3*batchPackets || s.PacketsUnsent != 0 {
				t.Errorf("%d sent, %d not taken", s.PacketsSent, s.PacketsUnsent)
			}
			if off := e.segments.off.Load(); off == whole {
				t.Error("segments were refused")
			}
		})
	}
}

// Packets of one size, and a shorter one after them, are one message.
func TestBatchGroups(t *testing.T) {
	e := stillEngine(t)
	if e.segments.off.Load() {
		t.Skip("the kernel does not cut messages into datagrams")
	}
	to, b, c := newInbox(t, e, "127.0.0.1:0"), newBatch(e), chained{}
	for sizes, messages := range map[[6]int]int{
		{900, 900, 900, 900, 900, 900}: 1, {900, 900, 500, 500, 500, 400}: 2, {500, 900, 900, 901, 901, 900}: 3, {5, 4, 3, 2, 1, 1}: 3,
	} {
		for _, size := range sizes {
			b.room()
			b.add(&c, to.path, size)
		}
		b.flush()
		if n := b.sender.total; n != messages {
			t.Errorf("packets of %v bytes made %d messages, want %d", sizes, n, messages)
		}
		for _, size := range sizes {
			if p := to.next(t); len(p) != size {
				t.Errorf("got %d bytes, want %d", len(p), size)
			}
		}
	}
}

// What cannot be sent to one client is counted, and the others get theirs.
func TestBatchWithABrokenPath(t *testing.T) {
	e := stillEngine(t)
	good := newInbox(t, e, "127.0.0.1:0")
	nowhere := netip.MustParseAddrPort("127.0.0.1:0") // sendto(2) refuses port 0
	bad := &path{socket: e.sockets[0], remote: nowhere, name: nameOf(nowhere)}
	b := newBatch(e)
	var toGood, toBad chained
	for i := range 6 {
		to := b.room()
		to[0] = byte(i)
		if i%2 == 0 {
			b.add(&toBad, bad, 500)
		} else {
			b.add(&toGood, good.path, 500)
		}
	}
	b.flush()
	for want := 1; want < 6; want += 2 {
		if got := good.next(t); got[0] != byte(want) {
			t.Fatalf("got %d, want %d", got[0], want)
		}
	}
	if s := e.Stats(); s.PacketsSent != 6 || s.PacketsUnsent != 3 {
		t.Errorf("%d sent, %d not taken", s.PacketsSent, s.PacketsUnsent)
	}
}

func TestNames(t *testing.T) {
	for _, text := range []string{"192.0.2.7:1", "[2001:db8::9]:65535", "[fe80::1%2]:4000", "[::ffff:192.0.2.7]:80"} {
		a := netip.MustParseAddrPort(text)
		want := netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		n := nameOf(a)
		if got := addressOf(&n.raw); got != want {
			t.Errorf("%s became %s", want, got)
		}
	}
}
