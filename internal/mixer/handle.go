package mixer

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Source is a track that is heard in a mix: a [packet.Sink] for Opus.
type Source struct {
	mix    *Mix
	queue  *queue
	leg    bool
	source *source      // of the mix loop
	owner  *participant // likewise
}

var _ packet.Sink = (*Source)(nil)

// AddSource adds a track of a participant, who never hears it. It is on. A leg is a track in which a client sends the sound of all its
// streams: while a participant has one that is on, the streams of that participant are not mixed, or they would be heard twice.
func (m *Mix) AddSource(owner video.ParticipantID, leg bool) (*Source, error) {
	made := newSource(&m.engine.counts)
	s := &Source{mix: m, queue: made.queue, leg: leg, source: made}
	err := m.ask(func() {
		s.owner = m.participant(owner)
		s.owner.sources = append(s.owner.sources, s)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Source says that a track begins, which has nothing to do with the one before.
func (s *Source) Source(packet.Source) { s.queue.restart() }

// Take takes a packet. Those of other codecs are ignored.
func (s *Source) Take(m *packet.Media) { s.queue.put(m) }

// SetOn says whether the track is in the mix. One that is censored or disabled is not. It is heard no more from the
// frame on that is made after the return, in which it fades.
func (s *Source) SetOn(on bool) {
	_ = s.mix.ask(func() { s.source.on = on })
}

// Close takes the track out of the mix.
func (s *Source) Close() {
	_ = s.mix.ask(func() {
		s.owner.sources = slices.DeleteFunc(s.owner.sources, func(other *Source) bool { return other == s })
		s.source.close()
		s.mix.leave(s.owner)
	})
}

// Frame is a packet of a mix: 20 ms of Opus. There are pauses between frames while there is silence.
type Frame struct {
	Number    uint64 // from 0, without gaps
	Timestamp uint32 // in samples at 48 kHz; goes on in pauses
	Marker    bool   // the first after a pause (RFC 3551 section 4.1)
	Payload   []byte // only lent
}

// Receiver is where the mix of a listener goes. Send runs in the mix loop: it never blocks, copies what it keeps, and must not
// call the mix.
type Receiver interface {
	Send(*Frame)
}

// Listener is somebody who hears the mix.
type Listener struct {
	mix   *Mix
	owner *participant

	// The rest belongs to the mix loop.
	to     Receiver
	own    *output // nil while it hears what all hear
	began  bool    // it heard a frame
	number uint64
}

// AddListener lets a participant hear everybody but itself.
func (m *Mix) AddListener(owner video.ParticipantID, to Receiver) (*Listener, error) {
	l := &Listener{mix: m, to: to}
	err := m.ask(func() {
		l.owner = m.participant(owner)
		l.owner.listeners = append(l.owner.listeners, l)
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Close ends listening. When it has returned, nothing is sent any more.
func (l *Listener) Close() {
	_ = l.mix.ask(func() {
		l.owner.listeners = slices.DeleteFunc(l.owner.listeners, func(other *Listener) bool { return other == l })
		if l.own != nil {
			l.mix.free = append(l.mix.free, l.own)
			l.own = nil
		}
		l.mix.leave(l.owner)
	})
}
