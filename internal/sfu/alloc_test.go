//go:build !race

package sfu

import "testing"

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
