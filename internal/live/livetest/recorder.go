package livetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Recorder keeps packets in memory.
type Recorder struct {
	mu         sync.Mutex
	recordings []*Recording
	ended      []video.SessionID
	faults     []error
}

// Recording is what a Recorder was given of a stream.
type Recording struct {
	Stream   video.RecordedStream
	recorder *Recorder

	// guarded by recorder.mu
	gates   map[video.Kind][]live.Gate
	media   map[video.Kind][]packet.Media
	stopped bool
}

// Record implements live.Recorder.
func (r *Recorder) Record(stream video.RecordedStream) live.StreamRecording {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.ended, stream.SessionID) {
		r.fault("a recording after the end of its session")
	}
	recording := &Recording{
		Stream: stream, recorder: r, gates: make(map[video.Kind][]live.Gate), media: make(map[video.Kind][]packet.Media),
	}
	r.recordings = append(r.recordings, recording)
	return recording
}

// SessionEnded implements live.Recorder.
func (r *Recorder) SessionEnded(session video.SessionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.ended, session) {
		r.fault("a session ended twice")
	}
	r.ended = append(r.ended, session)
	for _, recording := range r.recordings {
		if recording.Stream.SessionID == session && !recording.stopped {
			r.fault("a session ended before the recording of %s", recording.Stream.StreamKey)
		}
	}
}

func (r *Recorder) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

// Err returns what was done against the rules of a recorder, or nil. All that was begun must be over.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	faults := slices.Clone(r.faults)
	for _, recording := range r.recordings {
		if !slices.Contains(r.ended, recording.Stream.SessionID) {
			faults = append(faults, fmt.Errorf("the session of %s was never ended", recording.Stream.StreamKey))
		}
	}
	return errors.Join(faults...)
}

// Recordings returns what was recorded, in order.
func (r *Recorder) Recordings() []*Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.recordings)
}

// Running returns those that were not stopped.
func (r *Recorder) Running() (running []*Recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, recording := range r.recordings {
		if !recording.stopped {
			running = append(running, recording)
		}
	}
	return running
}

// Sink implements live.StreamRecording.
func (r *Recording) Sink(kind video.Kind) packet.Sink { return &sink{recording: r, kind: kind} }

// Gate implements live.StreamRecording.
func (r *Recording) Gate(kind video.Kind, gate live.Gate) {
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	told := r.gates[kind]
	if r.stopped || len(told) > 0 && told[len(told)-1] == gate {
		r.recorder.fault("gate %s of %s after its end, or twice", kind, r.Stream.StreamKey)
	}
	r.gates[kind] = append(told, gate)
}

// Stop implements live.StreamRecording.
func (r *Recording) Stop() {
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	if r.stopped {
		r.recorder.fault("%s was stopped twice", r.Stream.StreamKey)
	}
	r.stopped = true
}

// Gates returns what was told of a kind's gate.
func (r *Recording) Gates(kind video.Kind) []live.Gate {
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	return slices.Clone(r.gates[kind])
}

// Media returns the packets of a kind.
func (r *Recording) Media(kind video.Kind) []packet.Media {
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	return slices.Clone(r.media[kind])
}

// sink takes packets of one kind.
type sink struct {
	recording *Recording
	kind      video.Kind
	sources   int
}

// Source implements packet.Sink.
func (s *sink) Source(packet.Source) {
	s.recording.recorder.mu.Lock()
	defer s.recording.recorder.mu.Unlock()
	if s.sources++; s.sources > 1 {
		s.recording.recorder.fault("a sink has two sources")
	}
}

// Take implements packet.Sink.
func (s *sink) Take(m *packet.Media) {
	r := s.recording
	r.recorder.mu.Lock()
	defer r.recorder.mu.Unlock()
	gates := r.gates[s.kind]
	if r.stopped || s.sources != 1 || len(gates) == 0 || gates[len(gates)-1] != live.GateOpen {
		r.recorder.fault("a packet of %s before the source, with the gate closed, or after the end", r.Stream.StreamKey)
	}
	kept := *m
	kept.Payload = bytes.Clone(m.Payload)
	r.media[s.kind] = append(r.media[s.kind], kept)
}
