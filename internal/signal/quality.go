package signal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// maxReportedTracks is how many tracks one report may be of.
	maxReportedTracks = 256
	// maxClientBytes is how much is kept of what a client says of itself.
	maxClientBytes = 256
	// mostCounted and mostMilliseconds are more than any client can count, or wait, between two reports.
	mostCounted      = 1 << 40
	mostMilliseconds = 120_000
	mostRate         = 100e9 // bit/s
)

type (
	reportQualityFields struct {
		Milliseconds *float64        `json:"interval_ms"`
		Path         video.Path      `json:"path"`
		RoundTrip    float64         `json:"round_trip_ms"`
		Available    float64         `json:"available_bps"`
		Tracks       []reportedTrack `json:"tracks"`
	}
	reportedTrack struct {
		StreamID  *video.StreamID  `json:"stream_id"`
		Kind      video.Kind       `json:"kind"`
		RID       string           `json:"rid"`
		LimitedBy video.Limitation `json:"limited_by"`
		Bytes     float64          `json:"bytes"`
		Packets   float64          `json:"packets"`
		Lost      float64          `json:"lost"`
		Repaired  float64          `json:"repaired"`
		Width     float64          `json:"width"`
		Height    float64          `json:"height"`
		Frames    float64          `json:"frames"`
		Freezes   float64          `json:"freezes"`
		Frozen    float64          `json:"frozen_ms"`
		Concealed float64          `json:"concealed_ms"`
		Jitter    float64          `json:"jitter_ms"`
		RoundTrip float64          `json:"round_trip_ms"`
	}
)

func (c *conn) performReportQuality(ctx context.Context, r request) error {
	fields, err := parse[reportQualityFields](r)
	if err != nil {
		return err
	}
	sample, err := fields.sample()
	if err != nil {
		return err
	}
	return c.stay.participant.ReportQuality(ctx, sample, func() { c.succeed(r, emptyReply{}) })
}

// sample checks a report. What is out of range is refused, so that a client's fault is seen and no screen shows it.
func (f *reportQualityFields) sample() (s video.QualitySample, err error) {
	if err := missing(required("/interval_ms", f.Milliseconds)); err != nil {
		return s, err
	}
	b := bounds{}
	s.Interval = b.time("/interval_ms", *f.Milliseconds)
	s.Path = oneOf(&b, "/path", f.Path, "", video.PathUDP, video.PathTCP, video.PathRelayUDP, video.PathRelayTCP, video.PathRelayTLS)
	s.RoundTrip = b.time("/round_trip_ms", f.RoundTrip)
	s.Available = b.number("/available_bps", f.Available, mostRate)
	if s.Interval < time.Second {
		b.fail("/interval_ms", "a report is of a second at least")
	}
	if len(f.Tracks) > maxReportedTracks {
		b.fail("/tracks", "a report is of %d tracks at most", maxReportedTracks)
	}
	for i := range f.Tracks {
		if b.err != nil {
			break
		}
		s.Tracks = append(s.Tracks, f.Tracks[i].check(&b, fmt.Sprintf("/tracks/%d", i)))
	}
	return s, b.err
}

func (f *reportedTrack) check(b *bounds, at string) (t video.TrackQuality) {
	if f.StreamID == nil || !video.IsUUID(string(*f.StreamID)) {
		b.fail(at+"/stream_id", "the field must be the id of a stream")
		return t
	}
	if len(f.RID) > 16 {
		b.fail(at+"/rid", "the field is longer than 16 bytes")
	}
	t.StreamID, t.Layer = *f.StreamID, strings.ToValidUTF8(f.RID, "")
	t.Kind = oneOf(b, at+"/kind", f.Kind, video.Audio, video.Video)
	t.LimitedBy = oneOf(b, at+"/limited_by", f.LimitedBy, "", video.LimitedByBandwidth, video.LimitedByCPU, video.LimitedByOther)
	for _, n := range []struct {
		name  string
		given float64
		most  float64
		into  *int64
	}{
		{"/bytes", f.Bytes, mostCounted, &t.Octets},
		{"/packets", f.Packets, mostCounted, &t.Packets},
		{"/lost", f.Lost, mostCounted, &t.Lost},
		{"/repaired", f.Repaired, mostCounted, &t.Repaired},
		{"/frames", f.Frames, mostCounted, &t.Frames},
		{"/freezes", f.Freezes, mostCounted, &t.Freezes},
		{"/width", f.Width, video.MaxPictureSide, &t.Width},
		{"/height", f.Height, video.MaxPictureSide, &t.Height},
	} {
		*n.into = b.number(at+n.name, n.given, n.most)
	}
	t.Frozen, t.Concealed = b.time(at+"/frozen_ms", f.Frozen), b.time(at+"/concealed_ms", f.Concealed)
	t.Jitter, t.RoundTrip = b.time(at+"/jitter_ms", f.Jitter), b.time(at+"/round_trip_ms", f.RoundTrip)
	return t
}

// bounds collects the first value that is out of range.
type bounds struct{ err error }

func (b *bounds) fail(at, format string, args ...any) {
	if b.err == nil {
		b.err = video.Errorf(video.CodeInvalid, format, args...).WithField(at)
	}
}

func (b *bounds) number(at string, n, most float64) int64 {
	if n < 0 || n > most {
		b.fail(at, "the number must be 0 to %.0f", most)
		return 0
	}
	return int64(n)
}

func (b *bounds) time(at string, milliseconds float64) time.Duration {
	if milliseconds < 0 || milliseconds > mostMilliseconds {
		b.fail(at, "the time must be 0 to %d ms", mostMilliseconds)
		return 0
	}
	return time.Duration(milliseconds * float64(time.Millisecond))
}

func oneOf[T ~string](b *bounds, at string, word T, words ...T) T {
	for _, w := range words {
		if w == word {
			return w
		}
	}
	b.fail(at, "the word %.32q is none of those that are known", string(word))
	return ""
}

// described shortens what a client says of itself to what is kept.
func described(s string) string {
	if len(s) > maxClientBytes {
		s = s[:maxClientBytes]
	}
	return strings.ToValidUTF8(s, "")
}
