package live

import (
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// listenInterval is how often a session with audio is listened to.
	listenInterval = 200 * time.Millisecond
	// challengeLead is how much louder than the dominant speaker another must be, in dB, to take its place while it speaks, and
	// challengeReads for how many looks in a row.
	challengeLead  = 6
	challengeReads = 3
)

// speakers is who is heard in a session. It belongs to the loop.
type speakers struct {
	listening *time.Ticker // nil while no stream has audio
	voices    []video.Voice
	told      Speakers

	challenger video.ParticipantID
	challenges int // looks in a row at which it was louder
}

// listenTo starts or ends listening, as there is audio. It runs in the loop.
func (s *session) listenTo() {
	audible := slices.ContainsFunc(s.streams, func(st *stream) bool { return st.lines.AudioMID != "" })
	switch {
	case audible && s.speakers.listening == nil:
		s.speakers.listening = time.NewTicker(listenInterval)
	case !audible:
		s.stopListening()
	}
}

func (s *session) stopListening() {
	if s.speakers.listening != nil {
		s.speakers.listening.Stop()
		s.speakers.listening = nil
	}
}

// ticks is when to listen; never without audio.
func (s *speakers) ticks() <-chan time.Time {
	if s.listening == nil {
		return nil
	}
	return s.listening.C
}

// listen looks who speaks, and tells everybody if that changed. It runs in the loop.
func (s *session) listen() {
	s.speakers.voices = s.host.config.Media.Voices(s.record.ID, s.speakers.voices[:0])
	s.tellSpeakers()
}

// tellSpeakers tells who speaks if that is not what everybody knows: of those heard at the last look, who is still here and let
// through. It runs in the loop.
func (s *session) tellSpeakers() {
	var now Speakers
	loudness := map[video.ParticipantID]int{} // of those who speak
	for _, st := range s.streams {
		i := slices.IndexFunc(s.speakers.voices, func(v video.Voice) bool { return v.StreamID == st.ID })
		if i < 0 || !s.speakers.voices[i].Speaks || !st.AudioEnabled || st.AudioCensored {
			continue
		}
		now.Streams = append(now.Streams, st.ID)
		now.Loudness = append(now.Loudness, s.speakers.voices[i].Loudness)
		loudness[st.ParticipantID] = max(loudness[st.ParticipantID], s.speakers.voices[i].Loudness)
	}
	now.Dominant = s.dominant(loudness)
	if now.Dominant == s.speakers.told.Dominant && slices.Equal(now.Streams, s.speakers.told.Streams) {
		return
	}
	s.speakers.told = now
	s.host.config.Media.Speaking(s.record.ID, s.inTheForeground(now))
	s.tell(now, nil)
}

// inTheForeground returns the streams of those who speak, and of who spoke last.
func (s *session) inTheForeground(now Speakers) []video.StreamID {
	streams := slices.Clone(now.Streams)
	for _, st := range s.streams {
		if st.ParticipantID == now.Dominant && !slices.Contains(streams, st.ID) {
			streams = append(streams, st.ID)
		}
	}
	return streams
}

// dominant decides whose picture is the large one: who speaks, and among several whoever began, until another is clearly louder for
// a while. When nobody speaks it stays with the last who did, as long as that one is here.
func (s *session) dominant(loudness map[video.ParticipantID]int) video.ParticipantID {
	of := &s.speakers
	current := of.told.Dominant
	level, speaks := loudness[current]
	var loudest video.ParticipantID
	for _, m := range s.members {
		if l, ok := loudness[m.presence.ID]; ok && (loudest == "" || l > loudness[loudest]) {
			loudest = m.presence.ID
		}
	}
	switch {
	case loudest == "" && (current == "" || s.member(current) == nil):
		return ""
	case loudest == "":
		return current
	case !speaks:
		of.challenges = 0
		return loudest
	case loudest == current || loudness[loudest] < level+challengeLead:
		of.challenges = 0
		return current
	case loudest != of.challenger:
		of.challenger, of.challenges = loudest, 0
	}
	if of.challenges++; of.challenges < challengeReads {
		return current
	}
	of.challenges = 0
	return loudest
}
