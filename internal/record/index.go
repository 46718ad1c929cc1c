package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// indexVersion is of the format, which docs/recording.md describes.
const indexVersion = 1

// maxIndex bounds what is read of an index: 24 hours with a gap a second are less.
const maxIndex = 64 << 20

// indexHeader is the first line of an index.
type indexHeader struct {
	Version       int                 `json:"version"`
	ID            string              `json:"id"`
	AccountID     video.AccountID     `json:"account_id"`
	RoomID        video.RoomID        `json:"room_id"`
	SessionID     video.SessionID     `json:"session_id"`
	ParticipantID video.ParticipantID `json:"participant_id"`
	StreamKey     string              `json:"stream_key"`
	Kind          video.Kind          `json:"kind"`
	Codec         string              `json:"codec"`
	Start         int64               `json:"start"`
}

// indexLine is any other line.
type indexLine struct {
	At    *int64    `json:"at,omitempty"`
	Wall  int64     `json:"wall,omitempty"`
	Gap   GapReason `json:"gap,omitempty"`
	Until int64     `json:"until,omitempty"`
	Size  string    `json:"size,omitempty"`
	End   *int64    `json:"end,omitempty"`
}

// GapReason says why there is no media in a span of a recording.
type GapReason string

// The reasons of gaps.
const (
	GapDisabled GapReason = "disabled" // by the owner of the stream
	GapCensored GapReason = "censored" // by a moderator
	GapLost     GapReason = "lost"     // on the way
	GapSilent   GapReason = "silent"   // nothing was sent: sound is silence, a picture stands
)

// index collects the lines that belong to a cluster in memory, and writes them after it.
type index struct {
	file    storage
	size    int64
	pending bytes.Buffer
}

func (x *index) line(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic("record: an index line cannot be encoded: " + err.Error())
	}
	x.pending.Write(b)
	x.pending.WriteByte('\n')
}

func (x *index) begin(r video.Recording) {
	x.line(indexHeader{
		Version: indexVersion, ID: r.ID, AccountID: r.AccountID, RoomID: r.RoomID, SessionID: r.SessionID, ParticipantID: r.ParticipantID,
		StreamKey: r.StreamKey, Kind: r.Type, Codec: r.Codec, Start: r.StartedAt.UnixMicro(),
	})
}

func (x *index) wall(at time.Duration, unix int64) {
	x.line(indexLine{At: micros(at), Wall: unix})
}

func (x *index) gap(from, until time.Duration, why GapReason) {
	x.line(indexLine{At: micros(from), Gap: why, Until: until.Microseconds()})
}

func (x *index) picture(at time.Duration, width, height int) {
	x.line(indexLine{At: micros(at), Size: fmt.Sprintf("%dx%d", width, height)})
}

func micros(d time.Duration) *int64 {
	us := d.Microseconds()
	return &us
}

// flush writes what is pending, in one piece.
func (x *index) flush() error {
	if x.pending.Len() == 0 {
		return nil
	}
	n, err := x.file.WriteAt(x.pending.Bytes(), x.size)
	if err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	x.size += int64(n)
	x.pending.Reset()
	return nil
}

// finishIndex ends the index of a recording that is so long: it cuts off what is torn or speaks of media that is not
// there, and says where the end is. An index that is lost is made anew from the record. It may be done again.
func finishIndex(file storage, r video.Recording, length time.Duration) error {
	b, err := io.ReadAll(io.NewSectionReader(file, 0, maxIndex))
	if err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	x := index{file: file, size: soundIndex(b, length)}
	if x.size == 0 {
		x.begin(r)
		x.wall(0, r.StartedAt.UnixMicro())
	}
	x.line(indexLine{End: micros(length)})
	// The end is written before what is torn is cut off, so that a full disk loses nothing.
	if err := x.flush(); err != nil {
		return err
	}
	if err := file.Truncate(x.size); err != nil {
		return fmt.Errorf("cut off a broken index: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("bring the index to the disk: %w", err)
	}
	return nil
}

// soundIndex returns how much of an index stands, up to its end if there is one.
func soundIndex(b []byte, length time.Duration) (size int64) {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return size
		}
		text := b[at : at+n]
		if at == 0 {
			var header indexHeader
			if json.Unmarshal(text, &header) != nil || header.Version != indexVersion || header.ID == "" {
				return 0
			}
		} else {
			var line indexLine
			if json.Unmarshal(text, &line) != nil || line.At == nil || *line.At > length.Microseconds() || line.Until > length.Microseconds() {
				return size
			}
		}
		at += n + 1
		size = int64(at)
	}
}
