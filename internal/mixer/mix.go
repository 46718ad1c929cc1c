package mixer

import (
	"errors"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	frameTime = 20 * time.Millisecond
	frameSize = 960 // samples of a frame
	behind    = 5   // frames that are made up for; what is further behind is left out
)

// Mix is the mixed sound of one session. Its methods, and those of its sources and listeners, may be called by anybody.
type Mix struct {
	engine *Engine
	codec  *opus.Library
	asks   chan func()
	stop   chan struct{}
	once   sync.Once
	done   chan struct{}

	// The rest belongs to the mix loop.
	instance     *opus.Instance
	participants []*participant
	shared       output // heard by all who are not in it
	sharing      bool   // somebody heard it in the last frame
	free         []*output
	epoch        int64 // ns
	frame        int64 // number of the one that is made next
	all          [frameSize]float32
	scratch      [frameSize]float32
	sent         Frame
}

func newMix(e *Engine) (*Mix, error) {
	instance, err := e.codec.NewInstance()
	if err != nil {
		return nil, err
	}
	m := &Mix{
		engine: e, codec: e.codec, instance: instance, epoch: e.config.Now(),
		asks: make(chan func()), stop: make(chan struct{}), done: make(chan struct{}),
	}
	m.shared = m.newOutput()
	return m, nil
}

func (m *Mix) newOutput() output {
	return output{config: m.engine.config.encoder(), counts: &m.engine.counts, idle: true}
}

// Close ends the mix, and returns when nothing runs. No listener is called afterwards.
func (m *Mix) Close() {
	m.once.Do(func() { close(m.stop) })
	<-m.done
}

// ask runs f in the mix loop.
func (m *Mix) ask(f func()) error {
	ran := make(chan struct{})
	select {
	case m.asks <- func() { defer close(ran); f() }:
		<-ran
		return nil
	case <-m.done:
		return ErrClosed
	}
}

// run is the mix loop. A panic in it ends this mix alone.
func (m *Mix) run() {
	ticker := time.NewTicker(frameTime)
	defer func() {
		if v := recover(); v != nil {
			m.engine.config.Log.Error("mix crashed", "panic", v, "stack", string(debug.Stack()))
		}
		ticker.Stop()
		_ = m.instance.Close()
		m.engine.forget(m)
		close(m.done)
	}()
	for {
		select {
		case <-m.stop:
			return
		case f := <-m.asks:
			f()
		case <-ticker.C:
			m.advance((m.engine.config.Now()-m.epoch)/int64(frameTime) + 1)
		}
	}
}

// advance makes the frames that are due. The frame of now begins at this moment.
func (m *Mix) advance(due int64) {
	if due-m.frame > behind {
		m.engine.counts.Overruns.Add(1)
		m.frame = due - 1
	}
	for ; m.frame < due; m.frame++ {
		if err := m.make(); err != nil {
			m.restart(err)
		}
	}
}

// make makes a frame.
func (m *Mix) make() error {
	clear(m.all[:])
	for _, p := range m.participants {
		broke, err := p.play(m.instance, m.frame, m.epoch, m.scratch[:])
		if err != nil {
			broke.refused = errors.Is(err, opus.ErrBroken)
			return err
		}
		if p.sounds {
			for i, v := range p.sound {
				m.all[i] += v
			}
		}
	}
	if err := m.mixShared(); err != nil {
		return err
	}
	for _, p := range m.participants {
		for _, l := range p.listeners {
			if err := m.mixFor(p, l); err != nil {
				return err
			}
		}
	}
	m.sharing = slices.ContainsFunc(m.participants, func(p *participant) bool {
		return slices.ContainsFunc(p.listeners, func(l *Listener) bool { return l.own == nil })
	})
	return nil
}

// mixShared makes the mix of all, if somebody hears it.
func (m *Mix) mixShared() error {
	var joins *Listener // somebody who hears it again
	waits, changed := false, false
	for _, p := range m.participants {
		if p.isHeard(m.frame) {
			continue
		}
		for _, l := range p.listeners {
			waits = true
			if l.own != nil {
				joins, changed = l, true
			}
			changed = changed || !l.began
		}
	}
	if !waits {
		return nil
	}
	if !m.sharing && joins != nil {
		if err := m.shared.follow(m.instance, joins.own); err != nil {
			return err
		}
	}
	return m.shared.mix(m.instance, &m.all, nil, changed)
}

// mixFor sends a listener the mix of this frame: that of all, or one of its own while it is heard itself.
func (m *Mix) mixFor(p *participant, l *Listener) error {
	if !p.isHeard(m.frame) {
		if l.own != nil {
			m.free = append(m.free, l.own)
			l.own = nil
		}
		m.send(l, &m.shared)
		return nil
	}
	changed := l.own == nil
	if changed {
		l.own = m.takeOutput()
		from := &m.shared
		if !l.began {
			fresh := m.newOutput()
			from = &fresh
		}
		if err := l.own.follow(m.instance, from); err != nil {
			return err
		}
	}
	if err := l.own.mix(m.instance, &m.all, p, changed); err != nil {
		return err
	}
	m.send(l, l.own)
	return nil
}

func (m *Mix) takeOutput() *output {
	if n := len(m.free); n > 0 {
		o := m.free[n-1]
		m.free = m.free[:n-1]
		return o
	}
	o := m.newOutput()
	return &o
}

func (m *Mix) send(l *Listener, o *output) {
	first := !l.began
	l.began = true
	if o.size == 0 {
		return
	}
	m.sent = Frame{Number: l.number, Timestamp: uint32(m.frame * frameSize), Marker: o.marker || first, Payload: o.packet[:o.size]}
	l.number++
	l.to.Send(&m.sent)
}

// restart starts libopus again after it failed. What was being heard is interrupted for a moment.
func (m *Mix) restart(cause error) {
	m.engine.counts.Restarts.Add(1)
	m.engine.config.Log.Warn("libopus is started again", "error", cause)
	instance, err := m.codec.NewInstance()
	if err != nil {
		m.engine.config.Log.Error("libopus cannot be started again", "error", err)
		return
	}
	_ = m.instance.Close()
	m.instance = instance
	m.shared.encoder, m.free = nil, nil
	for _, p := range m.participants {
		for _, s := range p.sources {
			s.source.decoder = nil
			s.source.rest()
		}
		for _, l := range p.listeners {
			if l.own != nil {
				l.own.encoder = nil
			}
		}
	}
}

// participant finds or adds one. Called in the mix loop.
func (m *Mix) participant(id video.ParticipantID) *participant {
	for _, p := range m.participants {
		if p.id == id {
			return p
		}
	}
	p := &participant{id: id, last: m.frame - linger - 1}
	m.participants = append(m.participants, p)
	return p
}

// leave lets go of a participant of whom nothing is left. Called in the mix loop.
func (m *Mix) leave(p *participant) {
	if len(p.sources) == 0 && len(p.listeners) == 0 {
		m.participants = slices.DeleteFunc(m.participants, func(other *participant) bool { return other == p })
	}
}
