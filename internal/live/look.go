package live

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Look returns what a session is like now. Error: invalid_state when the session is not running.
func (h *Host) Look(ctx context.Context, room video.RoomID, session video.SessionID) (video.LiveSession, error) {
	s, err := h.running(room, session)
	if err != nil {
		return video.LiveSession{}, err
	}
	seen, err := ask(ctx, s, func() (video.LiveSession, error) { return s.look(), nil })
	return seen, notRunning(err)
}

// look runs in the loop.
func (s *session) look() video.LiveSession {
	seen := video.LiveSession{Recording: s.recording(), Participants: make([]video.LiveParticipant, 0, len(s.members))}
	published := make(map[*member][]video.LiveStream, len(s.members))
	for _, st := range s.streams {
		published[st.owner] = append(published[st.owner], video.LiveStream{
			Stream: st.Stream, HasAudio: st.lines.AudioMID != "", HasVideo: st.lines.VideoMID != "", Recorded: st.recording != nil,
		})
	}
	for _, m := range s.members {
		seen.Participants = append(seen.Participants, video.LiveParticipant{
			Participant: m.record, Watcher: m.presence.Watcher, ConnectionLost: m.presence.ConnectionLost, Muted: m.muted, Recorded: m.recorded,
			Streams:       published[m],
			Subscriptions: slices.SortedFunc(maps.Values(m.subscriptions), byStream),
		})
	}
	return seen
}

func byStream(a, b video.Subscription) int {
	return strings.Compare(string(a.StreamID), string(b.StreamID))
}
