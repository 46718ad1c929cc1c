package compose

import (
	"cmp"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Input is a recording that can be read.
type Input struct {
	Recording video.Recording
	Name      string // of the participant, as a label shows it; may be empty
	Path      string // of the file
	Index     Index
}

// Track is an input on the composition's clock, which begins with the first recording.
type Track struct {
	Span
	Input

	Off   []Span // where nothing is shown
	Muted []Span // where its owner or a moderator silenced it
}

// Timeline says who is there when.
type Timeline struct {
	Tracks []Track // in the order they begin
	Length time.Duration
	Offset time.Duration // the largest distance between sound and picture of one stream
}

// freezeFor is how long the last picture stands when no more come, although nobody switched the camera off.
const freezeFor = 3 * time.Second

// Arrange puts inputs on one clock. They all ran by the same clock of the server, so one that began while another ran is placed by
// that one's index, whatever the wall clock did meanwhile.
func Arrange(inputs []Input) Timeline {
	inputs = slices.Clone(inputs)
	slices.SortFunc(inputs, func(a, b Input) int {
		return cmp.Or(a.Index.Start.Compare(b.Index.Start), cmp.Compare(a.Recording.ID, b.Recording.ID))
	})
	var line Timeline
	for _, input := range inputs {
		t := Track{Input: input}
		t.From = line.placeOf(input.Index.Start)
		t.Until = t.From + input.length()
		t.Off, t.Muted = silences(t)
		line.Tracks = append(line.Tracks, t)
		line.Length = max(line.Length, t.Until)
	}
	line.Offset = line.offset()
	return line
}

func (i Input) length() time.Duration {
	if i.Index.End > 0 {
		return i.Index.End
	}
	return i.Recording.Duration
}

// placeOf is the time of a moment no earlier than all starts so far: by the track that ran then, or else by the last one.
func (l *Timeline) placeOf(start time.Time) time.Duration {
	if len(l.Tracks) == 0 {
		return 0
	}
	latest := l.Tracks[0]
	for _, t := range l.Tracks[1:] {
		if t.Until > latest.Until {
			latest = t
		}
	}
	return latest.From + latest.Index.at(start)
}

func silences(t Track) (off, muted []Span) {
	for _, gap := range t.Index.Gaps {
		span := Span{t.From + gap.From, t.From + gap.Until}
		switch gap.Reason {
		case GapDisabled, GapCensored:
			muted = append(muted, span)
			off = append(off, span)
		default:
			off = append(off, Span{span.From + freezeFor, span.Until})
		}
	}
	return union(off), union(muted)
}

// offset compares where sound and picture of the same moment went.
func (l *Timeline) offset() time.Duration {
	var worst time.Duration
	for _, sound := range l.Tracks {
		if sound.Recording.Type != video.Audio {
			continue
		}
		for _, picture := range l.Tracks {
			if picture.Recording.Type != video.Video || !sameStream(sound, picture) {
				continue
			}
			for _, p := range sound.Index.Points {
				here := sound.From + p.At
				there := picture.From + picture.Index.at(p.Wall)
				if there >= picture.From && there < picture.Until {
					worst = max(worst, (here - there).Abs())
				}
			}
		}
	}
	return worst
}

func sameStream(a, b Track) bool {
	return a.Recording.ParticipantID == b.Recording.ParticipantID && a.Recording.StreamKey == b.Recording.StreamKey
}
