package compose

import (
	"fmt"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// lane is one input of ffmpeg: recordings of one codec of which the next begins after the last has ended. ffmpeg has one of its
// files open at a time.
type lane struct {
	codec  string
	from   time.Duration // of its first track
	until  time.Duration // of its last track
	tracks []int
}

// laneGap lies between two recordings of a lane, for a file that is a little longer than its index says.
const laneGap = time.Second

// lanes spreads the tracks of a kind over as few lanes as go.
func lanes(line Timeline, wanted map[int]bool) []lane {
	var all []lane
next:
	for i, t := range line.Tracks {
		if t.Recording.Type != video.Video || !wanted[i] {
			continue
		}
		for j := range all {
			if l := &all[j]; l.codec == t.Recording.Codec && l.until+laneGap <= t.From {
				l.tracks, l.until = append(l.tracks, i), t.Until
				continue next
			}
		}
		all = append(all, lane{t.Recording.Codec, t.From, t.Until, []int{i}})
	}
	return all
}

// list is the lane as ffmpeg's concat demuxer reads it. Its times count from the lane's first track.
func (l lane) list(line Timeline) string {
	var b strings.Builder
	b.WriteString("ffconcat version 1.0\n")
	for i, track := range l.tracks {
		fmt.Fprintf(&b, "file %s\n", quoted(line.Tracks[track].Path))
		if i+1 < len(l.tracks) {
			fmt.Fprintf(&b, "duration %s\n", seconds(line.Tracks[l.tracks[i+1]].From-line.Tracks[track].From))
		}
	}
	return b.String()
}

// quoted is a path as ffmpeg's scripts take it.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

// seconds writes a time for ffmpeg, which takes microseconds.
func seconds(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d.%06d", sign, d/time.Second, d%time.Second/time.Microsecond)
}
