//go:build !race

package sfu

import (
	"io"
	"testing"
	"time"
)

// TestForwardAllocates holds that forwarding allocates nothing, whatever the number of receivers, and recorded or not.
func TestForwardAllocates(t *testing.T) {
	for _, receivers := range []int{0, 1, 20} {
		s := newStage(t, receivers)
		s.engine.stop() // what the ticker allocates is not the packets'
		var counted counter
		if receivers == 1 {
			s.publisher.Record(stageStream, nil, &counted)
		}
		before := s.engine.Stats().PacketsSent
		const runs = 2000
		if n := testing.AllocsPerRun(runs, func() { s.next(); s.receive() }); n != 0 {
			t.Errorf("%v allocations for a packet to %d receivers", n, receivers)
		}
		if sent := s.engine.Stats().PacketsSent - before; sent != uint64((runs+1)*receivers) {
			t.Errorf("%d packets were sent to %d receivers", sent, receivers)
		}
		if receivers == 1 && counted.packets != runs+1 {
			t.Errorf("%d packets were taken", counted.packets)
		}
	}
}

// TestForwardOverTCPAllocates holds the same of a receiver over TCP: the queue keeps its room.
func TestForwardOverTCPAllocates(t *testing.T) {
	s := newStage(t, 1)
	s.engine.stop()
	arrived := make(chan int64, 1)
	d := dialer{t, s.engine}
	for _, viewer := range s.engine.transports(nil) {
		if viewer == s.publisher {
			continue
		}
		viewer.ice.chosen.Store(nil) // which is one of no check
		conn := d.checked(viewer)
		_ = conn.SetReadDeadline(time.Time{})
		go func() {
			n, _ := io.Copy(io.Discard, conn)
			arrived <- n
		}()
	}
	for range 1000 {
		s.next()
		s.receive()
	}
	if n := testing.AllocsPerRun(2000, func() { s.next(); s.receive() }); n != 0 {
		t.Errorf("%v allocations for a packet over TCP", n)
	}
	s.engine.Close()
	if n := within(t, arrived, "the end of the connection"); n < 100_000 { // the loop above leaves the writer little time
		t.Errorf("%d bytes arrived", n)
	}
}
