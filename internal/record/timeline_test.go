package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// skewed is one track of a client whose clocks are all wrong: its own against the server's, and that of the track's
// timestamps against its own. What it sends holds the true moment of sampling in its last eight bytes.
type skewed struct {
	track  *track
	rate   uint32  // of timestamps, as announced
	client float64 // how fast the client's clock runs
	rtp    float64 // how fast the track's clock runs, against the client's
	step   int64   // ns between frames
	delay  int64   // from sampling to the network
	random *rand.Rand

	number   uint64
	first    uint32 // timestamp of the start
	due      int64  // the next frame
	report   int64  // the next sender report
	keyframe bool

	// What the server knows: the last report, tied to its clock.
	reported  bool
	timestamp uint32
	at        int64
}

// link is what the tracks of one client share: the offset between its clock and the server's is the smallest of the last two
// minutes, in two parts.
type link struct {
	offsets [2]int64
	minute  int64
}

func (l *link) offset(now, seen int64) int64 {
	if m := now / (60 * second); m != l.minute {
		l.minute, l.offsets[1], l.offsets[0] = m, l.offsets[0], math.MaxInt64
	}
	l.offsets[0] = min(l.offsets[0], seen)
	return min(l.offsets[0], l.offsets[1])
}

// clientTime is the client's clock at a moment; it began at some time of its own.
func (s *skewed) clientTime(moment int64) int64 {
	return 77*second + int64(float64(moment-firstMoment)*(1+s.client))
}

func (s *skewed) timestampAt(moment int64) uint32 {
	return s.first + uint32(int64(float64(s.clientTime(moment))*(1+s.rtp)*float64(s.rate)/1e9))
}

// jitter is what the network adds: mostly little, sometimes much.
func (s *skewed) jitter() int64 { return 15e6 + int64(s.random.ExpFloat64()*12e6)%200e6 }

// next sends the next frame, and a report if one is due.
func (s *skewed) next(b *bench, l *link, loss float64) {
	moment := s.due
	s.due += s.step
	if moment >= s.report {
		s.report = moment + 2500e6 + s.random.Int64N(5*second)
		sent := s.clientTime(moment)
		arrived := moment + s.jitter()
		s.timestamp, s.at, s.reported = s.timestampAt(moment), sent+l.offset(arrived, arrived-sent), true
	}
	m := packet.Media{
		Codec: packet.CodecOpus, ClockRate: s.rate, Number: s.number, Timestamp: s.timestampAt(moment), Marker: true,
		Arrived: moment + s.delay + s.jitter(), Reported: s.reported, Payload: []byte{31 << 3}, // 20 ms
	}
	s.number++
	if s.track.kind == video.Video {
		m.Codec, m.Payload = packet.CodecVP8, []byte{0x10, 1}
		if s.keyframe {
			m.Payload = []byte{0x10, 0, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0}
			s.keyframe = false
		}
	}
	m.Payload = binary.BigEndian.AppendUint64(m.Payload, uint64(moment))
	if s.at == 0 {
		s.timestamp, s.at = m.Timestamp, m.Arrived
	}
	m.Sampled = s.at + int64(int32(m.Timestamp-s.timestamp))*second/int64(s.rate)
	if s.random.Float64() >= loss || moment == firstMoment {
		b.take(s.track, m)
	}
}

// After an hour, with the clocks of a client 100 ppm wrong against the server's and those of its tracks against each
// other, with jitter and loss, sound and picture are where they were when they were sampled.
func TestAnHourOfSkew(t *testing.T) {
	const hour, loss, ppm = 3600 * second, 0.02, 1e-6
	for _, c := range []struct{ client, audio, video float64 }{
		{100 * ppm, 100 * ppm, -100 * ppm},
		{-100 * ppm, 100 * ppm, -100 * ppm},
		{-100 * ppm, -100 * ppm, 100 * ppm},
	} {
		name := fmt.Sprintf("client %+.0f ppm, audio %+.0f ppm, video %+.0f ppm", c.client/ppm, c.audio/ppm, c.video/ppm)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			l := &link{offsets: [2]int64{math.MaxInt64, math.MaxInt64}, minute: firstMoment / (60 * second)}
			random := rand.New(rand.NewPCG(7, 8))
			audio := &skewed{rate: 48000, client: c.client, rtp: c.audio, step: 20e6, random: random, number: 1 << 16, first: 4e9, due: firstMoment, report: firstMoment + second}
			pictures := &skewed{rate: 90000, client: c.client, rtp: c.video, step: 66666666, delay: 60e6, random: random, number: 1 << 16, first: 1e9, due: firstMoment, report: firstMoment + 2*second, keyframe: true}
			audio.track = b.track(video.Audio, nil)
			pictures.track = b.track(video.Video, func() { pictures.keyframe = true })
			for audio.due < firstMoment+hour {
				if audio.due <= pictures.due {
					audio.next(b, l, loss)
				} else {
					pictures.next(b, l, loss)
				}
			}
			b.stop()
			if got := b.rows.counts(); got != [3]int{2, 2, 0} {
				t.Fatalf("started, ended, failed: %v", got)
			}
			sound, soundEnd := errorsOf(t, b, video.Audio)
			picture, pictureEnd := errorsOf(t, b, video.Video)
			between := soundEnd - pictureEnd
			t.Logf("at the end of an hour sound is %.1f ms late, pictures %.1f ms: %.1f ms apart; at worst after half a minute %.1f ms and %.1f ms late",
				ms(soundEnd), ms(pictureEnd), ms(between), ms(sound), ms(picture))
			if between.Abs() >= 40*time.Millisecond || sound.Abs() >= 60*time.Millisecond || picture.Abs() >= 60*time.Millisecond {
				t.Error("out of step")
			}
		})
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// errorsOf returns by how much the frames of a recording are later in it, by its index, than they were sampled: at worst after
// the first half minute, and on average over the last ten seconds.
func errorsOf(t *testing.T, b *bench, kind video.Kind) (worst, end time.Duration) {
	t.Helper()
	row := b.rows.ended[0]
	if row.Type != kind {
		row = b.rows.ended[1]
	}
	header, lines := indexOf(t, b.recorder.path(row.ID, indexExtension))
	at, wall := int64(0), header.Start // the newest line at or before a frame
	line := 0
	var sum, n time.Duration
	blocks := blocksOf(t, b.recorder.path(row.ID, ".webm"))
	last := blocks[len(blocks)-1].at
	for _, k := range blocks {
		for ; line < len(lines) && (lines[line].At != nil && *lines[line].At <= k.at.Microseconds()); line++ {
			if lines[line].Wall != 0 {
				at, wall = *lines[line].At, lines[line].Wall
			}
		}
		told := wall + k.at.Microseconds() - at
		truth := firstWall.UnixMicro() + (int64(binary.BigEndian.Uint64(k.data[len(k.data)-8:]))-firstMoment)/1000
		off := time.Duration(told-truth) * time.Microsecond
		if k.at > 30*time.Second && off.Abs() > worst.Abs() {
			worst = off
		}
		if last-k.at < 10*time.Second {
			sum += off
			n++
		}
	}
	if n < 100 || last < 3590*time.Second {
		t.Fatalf("%s: the last of %d frames is at %s", kind, len(blocks), last)
	}
	return worst, sum / n
}

func TestTimeline(t *testing.T) {
	const step = 20e6
	for _, c := range []struct {
		name    string
		sampled func(i int) int64 // what the tap says of frame i
		want    func(i int) int64
	}{
		{"even", func(i int) int64 { return int64(i) * step }, func(i int) int64 { return int64(i) * step }},
		{"a report tells of 50 ms less", func(i int) int64 {
			if i < 10 {
				return int64(i) * step
			}
			return int64(i)*step - 50e6
		}, func(i int) int64 {
			return int64(i)*step - min(max(int64(i)-9, 0)*step/100, 50e6)
		}},
		{"a report tells of 50 ms more", func(i int) int64 {
			if i < 10 {
				return int64(i) * step
			}
			return int64(i)*step + 50e6
		}, func(i int) int64 {
			return int64(i)*step + min(max(int64(i)-9, 0)*step/100, 50e6)
		}},
		{"a report tells of 300 ms more", func(i int) int64 {
			if i < 10 {
				return int64(i) * step
			}
			return int64(i)*step + 300e6
		}, func(i int) int64 {
			if i < 10 {
				return int64(i) * step
			}
			return int64(i)*step + 300e6
		}},
		{"a report tells of 300 ms less", func(i int) int64 {
			if i < 10 {
				return int64(i) * step
			}
			return int64(i)*step - 300e6
		}, func(i int) int64 { // stands still for as long, rather than to go back
			if i < 10 {
				return int64(i) * step
			}
			return max(9*step, int64(i)*step-300e6)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var line timeline
			for i := range 400 {
				f := packet.Frame{Timestamp: 0xfffffff0 + uint32(i)*960, ClockRate: 48000, Sampled: firstMoment + c.sampled(i)}
				if got := line.place(&f, true) - firstMoment; got != c.want(i) {
					t.Fatalf("frame %d is at %d, want %d", i, got, c.want(i))
				}
			}
		})
	}
}

// Another layer has other timestamps. What was still to be worked off stays so.
func TestTimelineAcrossLayers(t *testing.T) {
	var line timeline
	line.place(&packet.Frame{Timestamp: 0, ClockRate: 90000, Sampled: firstMoment}, false)
	first := line.place(&packet.Frame{Timestamp: 90000, ClockRate: 90000, Sampled: firstMoment + second - 100e6}, true)
	if want := firstMoment + second - 10e6; first != want {
		t.Fatalf("%d, want %d", first, want)
	}
	later := line.place(&packet.Frame{Timestamp: 12345678, ClockRate: 90000, Sampled: firstMoment + 2*second - 100e6}, false)
	if want := firstMoment + 2*second - 20e6; later != want {
		t.Errorf("%d, want %d", later-firstMoment, want-firstMoment)
	}
}

func TestReorder(t *testing.T) {
	type arrival struct {
		number uint64
		at     int64 // ms
	}
	upTo := func(from, to uint64) (all []arrival) {
		for n := from; n < to; n++ {
			all = append(all, arrival{n, 0})
		}
		return all
	}
	for _, c := range []struct {
		name     string
		arrivals []arrival
		now      int64 // ms, in the end
		want     string
	}{
		{"in order", []arrival{{70000, 0}, {70001, 1}, {70002, 2}}, 2, "70000 70001 70002"},
		{"overtaken", []arrival{{10, 0}, {12, 1}, {13, 2}, {11, 3}, {14, 4}}, 4, "10…14"},
		{"twice", []arrival{{10, 0}, {12, 1}, {12, 1}, {10, 2}, {11, 2}, {11, 2}}, 4, "10 11 12"},
		{"waiting", []arrival{{10, 0}, {12, 10}}, 509, "10"},
		{"given up", []arrival{{10, 0}, {12, 10}}, 510, "10 +1 12"},
		{"given up, then it comes", []arrival{{10, 0}, {12, 10}, {13, 600}, {11, 601}, {14, 602}}, 602, "10 +1 12 13 14"},
		{"two holes, each of its age", []arrival{{10, 0}, {12, 10}, {14, 300}}, 510, "10 +1 12"},
		{"two holes, both old", []arrival{{10, 0}, {12, 10}, {14, 300}}, 800, "10 +1 12 +1 14"},
		{"too far ahead", append([]arrival{{1, 0}}, upTo(3, 515)...), 0, "1 +1 3…514"},
		{"a jump", []arrival{{1, 0}, {3, 0}, {90000, 1}}, 1, "1 +1 3"},
		{"a jump, given up", []arrival{{1, 0}, {3, 0}, {90000, 1}, {90001, 2}}, 600, "1 +1 3 +89996 90000 90001"},
		{"begun anew", []arrival{{90000, 0}, {90002, 0}, {70000, 1}, {70001, 2}}, 2, "90000 +1 90002 70000 70001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r reorder
			var got string
			from, last := uint64(0), uint64(0)
			flush := func() {
				switch {
				case from == 0:
				case last-from > 2:
					got += fmt.Sprintf("%d…%d ", from, last)
				default:
					for n := from; n <= last; n++ {
						got += fmt.Sprintf("%d ", n)
					}
				}
				from = 0
			}
			r.deliver = func(s *slot, lost uint64) {
				if lost > 0 {
					flush()
					got += fmt.Sprintf("+%d ", lost)
				}
				if from == 0 || s.media.Number != last+1 {
					flush()
					from = s.media.Number
				}
				last = s.media.Number
			}
			late := 0
			r.late = func(*slot) { late++ }
			delivered := 0
			deliver := r.deliver
			r.deliver = func(s *slot, lost uint64) { delivered++; deliver(s, lost) }
			for _, a := range c.arrivals {
				r.add(&slot{media: packet.Media{Number: a.number, Arrived: a.at * 1e6}})
				r.expire(a.at * 1e6)
			}
			r.expire(c.now * 1e6)
			flush()
			if got != c.want+" " {
				t.Errorf("%q, want %q", got, c.want)
			}
			if delivered+late+r.held != len(c.arrivals) {
				t.Errorf("%d delivered, %d late and %d held of %d", delivered, late, r.held, len(c.arrivals))
			}
		})
	}
}
