//go:build linux

package link

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// pump carries packets between two devices. Its goroutine alone touches the directions; others ask it by post.
//
// It waits in ppoll, whose timeout is exact to some 50 µs; the timers of Go's runtime are exact to a millisecond.
type pump struct {
	near, far *device
	up, down  *direction
	began     time.Time
	wake      int // an eventfd
	posts     chan func(now int64)
	stop      chan struct{}
	ended     chan struct{}
	err       error // why it ended, once it has
}

func startPump(near, far *device, seed uint64, up, down Conditions) (*pump, error) {
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &pump{
		near: near, far: far, wake: wake, began: time.Now(),
		up: newDirection(seed, Up, up), down: newDirection(seed, Down, down),
		posts: make(chan func(int64), 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go p.run()
	return p, nil
}

func (p *pump) now() int64 { return int64(time.Since(p.began)) }

func (p *pump) run() {
	defer close(p.ended)
	runtime.LockOSThread() // never unlocked: the thread has a priority that nobody else should have
	preferThread()
	for {
		if err := p.wait(); err != nil {
			p.err = err
			return
		}
		select {
		case <-p.stop:
			return
		default:
		}
		now := p.now()
		if err := errors.Join(p.collect(p.far, p.up, now), p.collect(p.near, p.down, now)); err != nil {
			p.err = err
			return
		}
		p.answer(now)
		p.up.take(now, p.near.write)
		p.down.take(now, p.far.write)
	}
}

// preferThread lets the thread run as soon as it has something to do, as far as this process may: a wire does not wait for a processor either.
func preferThread() {
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
}

// wait returns when there is something to do.
func (p *pump) wait() error {
	watched := []unix.PollFd{
		{Fd: int32(p.near.fd), Events: unix.POLLIN},
		{Fd: int32(p.far.fd), Events: unix.POLLIN},
		{Fd: int32(p.wake), Events: unix.POLLIN},
	}
	_, err := unix.Ppoll(watched, p.timeout(), nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return os.NewSyscallError("ppoll", err)
	}
	return nil
}

// timeout is the time until a packet is due; nil if none is.
func (p *pump) timeout() *unix.Timespec {
	next, some := p.up.next()
	if other, too := p.down.next(); too && (!some || other < next) {
		next, some = other, true
	}
	if !some {
		return nil
	}
	timeout := unix.NsecToTimespec(max(0, next-p.now()))
	return &timeout
}

// collect takes what was sent into one direction.
func (p *pump) collect(from *device, d *direction, now int64) error {
	var buffer [largestPacket]byte
	for range 256 { // so that the other direction has its turn
		content, err := from.read(buffer[:])
		if err != nil {
			return fmt.Errorf("%s: %w", from.name, err)
		}
		if content == nil {
			return nil
		}
		if isIPv4(content) { // what IPv6 says to itself must not take part in the lots
			d.arrive(now, bytes.Clone(content))
		}
	}
	return nil
}

func isIPv4(content []byte) bool { return len(content) >= 20 && content[0]>>4 == 4 }

// answer does what was posted.
func (p *pump) answer(now int64) {
	var drained [8]byte
	_, _ = unix.Read(p.wake, drained[:])
	for {
		select {
		case do := <-p.posts:
			do(now)
		default:
			return
		}
	}
}

// ask has the pump's goroutine do something and waits until it has.
func (p *pump) ask(do func(now int64)) error {
	done := make(chan struct{})
	post := func(now int64) {
		do(now)
		close(done)
	}
	select {
	case p.posts <- post:
		p.nudge()
	case <-p.ended:
	}
	select {
	case <-done:
		return nil
	case <-p.ended:
		return errors.Join(errors.New("the link has ended"), p.err)
	}
}

func (p *pump) nudge() {
	_, _ = unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// close returns when nothing of it runs any more.
func (p *pump) close() error {
	close(p.stop)
	p.nudge()
	<-p.ended
	return errors.Join(p.err, unix.Close(p.wake))
}
