package livetest

import (
	"context"
	"slices"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Media makes transports without media. OnNegotiate, if set, runs at each offer before it is applied, and may wait or
// refuse it; NewError, if set, refuses new transports.
type Media struct {
	OnNegotiate func(ctx context.Context, participant video.ParticipantID, offer string) error
	OnPublish   func(stream video.StreamID) error
	OnClose     func(participant video.ParticipantID)
	NewError    error
	VideoCodec  string // of all streams with video

	mu         sync.Mutex
	transports []*Transport
	voices     []video.Voice
	speaking   []video.StreamID
	held       chan struct{} // SendData waits until it is closed; nil: it does not
}

// Gate names one kind of a stream.
type Gate struct {
	Stream video.StreamID
	Kind   video.Kind
}

// NewTransport implements live.Media.
func (m *Media) NewTransport(config live.TransportConfig) (live.Transport, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.NewError != nil {
		return nil, m.NewError
	}
	t := &Transport{
		media: m, config: config,
		lines: make(map[string]video.Kind), carries: make(map[string]video.StreamID),
		published: make(map[video.StreamID]video.Lines), gates: make(map[Gate]bool), taps: make(map[Gate]packet.Sink),
		mixed: make(map[video.StreamID]packet.Sink),
	}
	m.transports = append(m.transports, t)
	return t, nil
}

// Hear sets what is heard from now on, in whichever session.
func (m *Media) Hear(voices ...video.Voice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.voices = voices
}

// Voices implements live.Media: it returns what Hear set of the session's streams that are published with an open gate.
func (m *Media) Voices(session video.SessionID, into []video.Voice) []video.Voice {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.voices {
		for _, t := range m.transports {
			if t.config.Session == session && !t.closed && t.gates[Gate{v.StreamID, video.Audio}] {
				into = append(into, v)
			}
		}
	}
	return into
}

// Speaking implements live.Media.
func (m *Media) Speaking(_ video.SessionID, streams []video.StreamID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.speaking = slices.Clone(streams)
}

// Foreground returns what Speaking was told last.
func (m *Media) Foreground() []video.StreamID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.speaking)
}

// Transport returns the newest transport of a participant or viewer, or nil.
func (m *Media) Transport(participant video.ParticipantID) *Transport {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range slices.Backward(m.transports) {
		if t.config.Participant == participant {
			return t
		}
	}
	return nil
}

// Open returns how many transports are not closed.
func (m *Media) Open() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.transports {
		if !t.closed {
			n++
		}
	}
	return n
}

// All returns every transport made, in order.
func (m *Media) All() []*Transport {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.transports)
}

// HoldData has every SendData wait until the returned function is called, as if it took long.
func (m *Media) HoldData() (release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := make(chan struct{})
	m.held = held
	return func() { close(held) }
}
