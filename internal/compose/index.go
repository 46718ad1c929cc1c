package compose

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// Index is what stands beside a recording's file: when it began, how its time runs against the wall clock, and where it has no
// media. Times in it are container times.
type Index struct {
	Start  time.Time // wall clock at container time 0
	Points []Point   // in order
	Gaps   []Gap
	End    time.Duration // 0: it was cut off
}

// Point ties a container time to the wall clock.
type Point struct {
	At   time.Duration
	Wall time.Time
}

// Gap is a span without media.
type Gap struct {
	Span

	Reason GapReason
}

// GapReason says why there is no media.
type GapReason string

const (
	GapDisabled GapReason = "disabled" // its owner switched it off
	GapCensored GapReason = "censored" // a moderator did
	GapLost     GapReason = "lost"     // it did not arrive
	GapSilent   GapReason = "silent"   // nothing was sent
)

// maxIndexLine bounds a line; the recorder's have less than 200 bytes.
const maxIndexLine = 64 << 10

var errNoIndex = errors.New("the index has no start")

// ReadIndex reads an index. A last line that was cut short is passed over, as are lines and fields it does not know.
func ReadIndex(r io.Reader) (Index, error) {
	var index Index
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxIndexLine)
	for lines.Scan() {
		var line struct {
			Start *int64    `json:"start"`
			At    *int64    `json:"at"`
			Wall  *int64    `json:"wall"`
			Gap   GapReason `json:"gap"`
			Until *int64    `json:"until"`
			End   *int64    `json:"end"`
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		switch {
		case line.Start != nil && index.Start.IsZero():
			index.Start = time.UnixMicro(*line.Start)
		case line.At != nil && line.Wall != nil:
			index.Points = append(index.Points, Point{micros(*line.At), time.UnixMicro(*line.Wall)})
		case line.At != nil && line.Gap != "" && line.Until != nil:
			index.Gaps = append(index.Gaps, Gap{Span{micros(*line.At), micros(*line.Until)}, line.Gap})
		case line.End != nil:
			index.End = micros(*line.End)
		}
	}
	if err := lines.Err(); err != nil {
		return index, err
	}
	if index.Start.IsZero() {
		return index, errNoIndex
	}
	return index, nil
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// at is the container time of a moment of the wall clock.
func (i Index) at(wall time.Time) time.Duration {
	before := Point{0, i.Start}
	for _, p := range i.Points {
		if p.Wall.After(wall) {
			if span := p.Wall.Sub(before.Wall); span > 0 {
				part := float64(wall.Sub(before.Wall)) / float64(span)
				return before.At + time.Duration(part*float64(p.At-before.At))
			}
			break
		}
		before = p
	}
	return before.At + wall.Sub(before.Wall)
}
