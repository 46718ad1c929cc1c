package livetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Mixer keeps who is in its mixes, and mixes nothing.
type Mixer struct {
	mu     sync.Mutex
	mixes  []*Mix // that are open
	faults []error
}

// Mix is one of a Mixer's mixes. Its fields are guarded by the Mixer's mutex.
type Mix struct {
	mixer     *Mixer
	sources   []*MixSource
	listeners []*MixListener
}

// MixSource is a track in a Mix.
type MixSource struct {
	mix   *Mix
	Owner video.ParticipantID
	Leg   bool
	on    bool
	taken []uint64
}

// MixListener is somebody who hears a Mix.
type MixListener struct {
	mix   *Mix
	owner video.ParticipantID
	to    live.MixReceiver
}

// Prepare implements live.Mixer.
func (m *Mixer) Prepare() error { return nil }

// Open implements live.Mixer.
func (m *Mixer) Open() (live.Mix, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mix := &Mix{mixer: m}
	m.mixes = append(m.mixes, mix)
	return mix, nil
}

// Mixes returns those that were not closed.
func (m *Mixer) Mixes() []*Mix {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mixes)
}

// Err returns what was done against the rules, or is left over.
func (m *Mixer) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.mixes) > 0 {
		return fmt.Errorf("%d mixes are open", len(m.mixes))
	}
	return errors.Join(m.faults...)
}

func (m *Mixer) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf(format, args...))
}

// AddSource implements live.Mix.
func (x *Mix) AddSource(owner video.ParticipantID, leg bool) (live.MixSource, error) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	s := &MixSource{mix: x, Owner: owner, Leg: leg, on: true}
	x.sources = append(x.sources, s)
	return s, nil
}

// AddListener implements live.Mix.
func (x *Mix) AddListener(owner video.ParticipantID, to live.MixReceiver) (live.MixListener, error) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	l := &MixListener{x, owner, to}
	x.listeners = append(x.listeners, l)
	return l, nil
}

// Close implements live.Mix.
func (x *Mix) Close() {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	before := len(x.mixer.mixes)
	x.mixer.mixes = slices.DeleteFunc(x.mixer.mixes, func(other *Mix) bool { return other == x })
	if len(x.mixer.mixes) == before || len(x.listeners) > 0 {
		x.mixer.fault("a mix was closed twice, or with %d listeners", len(x.listeners))
	}
}

// Heard returns of whom a track is heard: its owner, and + behind it if it is a leg.
func (x *Mix) Heard() (heard []string) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	for _, s := range x.sources {
		if s.on {
			heard = append(heard, name(s.Owner, s.Leg))
		}
	}
	slices.Sort(heard)
	return heard
}

func name(owner video.ParticipantID, leg bool) string {
	if leg {
		return string(owner) + "+"
	}
	return string(owner)
}

// Listening returns who hears the mix.
func (x *Mix) Listening() (who []video.ParticipantID) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	for _, l := range x.listeners {
		who = append(who, l.owner)
	}
	return who
}

// Source implements packet.Sink.
func (s *MixSource) Source(packet.Source) {}

// Take implements packet.Sink.
func (s *MixSource) Take(m *packet.Media) {
	s.mix.mixer.mu.Lock()
	defer s.mix.mixer.mu.Unlock()
	if !s.on || !slices.Contains(s.mix.sources, s) {
		s.mix.mixer.fault("a packet of a track that is not in the mix")
	}
	s.taken = append(s.taken, m.Number)
}

// Taken returns the numbers of the packets that a participant's track brought.
func (x *Mix) Taken(owner video.ParticipantID, leg bool) (numbers []uint64) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	for _, s := range x.sources {
		if s.Owner == owner && s.Leg == leg {
			numbers = append(numbers, s.taken...)
		}
	}
	return numbers
}

// SetOn implements live.MixSource.
func (s *MixSource) SetOn(on bool) {
	s.mix.mixer.mu.Lock()
	defer s.mix.mixer.mu.Unlock()
	s.on = on
}

// Close implements live.MixSource.
func (s *MixSource) Close() {
	s.mix.mixer.mu.Lock()
	defer s.mix.mixer.mu.Unlock()
	s.mix.sources = slices.DeleteFunc(s.mix.sources, func(other *MixSource) bool { return other == s })
}

// Close implements live.MixListener.
func (l *MixListener) Close() {
	l.mix.mixer.mu.Lock()
	defer l.mix.mixer.mu.Unlock()
	l.mix.listeners = slices.DeleteFunc(l.mix.listeners, func(other *MixListener) bool { return other == l })
}
