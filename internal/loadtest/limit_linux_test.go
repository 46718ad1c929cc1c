package loadtest

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BenchmarkLimit is the least that forwarding one packet to one subscriber can take on this machine: encrypting it, and handing it to the
// kernel alone, or several to a call. cpu-ns/packet is what counts: processor time of the sending thread, which on loopback has the
// kernel's way to the receiver's socket in it, as a server's has. 'rotunda loadtest' shows what a server takes.
func BenchmarkLimit(b *testing.B) {
	for _, c := range []struct {
		name  string
		batch int
		send  func(*limit, int)
	}{
		{"encrypt", 32, nil},
		{"encrypt+sendto", 32, (*limit).sendEach},
		{"encrypt+sendmmsg32", 32, (*limit).sendTogether},
		{"encrypt+gso4", 4, (*limit).sendSegments},
		{"encrypt+gso32", 32, (*limit).sendSegments},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newLimit(b)
			b.ReportAllocs()
			var spent time.Duration
			for done := 0; done < b.N; done += c.batch {
				before := threadTime()
				for i := range c.batch {
					l.seal(i)
				}
				if c.send != nil {
					c.send(l, c.batch)
				}
				spent += threadTime() - before
				if c.send != nil {
					l.drain(b, c.batch)
				}
			}
			packets := (b.N + c.batch - 1) / c.batch * c.batch
			b.ReportMetric(float64(spent)/float64(packets), "cpu-ns/packet")
		})
	}
}

const (
	limitBatch  = 32
	limitPacket = 12 + videoPayload + 16
)

// limit is a sender with nothing around it.
type limit struct {
	aead     cipher.AEAD
	nonce    []byte
	seq      uint16
	slab     []byte // packets one behind the other, all of the same size
	from, to *socket
	mmsg     [limitBatch]mmsghdr
	iov      [limitBatch]unix.Iovec
	control  []byte
	batch    *batch
}

func newLimit(b *testing.B) *limit {
	b.Helper()
	runtime.LockOSThread()
	b.Cleanup(runtime.UnlockOSThread)
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	l := &limit{nonce: make([]byte, 12), slab: make([]byte, limitBatch*limitPacket), control: make([]byte, unix.CmsgSpace(2)), batch: newBatch()}
	if l.aead, err = cipher.NewGCM(block); err != nil {
		b.Fatal(err)
	}
	for _, s := range []**socket{&l.from, &l.to} {
		if *s, err = openSocket(false); err != nil {
			b.Fatal(err)
		}
		b.Cleanup((*s).close)
		if err := unix.Bind((*s).fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			b.Fatal(err)
		}
	}
	address, err := unix.Getsockname(l.to.fd)
	if err != nil {
		b.Fatal(err)
	}
	if err := unix.Connect(l.from.fd, address); err != nil {
		b.Fatal(err)
	}
	for i := range l.mmsg {
		l.iov[i].Base = &l.slab[i*limitPacket]
		l.iov[i].SetLen(limitPacket)
		l.mmsg[i].header.Iov = &l.iov[i]
		l.mmsg[i].header.SetIovlen(1)
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&l.control[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(l.control[unix.CmsgLen(0):], limitPacket)
	return l
}

// threadTime is the processor time of this thread.
func threadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}

// seal encrypts one publisher's packet for one subscriber, from there into the slab.
func (l *limit) seal(i int) {
	l.seq++
	p := l.slab[i*limitPacket:]
	p[0], p[1] = 0x80, vp8Type
	binary.BigEndian.PutUint16(p[2:], l.seq)
	binary.BigEndian.PutUint16(l.nonce[10:], l.seq)
	l.aead.Seal(p[:12], l.nonce, filler[:videoPayload], p[:12])
}

func (l *limit) sendEach(n int) {
	for i := range n {
		_, _, _ = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(l.from.fd), uintptr(unsafe.Pointer(&l.slab[i*limitPacket])), limitPacket, 0, 0, 0)
	}
}

func (l *limit) sendTogether(n int) {
	_, _, _ = unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(l.from.fd), uintptr(unsafe.Pointer(&l.mmsg[0])), uintptr(n), 0, 0, 0)
}

func (l *limit) sendSegments(n int) {
	iov := unix.Iovec{Base: &l.slab[0]}
	iov.SetLen(n * limitPacket)
	var h unix.Msghdr
	h.Iov = &iov
	h.SetIovlen(1)
	h.Control = &l.control[0]
	h.SetControllen(len(l.control))
	_, _, _ = unix.RawSyscall(unix.SYS_SENDMSG, uintptr(l.from.fd), uintptr(unsafe.Pointer(&h)), 0)
}

// drain takes what was sent, all of which must have arrived.
func (l *limit) drain(b *testing.B, n int) {
	l.batch.receive(l.to, func(packet []byte, _ int64) {
		if len(packet) == limitPacket {
			n--
		}
	})
	if n != 0 {
		b.Fatalf("%d packets did not arrive", n)
	}
}
