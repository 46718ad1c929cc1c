//go:build !race

package sfu

import (
	"net"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
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

// TestVoiceAllocates holds the same for audio that tells its level, comes as RED, with losses, in a session in which not all is
// forwarded, to clients with and without RED.
func TestVoiceAllocates(t *testing.T) {
	e := newLargeRoom(t, 1, 1)
	e.stop()
	const runs, lossEvery = 1000, 10
	drain, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = drain.Close() })
	nobody := drain.LocalAddr().(*net.UDPAddr).AddrPort()
	other := newTalker(t, e, 9)
	other.say(hushed, 1)
	line := withDirection(redLine("0", 600), "sendonly")
	line.extensions = map[string]uint8{extAudioLevel: idLevel}
	p := newWire(t, e, "s", line)
	p.publish("voice", video.Lines{AudioMID: "0"})
	for _, l := range []*offeredLine{redLine("a", 0), audioLine("a", 0)} {
		v := newWire(t, e, "s", withDirection(l, "recvonly"))
		v.subscribe(video.Subscription{StreamID: "voice", Audio: true})
		v.transport.ice.chosen.Store(&path{socket: e.sockets[0], remote: nobody, name: nameOf(nobody)}) // who reads, allocates
	}
	voice := p.opus(600)
	voice.extensions = map[uint8]string{idLevel: speech}
	var sealed [][]byte
	before := []byte{0xfc}
	for i := range runs + 2*audioHistory {
		one := voice.make(false)
		if i%lossEvery != 0 {
			plain, err := wrap(one, before).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			wire, err := p.encrypt.EncryptRTP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			sealed = append(sealed, wire)
		}
		before = one.Payload
	}
	p.scratch.batch = newBatch(e)
	now := e.Now()
	receive := func() {
		now += 20e6
		p.transport.router.media.Lock()
		p.transport.receiveRTP(sealed[0], &p.scratch, now)
		p.transport.router.media.Unlock()
		p.scratch.batch.flush()
		sealed = sealed[1:]
	}
	for range 2 * audioHistory {
		receive()
	}
	stats := e.Stats()
	if n := testing.AllocsPerRun(runs/2, receive); n != 0 {
		t.Errorf("%v allocations for a packet of audio", n)
	}
	after := e.Stats()
	restored := int(after.PacketsRestored - stats.PacketsRestored)
	if sent := int(after.PacketsSent - stats.PacketsSent); restored < runs/2/lossEvery-1 || sent != 2*(runs/2+1+restored) {
		t.Errorf("%d packets sent, %d restored", sent, restored)
	}
}
