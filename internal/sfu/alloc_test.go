//go:build !race

package sfu

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
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
	var mixed counter
	p.transport.Mix("voice", &mixed)
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
	if mixed.packets == 0 {
		t.Error("nothing was mixed")
	}
}

// TestMixedAllocates holds the same for the way down of a mix.
func TestMixedAllocates(t *testing.T) {
	e, w := newUnread(t)
	payload, number := make([]byte, 100), uint64(0)
	before := e.Stats().PacketsSent
	if n := testing.AllocsPerRun(1000, func() {
		w.transport.SendMixed(number, uint32(number)*960, false, payload)
		number++
	}); n != 0 {
		t.Errorf("%v allocations for a packet of a mix", n)
	}
	if sent := e.Stats().PacketsSent - before; sent != 1001 {
		t.Errorf("%d packets were sent", sent)
	}
}

// TestForwardOverTCPAllocates holds the same of a receiver over TCP: the queue keeps its room.
func TestForwardOverTCPAllocates(t *testing.T) {
	s := newStage(t, 1)
	s.engine.stop()
	var arrived atomic.Int64
	d := dialer{t, s.engine}
	for _, viewer := range s.engine.transports(nil) {
		if viewer == s.publisher {
			continue
		}
		viewer.ice.chosen.Store(nil) // which is one of no check
		conn := d.checked(viewer)
		_ = conn.SetReadDeadline(time.Time{})
		go func() {
			b := make([]byte, 64<<10)
			for {
				n, err := conn.Read(b)
				arrived.Add(int64(n))
				if err != nil {
					return
				}
			}
		}()
	}
	// Much is dropped: this sends without a pause, and leaves the connection's writer little time.
	eventually(t, "100 kB over TCP", func() bool {
		for range 100 {
			s.next()
			s.receive()
		}
		return arrived.Load() > 100_000
	})
	if n := testing.AllocsPerRun(2000, func() { s.next(); s.receive() }); n != 0 {
		t.Errorf("%v allocations for a packet over TCP", n)
	}
	s.engine.Close()
}

// TestLayersAllocate holds that reading and forwarding layered packets allocates nothing, whatever of them is left out.
func TestLayersAllocate(t *testing.T) {
	for name, codec := range map[string]codecName{"VP9": vp9, "AV1": av1} {
		s, v := newLayered(t, codec)
		s.send(true, 2)
		v.take(6)
		aimAt(v, 1, 0) // the small size and the upper temporal layer are left out
		l := (*s.wire.transport.all[0].track.order.Load())[0]
		var raw [][]byte
		for range 64 {
			for _, p := range s.picture(false) {
				b, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				raw = append(raw, b)
			}
		}
		number, _ := l.reception.Highest()
		now, next, before := s.wire.engine.Now(), 0, s.wire.engine.Stats().PacketsSent
		s.wire.burst(func() {
			p := onward{batch: s.wire.scratch.batch}
			n := testing.AllocsPerRun(len(raw)-1, func() {
				h, _ := packet.ParseHeader(raw[next])
				f, _ := l.track.format(h.PayloadType)
				number++
				if p.describe(l, f, raw[next], &h, number, now) {
					l.made.count(&p, len(raw[next]))
					p.fanOut()
				}
				next++
			})
			if n != 0 {
				t.Errorf("%v allocations for a packet of %s", n, name)
			}
		})
		if sent := s.wire.engine.Stats().PacketsSent - before; sent != uint64(len(raw)/4) {
			t.Errorf("%s: %d of %d packets were sent", name, sent, len(raw))
		}
	}
}
