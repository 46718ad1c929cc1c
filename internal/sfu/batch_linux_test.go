//go:build !plain

package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"weak"

	"golang.org/x/sys/unix"
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

// A burst that is more than the socket buffer holds leaves as the buffer empties; what stays full for long loses the rest. Loopback takes
// everything at once, so this is a pair of sockets with a small buffer.
func TestFullBufferIsWaitedFor(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(pair[0]); _ = unix.Close(pair[1]) })
	if err := unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil { // the smallest there is
		t.Fatal(err)
	}
	const packets = batchPackets
	var (
		s sender
		b [packets]byte
	)
	fill := func() {
		s.sent, s.unsent, s.filled, s.giveUp = 0, 0, packets, time.Time{}
		for i := range s.filled {
			b[i] = byte(i)
			s.parts[i].Base = &b[i]
			s.parts[i].SetLen(1)
			s.messages[i].Iov = &s.parts[i]
			s.messages[i].SetIovlen(1)
		}
	}
	var got [packets]byte
	var running sync.WaitGroup
	running.Go(func() {
		for i := range got {
			if _, err := unix.Read(pair[1], got[i:i+1]); err != nil {
				t.Error(err)
			}
		}
	})
	fill()
	s.giveUp = time.Now().Add(10 * time.Second) // however slow the machine is
	s.sendTo(uintptr(pair[0]))
	if s.unsent > 0 { // wake the one who reads
		t.Errorf("%d of %d packets were lost", s.unsent, packets)
		_ = unix.Shutdown(pair[1], unix.SHUT_RDWR)
	}
	running.Wait()
	if got != b {
		t.Errorf("%v arrived", got)
	}
	fill()
	s.sendTo(uintptr(pair[0]))
	if s.unsent == 0 || s.sent != packets {
		t.Errorf("%d of %d packets were lost although nobody reads", s.unsent, packets)
	}
}

// A packet does not wait for the batch to fill while nothing else fills it.
func TestPacketsDoNotStay(t *testing.T) {
	e := stillEngine(t)
	r := &reader{socket: e.sockets[0], arrival: arrival{batch: newBatch(e)}}
	to, c, now := newInbox(t, e, "127.0.0.1:0"), chained{}, e.Now()
	for range 2 {
		r.settle(now)
		r.batch.room()
		r.batch.add(&c, to.path, 500)
		for _, step := range []struct {
			after int64
			waits int
		}{{longestStay / 2, 1}, {longestStay - 1, 1}, {longestStay, 0}, {longestStay * 3, 0}} {
			if r.settle(now + step.after); len(r.batch.out) != step.waits {
				t.Fatalf("%d packets wait %d µs after the burst, want %d", len(r.batch.out), step.after/1e3, step.waits)
			}
		}
		now += 10 * longestStay
	}
}

// Readers that forward at the same time do not wait for each other's socket.
func TestReadersSendFromTheirOwnSockets(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	descriptor := func(c syscall.RawConn, err error) (fd uintptr) {
		if err == nil {
			err = c.Control(func(f uintptr) { fd = f })
		}
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	for _, r := range stillEngine(t).readers {
		conn := r.socket.conn
		o := r.batch.sender.outlets[nameOf(conn.LocalAddr().(*net.UDPAddr).AddrPort()).family]
		if own, used := descriptor(conn.SyscallConn()), descriptor(o.conn, nil); own != used {
			t.Errorf("the reader of socket %d sends from %d", own, used)
		}
	}
}

// Batches are lent and thrown away; a connection does not keep the last one it was in.
func TestBatchIsNotKept(t *testing.T) {
	e := stillEngine(t)
	to, c := newInbox(t, e, "127.0.0.1:0"), chained{}
	kept := func() weak.Pointer[batch] {
		b := newBatch(e)
		b.room()
		b.add(&c, to.path, 500)
		b.flush()
		return weak.Make(b)
	}()
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the batch is still there")
	}
	runtime.KeepAlive(&c)
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

// TestWaited reads datagrams a while after they came, and wants to be told so.
func TestWaited(t *testing.T) {
	e := newEngine(t)
	e.stop()
	e.closeSockets()
	e.running.Wait()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		lc := net.ListenConfig{Control: controlSocket}
		pc, err := lc.ListenPacket(t.Context(), "udp", address)
		if err != nil {
			t.Skip("this machine has no IPv6")
		}
		conn := pc.(*net.UDPConn)
		t.Cleanup(func() { _ = conn.Close() })
		r, err := newReceiver(&socket{engine: e, conn: conn}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // the kernel's word has its place each time
			to, err := net.Dial("udp", conn.LocalAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			const apart = 20 * time.Millisecond // in the receiver's socket, which is what is measured
			var sent [2][2]time.Time
			for i := range sent {
				sent[i][0] = time.Now()
				if _, err := to.Write([]byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
				sent[i][1] = time.Now()
				time.Sleep(apart)
			}
			_ = to.Close()
			n, err := r.burst()
			read := time.Now()
			if err != nil || n != 2 {
				t.Fatalf("%d datagrams, %v", n, err)
			}
			for i := range n {
				came := read.Add(-time.Duration(r.waited(i, read)))
				if b, _ := r.datagram(i); len(b) != 1 || b[0] != byte(i) {
					t.Fatalf("datagram %d is %v", i, b)
				}
				const off = time.Millisecond // of the two clocks
				if came.Before(sent[i][0].Add(-off)) || came.After(sent[i][1].Add(off)) {
					t.Errorf("%s: datagram %d came %v after it was sent", address, i, came.Sub(sent[i][0]))
				}
			}
		}
	}
}
