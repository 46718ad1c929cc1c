package sfu

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// lossInterval is how long a lost packet waits before it is asked for: it may only have been overtaken.
	lossInterval = 20 * time.Millisecond
	// tickInterval is the longest time that senders' bandwidth estimators expect between two transport-wide feedbacks.
	tickInterval = 100 * time.Millisecond
)

// ticker wakes the goroutine that does what time, not a packet, gives rise to. Each wake-up costs as much as forwarding
// ten packets, so there is none without need: every 100 ms while there are connections, every 20 ms while packets are missing, every
// 5 ms while a connection is probed, or pictures are sent to it bit by bit.
type ticker struct {
	lossy atomic.Bool   // packets are missing
	wake  chan struct{} // of one place: something is there to be done, packets are missing, or wait
	paced paced
}

func newTicker() ticker { return ticker{wake: make(chan struct{}, 1)} }

// loses says that packets are missing. It costs nothing while that is known.
func (t *ticker) loses() {
	if !t.lossy.Load() && t.lossy.CompareAndSwap(false, true) {
		t.rouse()
	}
}

func (t *ticker) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// tick does everything that time gives rise to, for all transports one after another.
func (e *Engine) tick() {
	var all, paced []*Transport
	var switched []sending
	b := newBatch(e)
	timer := time.NewTimer(tickInterval)
	defer timer.Stop()
	next := e.Now() // when the slow work is due
	quick := next   // before that, missing packets are not looked for again
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-e.ticker.wake:
			paced = e.ticker.paced.take(paced)
		case <-timer.C:
			if e.ctx.Err() != nil { // both were ready
				return
			}
			now := e.Now()
			paced = e.pace(b, paced, now)
			slow := now >= next
			if !slow && (now < quick || !e.ticker.lossy.Load()) {
				break
			}
			quick = now + int64(lossInterval)
			if slow {
				next = now + int64(tickInterval)
			}
			e.ticker.lossy.Store(false)
			missing := false
			_, shed := e.load()
			all = e.transports(all)
			for _, t := range all {
				var probing bool
				switched, probing = t.tick(b, switched[:0], now, slow, shed > 0)
				if probing && !slices.Contains(paced, t) {
					paced = append(paced, t)
				}
				missing = missing || shed == 0 && t.misses()
				t.tellLayers(switched)
				if slow {
					t.checkAlive(now)
				}
			}
			b.flush()
			if slow {
				e.limits.Store(&limits{b.limits.connections, b.limits.paused, b.limits.estimate})
				b.limits = limits{}
			}
			clear(all)
			clear(switched)
			if missing {
				e.ticker.lossy.Store(true)
			}
			if len(all) == 0 {
				continue // until there is one
			}
		}
		until := time.Duration(next - e.Now())
		if e.ticker.lossy.Load() {
			until = min(until, lossInterval)
		}
		if len(paced) > 0 {
			until = min(until, probeInterval)
		}
		timer.Reset(until)
	}
}

// pace goes on with what is sent bit by bit, and returns the connections that have more of it.
func (e *Engine) pace(b *batch, paced []*Transport, now int64) []*Transport {
	return slices.DeleteFunc(paced, func(t *Transport) bool {
		t.router.media.Lock()
		more := t.pump(b, now)
		t.router.media.Unlock()
		b.flush()
		return !more
	})
}

// tick does what time gives rise to on one connection's media. It appends the layers that are sent since the last time, and reports
// whether a probe began.
func (t *Transport) tick(b *batch, switched []sending, now int64, slow, overloaded bool) (told []sending, probing bool) {
	t.router.media.Lock()
	defer t.router.media.Unlock()
	t.sendFeedback(now, slow, overloaded)
	if !slow {
		return switched, false
	}
	for _, l := range t.in.layers {
		l.made.measure(now)
	}
	t.start(b, now)
	t.tendTaps(b, now)
	for _, tr := range t.in.tracks {
		tr.tellDemand(now)
	}
	t.sendReports(now)
	b.limits.count(t)
	probing = t.out.downlink.probe.rate == 0 && t.tendProbe(b, now)
	return t.switched(switched), probing
}

// misses reports whether packets of the client are missing.
func (t *Transport) misses() bool {
	t.router.media.Lock()
	defer t.router.media.Unlock()
	return slices.ContainsFunc(t.in.layers, func(l *layer) bool { return l.reception.Misses() })
}

// sendFeedback tells the client what of its media arrived: requests for lost packets at every tick, transport-wide feedback
// at every slow one, receiver reports every second. Called with router.media held.
func (t *Transport) sendFeedback(now int64, slow, overloaded bool) {
	var packets []rtcp.Packet
	if t.in.srtp == nil {
		return
	}
	var broken []*layer
	for _, l := range t.in.layers {
		var lost bool
		t.in.nacks, lost = l.reception.Wanted(now, t.in.nacks[:0])
		if len(t.in.nacks) > 0 && l.track.repairable() && l.repairs(now) && !overloaded { // what comes again would be lost again
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: t.ssrc, MediaSSRC: l.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(t.in.nacks),
			})
		}
		if lost {
			l.keyNumber = 0 // what follows the keyframe has a hole
		}
		if lost && (len(*l.track.sinks.Load()) > 0 || l.track.tap.Load().follows(l)) {
			broken = append(broken, l)
		}
	}
	if slow && t.in.twcc != nil {
		packets = append(packets, t.in.twcc.BuildFeedbackPacket()...)
	}
	if slow && now-t.lastReport >= reportInterval {
		t.lastReport = now
		if rr := t.receiverReport(now); len(rr.Reports) > 0 {
			packets = append([]rtcp.Packet{rr}, packets...)
		}
	}
	if len(packets) > 0 {
		t.sendRTCP(packets...)
	}
	for _, l := range broken {
		l.askKeyframe(now)
	}
}

// receiverReport is called with router.media held. A report holds 31 blocks at most (RFC 3550 section 6.4.1).
func (t *Transport) receiverReport(now int64) *rtcp.ReceiverReport {
	rr := &rtcp.ReceiverReport{SSRC: t.ssrc}
	for _, l := range t.in.layers {
		rep, ok := l.reception.Report()
		if !ok || len(rr.Reports) == 31 {
			continue
		}
		block := rtcp.ReceptionReport{
			SSRC: l.ssrc, FractionLost: rep.FractionLost, TotalLost: rep.TotalLost,
			LastSequenceNumber: rep.Highest, Jitter: rep.Jitter,
		}
		if c := l.clock.Load(); c != nil && c.reported {
			block.LastSenderReport = uint32(c.ntp >> 16)
			block.Delay = uint32((now - c.arrived) * 65536 / 1e9)
		}
		rr.Reports = append(rr.Reports, block)
	}
	return rr
}

// sendReports sends the sender reports that are due. Called with router.media held.
func (t *Transport) sendReports(now int64) {
	if t.out.sealer == nil {
		return
	}
	for _, f := range t.out.forwarders {
		t.out.report(t, f, now)
	}
}

// sending is what of a stream's video a client is being sent: a layer, or for now nothing, or again something.
type sending struct {
	stream          video.StreamID
	rid             string
	paused, resumed bool
}

// tellLayers tells upward which layers are being sent that were not before, and what is paused. It is done here and not at the switch, where
// packets wait.
func (t *Transport) tellLayers(switched []sending) {
	if len(switched) == 0 {
		return
	}
	t.told.mu.Lock()
	defer t.told.mu.Unlock()
	for _, s := range switched {
		if t.told.over {
			break
		}
		switch {
		case s.paused || s.resumed:
			t.updates.Paused(s.stream, s.paused)
		default:
			t.updates.Layer(s.stream, s.rid)
		}
	}
}

// tellDemand tells upward how many sizes of a stream's video are wanted. Called with router.media held, so that what is told last is
// what holds.
func (t *Transport) tellDemand(stream video.StreamID, layers int) {
	t.told.mu.Lock()
	defer t.told.mu.Unlock()
	if !t.told.over {
		t.updates.LayersWanted(stream, layers)
	}
}

// switched appends the layers that are sent since the last time. Called with router.media held.
func (t *Transport) switched(into []sending) []sending {
	for _, f := range t.out.forwarders {
		if f.kind == video.Video && f.paused != f.toldPaused {
			f.toldPaused = f.paused
			into = append(into, sending{stream: f.stream, paused: f.paused, resumed: !f.paused})
		}
		if f.kind != video.Video || f.current == nil || f.current == f.told {
			continue
		}
		if f.told == nil || f.told.rid != f.current.rid {
			into = append(into, sending{stream: f.stream, rid: f.current.rid})
		}
		f.told = f.current
	}
	return into
}
