package live

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Mixer mixes sound, for clients that take everybody else's in one track.
type Mixer interface {
	// Prepare does what takes long before the first mix of the process. It is called by whoever joins, and again and again.
	Prepare() error
	// Open begins a mix. It is called by a session's loop, and after Prepare returns at once.
	Open() (Mix, error)
}

// Mix is the mixed sound of a session. Its methods, and those of its sources and listeners, are called by the session loop. They may
// wait for the frame that is being made, and no longer.
type Mix interface {
	// AddSource adds a track of a participant, who never hears it. In a leg a client sends the sound of all its streams: while that is
	// on, the others of the same owner are not heard, or they would be heard twice.
	AddSource(owner video.ParticipantID, leg bool) (MixSource, error)
	// AddListener sends a participant the sound of all others.
	AddListener(owner video.ParticipantID, to MixReceiver) (MixListener, error)
	Close()
}

// MixSource is a track in a mix. SetOn says whether it is heard.
type MixSource interface {
	packet.Sink
	SetOn(on bool)
	Close()
}

// MixListener is somebody who hears a mix. When Close has returned, its receiver is not called any more.
type MixListener interface{ Close() }

// MixReceiver takes the packets of a mix: Opus at 48 kHz, numbered from 0 without gaps. It never blocks, and copies what it keeps.
type MixReceiver interface {
	SendMixed(number uint64, timestamp uint32, marker bool, payload []byte)
}

// mixing is a session's mix, which there is while somebody has a leg. It belongs to the loop.
type mixing struct {
	mix  Mix // nil: there is none
	legs int
}

// mixedLeg is how a member whose audio goes both ways takes part in the mix. It belongs to the loop.
type mixedLeg struct {
	source   MixSource
	listener MixListener // nil: it may not listen
	speaks   bool        // it may
}

// enterMix lets a member whose audio goes both ways hear the others, and be heard. The first makes the mix. It runs in the loop.
func (s *session) enterMix(m *member) {
	if !m.twoWay || s.host.config.Mixer == nil || !s.openMix() {
		return
	}
	source, err := s.mixing.mix.AddSource(m.presence.ID, true)
	if err != nil {
		s.mixFailed(err)
		s.closeMixIfUnused()
		return
	}
	m.leg = &mixedLeg{source: source}
	s.mixing.legs++
	s.tuneLeg(m)
}

// openMix makes the mix if there is none, of all that is published. It reports whether there is one.
func (s *session) openMix() bool {
	if s.mixing.mix != nil {
		return true
	}
	mix, err := s.host.config.Mixer.Open()
	if err != nil {
		s.mixFailed(err)
		return false
	}
	s.mixing.mix = mix
	for _, st := range s.streams {
		s.mixIn(st)
	}
	return true
}

// tuneLeg lets a leg be heard unless it is muted, and listen, as far as the member's grants allow or once allowed. Of a sum of streams nothing
// is heard when none of them sounds: the web client goes on sending the microphone of a stream that it removed. It runs in the loop.
func (s *session) tuneLeg(m *member) {
	l := m.leg
	if l == nil {
		return
	}
	l.speaks = l.speaks || m.grant.Grants.Publish
	on := l.speaks && !m.muted && (!m.sumsUp || slices.ContainsFunc(s.streams, func(st *stream) bool { return st.owner == m && st.AudioEnabled }))
	m.transport.Leg(l.source, on)
	l.source.SetOn(on)
	if l.listener != nil || !m.grant.Grants.Subscribe {
		return
	}
	listener, err := s.mixing.mix.AddListener(m.presence.ID, m.transport)
	if err != nil {
		s.mixFailed(err)
		return
	}
	l.listener = listener
}

// leaveMix takes a member's leg out of the mix, which ends with the last. Its transport is still open. It runs in the loop.
func (s *session) leaveMix(m *member) {
	l := m.leg
	if l == nil {
		return
	}
	m.leg = nil
	s.mixing.legs--
	m.transport.Leg(nil, false)
	if l.listener != nil {
		l.listener.Close()
	}
	l.source.Close()
	s.closeMixIfUnused()
}

func (s *session) closeMixIfUnused() {
	if s.mixing.legs == 0 {
		s.endMix()
	}
}

// endMix ends the mix, if there is one. It runs in the loop, and once more at the end of a session, which may have crashed anywhere.
func (s *session) endMix() {
	if s.mixing.mix == nil {
		return
	}
	for _, st := range s.streams {
		if st.mixed != nil {
			st.carrier.transport.Mix(st.ID, nil)
			st.mixed = nil
		}
	}
	s.mixing.mix.Close()
	s.mixing.mix = nil
}

// mixIn puts the sound of a stream into the mix, if there is one, or there again after its lines changed. It runs in the loop.
func (s *session) mixIn(st *stream) {
	if s.mixing.mix == nil {
		return
	}
	if st.lines.AudioMID == "" {
		st.mixOut()
		return
	}
	if st.mixed == nil {
		source, err := s.mixing.mix.AddSource(st.ParticipantID, false)
		if err != nil {
			s.mixFailed(err)
			return
		}
		st.mixed = source
	}
	st.mixed.SetOn(gateOf(st.AudioEnabled, st.AudioCensored) == GateOpen)
	st.carrier.transport.Mix(st.ID, st.mixed)
}

// mixOut takes the sound of a stream out of the mix, after its transport was told that the stream ended. It runs in the loop.
func (st *stream) mixOut() {
	if st.mixed != nil {
		st.mixed.Close()
		st.mixed = nil
	}
}

// mixFailed is for what only happens when the server is broken: the session goes on without.
func (s *session) mixFailed(err error) {
	s.logger.Error("sound cannot be mixed", "error", err)
}
