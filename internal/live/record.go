package live

import (
	"context"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Who is recorded is a wish that the session keeps: what the room says when it opens, and then what a moderator changes. A
// stream whose owner is wanted is recorded from its publishing, or from the wish, until it ends or the wish does.

// StartRecording has participants recorded: what they publish, later too. When all are meant, those who come later are as
// well. It returns those it changed. Errors: as Mute, invalid_state when the session is
// encrypted from end to end, and unavailable when this host records nothing.
func (h *Host) StartRecording(
	ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection,
) ([]video.ParticipantID, error) {
	if h.config.Recorder == nil {
		return nil, video.Errorf(video.CodeUnavailable, "this server records nothing")
	}
	s, err := h.running(room, session)
	if err != nil {
		return nil, err
	}
	if s.record.E2EE {
		return nil, video.Errorf(video.CodeState, "the session is encrypted from end to end and cannot be recorded").WithField("/participants")
	}
	return h.wishRecorded(ctx, room, session, selection, true)
}

// StopRecording ends StartRecording, or what the room said. When all are meant, those who come later are not recorded.
func (h *Host) StopRecording(
	ctx context.Context, room video.RoomID, session video.SessionID, selection video.Selection,
) ([]video.ParticipantID, error) {
	return h.wishRecorded(ctx, room, session, selection, false)
}

func (h *Host) wishRecorded(
	ctx context.Context, room video.RoomID, id video.SessionID, selection video.Selection, recorded bool,
) ([]video.ParticipantID, error) {
	return h.moderate(ctx, room, id, selection, func(s *session, chosen []*member) (changed []video.ParticipantID) {
		if selection.All {
			s.recordAll = recorded
		}
		for _, m := range chosen {
			if m.recorded != recorded {
				s.setRecorded(m, recorded)
				changed = append(changed, m.presence.ID)
			}
		}
		s.tellRecording(nil)
		return changed
	})
}

// setRecorded runs in the loop.
func (s *session) setRecorded(m *member, recorded bool) {
	m.recorded = recorded
	for _, st := range s.streams {
		switch {
		case st.owner != m:
		case recorded:
			s.keep(st)
		default:
			st.carrier.transport.Record(st.ID, nil, nil)
			st.stopRecording()
		}
	}
	s.logger.Info("participant moderated", "participant", m.presence.ID, "recorded", recorded)
}

// keep begins to record a stream. It runs in the loop.
func (s *session) keep(st *stream) {
	s.kept = true
	st.recording = s.host.config.Recorder.Record(video.RecordedStream{
		AccountID: s.record.AccountID, RoomID: s.record.RoomID, SessionID: s.record.ID,
		ParticipantID: st.ParticipantID, StreamID: st.ID, StreamKey: st.Key,
	})
	var audio, picture packet.Sink
	if st.lines.AudioMID != "" {
		st.tellGate(video.Audio, gateOf(st.AudioEnabled, st.AudioCensored))
		audio = st.recording.Sink(video.Audio)
	}
	if st.lines.VideoMID != "" {
		st.tellGate(video.Video, gateOf(st.VideoEnabled, st.VideoCensored))
		picture = st.recording.Sink(video.Video)
	}
	st.carrier.transport.Record(st.ID, audio, picture)
}

// stopRecording ends the recording of a stream, if there is one, after its sinks were taken off. It runs in the loop.
func (st *stream) stopRecording() {
	if st.recording != nil {
		st.recording.Stop()
		st.recording, st.gates = nil, nil
	}
}

// gateOf says what keeps a kind of a stream from passing. What is off cannot be censored: that shows when it is on again.
func gateOf(enabled, censored bool) Gate {
	switch {
	case !enabled:
		return GateDisabled
	case censored:
		return GateCensored
	default:
		return GateOpen
	}
}

// tellGate tells the recording of a gate that changed.
func (st *stream) tellGate(kind video.Kind, gate Gate) {
	if st.recording == nil || st.gates[kind] == gate {
		return
	}
	if st.gates == nil {
		st.gates = make(map[video.Kind]Gate)
	}
	st.gates[kind] = gate
	st.recording.Gate(kind, gate)
}

// recording reports whether anyone is recorded, or would be who came now.
func (s *session) recording() bool {
	return s.recordAll || slices.ContainsFunc(s.members, func(m *member) bool { return m.recorded })
}

// tellRecording tells everyone but one whether the session is being recorded, if that changed.
func (s *session) tellRecording(except *member) {
	if now := s.recording(); now != s.toldRecording {
		s.toldRecording = now
		s.tell(RecordingChanged{now}, except)
	}
}
