package record

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

var codecs = []packet.Codec{packet.CodecOpus, packet.CodecVP8, packet.CodecVP9, packet.CodecAV1, packet.CodecH264}

const clipFrames, keyDistance = 75, 25

func clipOf(tb testing.TB, codec packet.Codec) *packettest.Clip {
	tb.Helper()
	if codec == packet.CodecOpus {
		return packettest.Tone(tb, 150)
	}
	return packettest.Video(tb, codec, 320, 180, clipFrames, keyDistance)
}

// Numbers and timestamps wrap, packets overtake each other: every frame is in the file as it was, at its time.
func TestEveryCodecIsKeptAsItWas(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			clip := clipOf(t, codec)
			b := newBench(t)
			kind := formats[codec].kind
			var track *track
			track = b.track(kind, func() {
				if track.recording != nil {
					t.Error("a keyframe was asked for")
				}
			})
			random := rand.New(rand.NewPCG(1, 2))
			all := flat(packets(clip, 1<<17-40, 0-37*clip.Step, firstMoment))
			for i := range all[1:] { // the first packet is the first to come
				all[i+1].Arrived += random.Int64N(120e6)
			}
			slices.SortStableFunc(all, func(a, b packet.Media) int { return int(a.Arrived - b.Arrived) })
			for _, m := range all {
				b.take(track, m)
			}
			b.stop()

			r := b.only()
			step := time.Duration(clip.Step) * time.Second / time.Duration(clip.ClockRate)
			want := step * time.Duration(len(clip.Frames))
			if r.codec != string(codec) || r.length != want || len(r.blocks) != len(clip.Frames) {
				t.Errorf("%s of %s, %d frames instead of %d in %s", r.codec, r.length, len(r.blocks), len(clip.Frames), want)
			}
			for i, k := range r.blocks {
				if k.at != step*time.Duration(i) || k.keyframe != (kind == video.Audio || i%keyDistance == 0) {
					t.Fatalf("frame %d is at %s, keyframe %t", i, k.at, k.keyframe)
				}
			}
			if kind == video.Audio {
				heard(t, r, clip)
			} else if got := pictures(t, r.path); !slices.Equal(got, originals(t, clip)) {
				t.Errorf("%d pictures, which are not those of the clip", len(got))
			}
			started := firstWall
			wantRow := video.Recording{
				ID: r.row.ID, AccountID: stream.AccountID, RoomID: stream.RoomID, SessionID: stream.SessionID, ParticipantID: stream.ParticipantID,
				StreamID: stream.StreamID, StreamKey: "self", Status: video.RecordingProcessing, Type: kind, Codec: string(codec), SizeBytes: r.row.SizeBytes, Duration: want,
				StartedAt: started, EndedAt: r.row.EndedAt, CreatedAt: started, UpdatedAt: *r.row.EndedAt,
			}
			if r.row != wantRow || r.row.EndedAt.Sub(started) != time.Duration(b.clock-firstMoment).Truncate(time.Microsecond) {
				t.Errorf("row %+v", r.row)
			}
			wantHeader := indexHeader{
				1, r.row.ID, stream.AccountID, stream.RoomID, stream.SessionID, stream.ParticipantID, "self", kind, string(codec), started.UnixMicro(),
			}
			if r.header != wantHeader {
				t.Errorf("index header %+v", r.header)
			}
			if n := len(files(t, b.dir)); n != 2 {
				t.Errorf("%d files", n)
			}
		})
	}
}

// heard compares the sound of a recording with the one of the clip, but for its beginning: a clip's decoder skips some.
func heard(t *testing.T, r recorded, clip *packettest.Clip) {
	t.Helper()
	for i, k := range r.blocks {
		if !bytes.Equal(k.data, clip.Frames[i]) {
			t.Fatalf("packet %d of the sound is not what it was", i)
		}
	}
	// A tone of 440 Hz crosses zero upwards 440 times a second.
	pcm := packettest.FFmpeg(t, nil, "-i", r.path, "-ac", "1", "-f", "s16le", "-")
	rising, last := 0, int16(0)
	samples := len(pcm) / 2
	for i := range samples {
		s := int16(uint16(pcm[2*i]) | uint16(pcm[2*i+1])<<8)
		if s > 100 && last <= 0 {
			rising++
			last = s
		} else if s < -100 {
			last = s
		}
	}
	length := float64(samples) / 48000
	if hz := float64(rising) / length; hz < 436 || hz > 444 || length < 2.99 || length > 3.01 {
		t.Errorf("a tone of %.1f Hz for %.2f s", hz, length)
	}
}

// What is lost never moves what comes after it, and never shows as a broken picture.
func TestLossIsTime(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			clip := clipOf(t, codec)
			b := newBench(t)
			asked := 0
			track := b.track(formats[codec].kind, func() { asked++ })
			random := rand.New(rand.NewPCG(3, 4))
			sent := packets(clip, 1<<16, 5, firstMoment)
			lost := make(map[int]bool)
			for i, f := range sent {
				for _, m := range f {
					if i > 0 && random.Float64() < 0.05 {
						lost[i] = true
					} else {
						b.take(track, m)
					}
				}
			}
			b.at(b.clock + second)
			b.stop()
			r := b.only()
			step := time.Duration(clip.Step) * time.Second / time.Duration(clip.ClockRate)
			var want []int
			sound := true
			for i := range clip.Frames {
				audio := codec == packet.CodecOpus
				sound = !lost[i] && (audio || i%keyDistance == 0 || sound)
				if sound {
					want = append(want, i)
				}
			}
			if len(want) == len(clip.Frames) || len(want) == 0 {
				t.Fatal("the seed makes no test")
			}
			var got []int
			for _, k := range r.blocks {
				got = append(got, int(k.at/step))
				if k.at%step != 0 {
					t.Fatalf("a frame at %s", k.at)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("frames %v, want %v", got, want)
			}
			if codec == packet.CodecOpus {
				return
			}
			if asked == 0 {
				t.Error("no keyframe was asked for")
			}
			whole, some := originals(t, clip), pictures(t, r.path)
			if len(some) != len(want) {
				t.Fatalf("%d pictures of %d", len(some), len(want))
			}
			for i, n := range want {
				if some[i] != whole[n] {
					t.Fatalf("picture %d is not the clip's picture %d", i, n)
				}
			}
		})
	}
}

// Nothing can be shown before a keyframe, so one is asked for at once and again, and the recording begins with it.
func TestStartInMidst(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	b := newBench(t)
	var asked []int64
	track := b.track(video.Video, func() { asked = append(asked, b.clock) })
	for _, m := range flat(packets(clip, 1<<16, 5, firstMoment)[3:]) {
		b.take(track, m)
	}
	b.stop()
	r := b.only()
	if len(asked) < 2 || asked[0] > firstMoment+4*frameTime+int64(lookEvery) || asked[1]-asked[0] != keyframeEvery {
		t.Errorf("keyframes were asked for at %v", asked)
	}
	if len(r.blocks) != clipFrames-keyDistance || !r.row.StartedAt.Equal(firstWall.Add(time.Second)) {
		t.Errorf("%d frames from %s on", len(r.blocks), r.row.StartedAt)
	}
}

// A sender that never gives a keyframe is not made to send nothing else.
func TestKeyframesThatNeverCome(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	b := newBench(t)
	var asked []int64
	track := b.track(video.Video, func() { asked = append(asked, (b.clock-firstMoment)/int64(lookEvery)) })
	one := packets(clip, 1<<16, 5, firstMoment)[1][0]
	for i := range int64(1500) {
		m := one
		m.Number, m.Arrived, m.Timestamp = m.Number+uint64(i), firstMoment+i*frameTime, uint32(i)*clip.Step
		b.take(track, m)
	}
	b.stop()
	if want := []int64{1, 6, 16, 36, 76, 156, 236, 316, 396, 476, 556}; !slices.Equal(asked, want) {
		t.Errorf("keyframes were asked for at %v tenths of a second", asked)
	}
	if b.rows.counts() != [3]int{} || len(files(t, b.dir)) > 0 {
		t.Error("something was recorded")
	}
}

func TestSpansWithoutMedia(t *testing.T) {
	for _, c := range []struct {
		name   string
		off    int64
		skip   uint64 // numbers that are missing afterwards
		gate   bool
		closed GapReason
		want   string // the reason
	}{
		{"camera off for ten minutes", 600 * second, 0, true, GapDisabled, "disabled"},
		{"censored", 20 * second, 900, true, GapCensored, "censored"},
		{"lost", 3 * second, 70, false, "", "lost"},
		{"nothing sent", 40 * second, 0, false, "", "silent"},
		{"a short loss", second / 5, 3, false, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, codec := range []packet.Codec{packet.CodecOpus, packet.CodecVP8, packet.CodecH264} {
				clip := clipOf(t, codec)
				b := newBench(t)
				track := b.track(formats[codec].kind, nil)
				before := packets(clip, 1<<16, 5, firstMoment)
				length := int64(len(before)) * int64(clip.Step) * second / int64(clip.ClockRate)
				resumed := firstMoment + length + c.off
				after := packets(clip, before[len(before)-1][len(before[len(before)-1])-1].Number+1+c.skip,
					5+uint32((length+c.off)*int64(clip.ClockRate)/second), resumed)
				for _, m := range flat(before) {
					b.take(track, m)
				}
				if c.gate {
					b.at(b.clock + second/2)
					track.gate(c.closed)
					b.at(resumed)
					track.gate("")
				}
				for _, m := range flat(after) {
					b.take(track, m)
				}
				b.stop()
				r := b.only()
				if n := len(r.blocks); n != 2*len(clip.Frames) {
					t.Fatalf("%s: %d frames of %d", codec, n, 2*len(clip.Frames))
				}
				if at := r.blocks[len(clip.Frames)].at; at != time.Duration(length+c.off) {
					t.Errorf("%s: the first frame after it is at %s", codec, at)
				}
				want := []string(nil)
				if c.want != "" {
					want = []string{fmt.Sprintf("%d %s %d", length/1000, c.want, (length+c.off)/1000)}
				}
				if got := gaps(r.index); !slices.Equal(got, want) {
					t.Errorf("%s: gaps %v, want %v", codec, got, want)
				}
				if got := time.Duration(2*length + c.off); r.length != got {
					t.Errorf("%s: %s long, want %s", codec, r.length, got)
				}
				if codec != packet.CodecOpus {
					whole := originals(t, clip)
					if got := pictures(t, r.path); !slices.Equal(got, append(slices.Clone(whole), whole...)) {
						t.Errorf("%s: %d pictures, which are not those of the clip, twice", codec, len(got))
					}
				}
			}
		})
	}
}

// A layer has numbers and timestamps of its own. Time goes on across the switch, and the picture is what was sent.
func TestLayersAndSizes(t *testing.T) {
	for _, codec := range codecs[1:] {
		t.Run(string(codec), func(t *testing.T) {
			small, large := clipOf(t, codec), packettest.Video(t, codec, 640, 360, 20, 20)
			b := newBench(t)
			track := b.track(video.Video, nil)
			from := firstMoment
			var want []string
			for i, clip := range []*packettest.Clip{small, large, small} {
				for _, m := range flat(packets(clip, uint64(1<<16+i*31000), uint32(i)*3e9, from)) {
					m.Layer = i % 2
					b.take(track, m)
				}
				from += int64(len(clip.Frames)) * frameTime
				want = append(want, originals(t, clip)...)
			}
			b.stop()
			r := b.only()
			for i, k := range r.blocks {
				if k.at != time.Duration(int64(i)*frameTime) {
					t.Fatalf("frame %d is at %s", i, k.at)
				}
			}
			var sizes []string
			for _, l := range r.index {
				if l.Size != "" {
					sizes = append(sizes, fmt.Sprintf("%d %s", *l.At, l.Size))
				}
			}
			if w := []string{"0 320x180", "3000000 640x360", "3800000 320x180"}; !slices.Equal(sizes, w) {
				t.Errorf("sizes %v", sizes)
			}
			// ffmpeg scales what it shows to the size it began with, so packets are compared too.
			if len(r.blocks) != len(want) {
				t.Errorf("%d frames of %d", len(r.blocks), len(want))
			}
			for i := range 2 {
				same(t, codec, r.blocks[[]int{0, clipFrames}[i]:], []*packettest.Clip{small, large}[i])
			}
			if got := pictures(t, r.path); len(got) != len(want) || !slices.Equal(got[:clipFrames], want[:clipFrames]) || !slices.Equal(got[clipFrames+20:], want[:clipFrames]) {
				t.Errorf("%d pictures, which are not those of the clips", len(got))
			}
		})
	}
}

func same(t *testing.T, codec packet.Codec, blocks []block, clip *packettest.Clip) {
	t.Helper()
	var frames [][]byte
	a := packet.NewAssembler(codec)
	for _, m := range flat(packets(clip, 1, 1, 1)) {
		a.Push(&m, false, func(f *packet.Frame) { frames = append(frames, bytes.Clone(f.Data)) })
	}
	for i, f := range frames {
		if !bytes.Equal(f, blocks[i].data) {
			t.Fatalf("frame %d of the part is not what it was", i)
		}
	}
}

// A publisher that comes back goes on in the same recording, with numbers of its own.
func TestAnotherSource(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	b := newBench(t)
	track := b.track(video.Video, nil)
	for i := range 2 {
		if i > 0 {
			track.Source(packet.Source{})
		}
		for _, m := range flat(packets(clip, uint64(1<<17-i*1000), uint32(1e9*i), firstMoment+int64(i)*10*second)) {
			b.take(track, m)
		}
	}
	b.stop()
	r := b.only()
	if got := gaps(r.index); len(r.blocks) != 2*clipFrames || !slices.Equal(got, []string{"3000000 silent 10000000"}) || r.blocks[clipFrames].at != 10*time.Second {
		t.Errorf("%d frames, gaps %v", len(r.blocks), got)
	}
}

func TestAnotherCodecIsAnotherRecording(t *testing.T) {
	b := newBench(t)
	track := b.track(video.Video, nil)
	from := firstMoment
	for i, codec := range []packet.Codec{packet.CodecVP8, packet.CodecH264} {
		for _, m := range flat(packets(clipOf(t, codec), uint64(1<<16+100*i), uint32(i), from)) {
			b.take(track, m)
		}
		from += clipFrames * frameTime
	}
	b.stop()
	if got := b.rows.counts(); got != [3]int{2, 2, 0} {
		t.Fatalf("started, ended, failed: %v", got)
	}
	for i, want := range []string{"vp8", "h264"} {
		r := b.read(b.rows.ended[i])
		if r.codec != want || r.row.Codec != want || len(r.blocks) != clipFrames || !r.row.StartedAt.Equal(firstWall.Add(time.Duration(i)*3*time.Second)) {
			t.Errorf("%+v", r.row)
		}
	}
}

// Garbage on a track must not make a file that cannot be read, or take anything down.
func TestGarbage(t *testing.T) {
	for _, codec := range codecs {
		b := newBench(t)
		track := b.track(formats[codec].kind, func() {})
		random := rand.New(rand.NewPCG(5, 6))
		good := flat(packets(clipOf(t, codec), 1<<16, 5, firstMoment))
		for i := range 3000 {
			m := good[i%len(good)]
			m.Number = 1<<16 + uint64(i) + random.Uint64N(40)
			m.Timestamp = random.Uint32()
			m.Sampled += random.Int64N(1e12) - 5e11
			m.Arrived = firstMoment + int64(i)*5e6
			m.Payload = bytes.Clone(m.Payload)
			if i%2 == 0 && len(m.Payload) > 0 {
				m.Payload[random.IntN(min(len(m.Payload), 20))] ^= byte(1 << random.IntN(8))
			}
			b.take(track, m)
		}
		b.stop()
		if got := b.rows.counts(); got[0] != got[1] {
			t.Errorf("%s: started, ended, failed: %v", codec, got)
		}
		last := time.Duration(-1)
		for _, row := range b.rows.ended {
			for _, k := range blocksOf(t, b.recorder.path(row.ID, formats[codec].extension)) {
				if k.at <= last {
					t.Fatalf("%s: a frame at %s after one at %s", codec, k.at, last)
				}
				last = k.at
			}
		}
	}
}

// faulty are rows that panic.
type faulty struct{ ledger }

func (*faulty) RecordingEnded(video.Recording) { panic("as a test wants") }

// Not even a panic while a track is ended goes further.
func TestPanicAtTheEnd(t *testing.T) {
	b := newBench(t)
	b.recorder.config.Rows = &faulty{}
	track := b.track(video.Audio, nil)
	for _, m := range flat(packets(clipOf(t, packet.CodecOpus), 1<<16, 5, firstMoment)) {
		b.take(track, m)
	}
	b.stop()
	if !track.over || track.recording != nil {
		t.Error("the track goes on")
	}
}

// A panic ends the track it happens in, whose file is finished, and no other.
func TestPanicEndsOneTrack(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	b := newBench(t)
	broken, sound := b.track(video.Video, nil), b.track(video.Video, nil)
	frames, emit := 0, broken.emit
	broken.emit = func(f *packet.Frame) {
		if frames++; frames > 50 {
			panic("as a test wants")
		}
		emit(f)
	}
	for _, m := range flat(packets(clip, 1<<16, 5, firstMoment)) {
		b.take(broken, m)
		b.take(sound, m)
	}
	b.stop()
	if got := b.rows.counts(); got != [3]int{2, 2, 0} {
		t.Fatalf("started, ended, failed: %v", got)
	}
	for i, want := range []int{50, clipFrames} {
		if n := len(b.read(b.rows.ended[i]).blocks); n != want {
			t.Errorf("track %d has %d frames, want %d", i, n, want)
		}
	}
}

// Silence of which a packet comes every 400 ms only (DTX) is no gap, and nothing after it moves.
func TestSilenceThatIsNotSent(t *testing.T) {
	b := newBench(t)
	track := b.track(video.Audio, nil)
	number, at, frames := uint64(1), int64(0), 0
	send := func(step int64) {
		b.take(track, packet.Media{
			Codec: packet.CodecOpus, ClockRate: 48000, Number: number, Timestamp: uint32(at / 1000 * 48 / 1000), Marker: true, Keyframe: true,
			Payload: []byte{0xfc, 0xff, 0xfe}, Arrived: firstMoment + at, Sampled: firstMoment + at, Reported: true,
		})
		number, at, frames = number+1, at+step, frames+1
	}
	for range 50 {
		send(20e6)
	}
	for range 50 {
		send(400e6)
	}
	for range 50 {
		send(20e6)
	}
	b.stop()
	r := b.only()
	if got := gaps(r.index); len(got) != 0 || len(r.blocks) != frames {
		t.Fatalf("%d blocks of %d, gaps %v", len(r.blocks), frames, got)
	}
	if got := r.blocks[100].at; got != 21*time.Second {
		t.Errorf("what follows the silence is at %v", got)
	}
}
