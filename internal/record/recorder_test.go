package record

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// started is a recorder on the time of a synctest bubble.
func started(t *testing.T) (*Recorder, *ledger, func() int64) {
	t.Helper()
	begun, rows := time.Now(), &ledger{}
	clock := func() int64 { return firstMoment + int64(time.Since(begun)) }
	r, err := New(Config{Dir: t.TempDir(), Rows: rows, Now: time.Now, Clock: clock, Space: DiskSpace, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r, rows, clock
}

// feed sends a clip at its pace.
func feed(sink packet.Sink, frames [][]packet.Media, clock func() int64) {
	for _, f := range frames {
		for _, m := range f {
			time.Sleep(time.Duration(m.Arrived - clock()))
			sink.Take(&m)
		}
	}
}

// Streams of a session come and go; each kind that sends has a recording, from its first frame to its last, and the session's
// end finishes what still runs.
func TestStreamsOfASession(t *testing.T) {
	clips := map[video.Kind]packet.Codec{video.Audio: packet.CodecOpus, video.Video: packet.CodecVP8}
	for _, codec := range clips {
		clipOf(t, codec) // encode outside of invented time
	}
	synctest.Test(t, func(t *testing.T) {
		r, rows, clock := started(t)
		both, mute, other := r.Record(stream), r.Record(stream), r.Record(video.RecordedStream{SessionID: "another"})
		var feeds sync.WaitGroup
		for kind, codec := range clips {
			sink := both.Sink(kind)
			sink.Source(packet.Source{})
			feeds.Go(func() { feed(sink, packets(clipOf(t, codec), 1<<16, 1, clock()), clock) })
		}
		mute.Sink(video.Video).Source(packet.Source{})
		other.Sink(video.Audio).Source(packet.Source{})
		feeds.Go(func() {
			feed(other.Sink(video.Audio), packets(clipOf(t, packet.CodecOpus), 1<<16, 1, clock()), clock)
		})
		feeds.Wait()
		mute.Gate(video.Video, GapDisabled)
		mute.Stop()
		both.Stop()
		synctest.Wait()
		if got := rows.counts(); got != [3]int{3, 2, 0} {
			t.Errorf("after the stop, started, ended, failed: %v", got)
		}
		r.SessionEnded("another")
		synctest.Wait()
		if got := rows.counts(); got != [3]int{3, 3, 0} {
			t.Errorf("after the session's end, started, ended, failed: %v", got)
		}
		for _, row := range rows.ended {
			if row.Duration != 3*time.Second || row.EndedAt.Sub(row.StartedAt) < 3*time.Second {
				t.Errorf("%s from %s to %s is %s long", row.Type, row.StartedAt, row.EndedAt, row.Duration)
			}
		}

		again := r.Record(stream) // goes on when the server stops
		again.Sink(video.Audio).Source(packet.Source{})
		feed(again.Sink(video.Audio), packets(clipOf(t, packet.CodecOpus), 1<<16, 1, clock()), clock)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := rows.counts(); got != [3]int{4, 4, 0} {
			t.Errorf("after the close, started, ended, failed: %v", got)
		}
		late := r.Record(stream)
		late.Sink(video.Audio).Source(packet.Source{})
		feed(late.Sink(video.Audio), packets(clipOf(t, packet.CodecOpus), 1<<16, 1, clock()), clock)
		late.Stop()
		r.SessionEnded(stream.SessionID)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := rows.counts(); got != [3]int{4, 4, 0} {
			t.Errorf("a closed recorder recorded: %v", got)
		}
	})
}

// stuck is a disk that does not come back from a write until it is let go.
type stuck struct {
	storage
	begun chan struct{}
	letGo chan struct{}
	once  sync.Once
}

func (s *stuck) WriteAt(b []byte, at int64) (int, error) {
	s.once.Do(func() { close(s.begun) })
	<-s.letGo
	return s.storage.WriteAt(b, at)
}

// A disk that hangs holds up neither the media path nor the session's loop, and Close not for longer than it may take.
func TestSlowDisk(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	synctest.Test(t, func(t *testing.T) {
		r, rows, clock := started(t)
		disk := &stuck{begun: make(chan struct{}), letGo: make(chan struct{})}
		r.create = func(path string) (storage, error) {
			file, err := createFile(path)
			if formats[packet.CodecVP8].extension == path[len(path)-5:] {
				disk.storage = file
				return disk, err
			}
			return file, err
		}
		s := r.Record(stream)
		sink := s.Sink(video.Video)
		sink.Source(packet.Source{})
		feed(sink, packets(clip, 1<<16, 1, clock()), clock)
		<-disk.begun
		flood := flat(packets(clip, 1<<16+1000, 1, clock()))[0]
		for range 5000 { // more than the queue holds
			flood.Number++
			sink.Take(&flood)
		}
		s.Gate(video.Video, GapDisabled)
		s.Gate(video.Video, "")
		s.Stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		if s.video.queue.dropped == 0 {
			t.Error("nothing was dropped")
		}
		close(disk.letGo)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := rows.counts(); got != [3]int{1, 1, 0} || rows.ended[0].Duration < 3*time.Second {
			t.Errorf("started, ended, failed: %v, %+v", got, rows.ended)
		}
	})
}

// Packets come from readers while the loop starts, gates and stops: for the race detector, and for what is left over.
func TestManyAtOnce(t *testing.T) {
	clip := clipOf(t, packet.CodecOpus)
	begun, rows := time.Now(), &ledger{}
	clock := func() int64 { return firstMoment + int64(time.Since(begun)) }
	r, err := New(Config{Dir: t.TempDir(), Rows: rows, Now: time.Now, Clock: clock, Space: DiskSpace, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 8 {
		of := stream
		of.SessionID = video.SessionID([]string{"one", "two"}[n%2])
		s := r.Record(of)
		sink := s.Sink(video.Audio)
		var taps sync.WaitGroup
		taps.Go(func() {
			sink.Source(packet.Source{})
			for _, m := range flat(packets(clip, 1<<16, 1, clock())) {
				m.Arrived = clock()
				sink.Take(&m)
				if m.Number%10 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
		all.Go(func() {
			for i := range 20 {
				s.Gate(video.Audio, []GapReason{"", GapCensored}[i%2])
			}
			taps.Wait()
			s.Stop()
		})
	}
	all.Wait()
	r.SessionEnded("one")
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rows.counts(); got != [3]int{8, 8, 0} {
		t.Errorf("started, ended, failed: %v", got)
	}
	for _, row := range rows.ended {
		if n := len(blocksOf(t, r.path(row.ID, ".webm"))); n != len(clip.Frames) {
			t.Errorf("%d packets of %d", n, len(clip.Frames))
		}
	}
}

// Take runs on the media path.
func TestTakeAllocatesNothing(t *testing.T) {
	b := newBench(t)
	track := b.track(video.Video, nil)
	m := flat(packets(clipOf(t, packet.CodecVP8), 1<<16, 1, firstMoment))[0]
	if n := testing.AllocsPerRun(1000, func() { track.Take(&m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for first, _ := track.queue.takeAll(); first != nil; {
		next := first.next
		track.queue.release(first)
		first = next
	}
	before := track.queue.unused
	if n := testing.AllocsPerRun(500, func() { track.Take(&m) }); n != 0 || track.queue.unused != before {
		t.Errorf("%v allocations, and slots given back are not used", n)
	}
}

func TestTooLittleSpace(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	t.Run("to begin", func(t *testing.T) {
		b := newBench(t)
		b.free = 1<<30 - 1 // 5 % of the disk would be 5 GiB
		track := b.track(video.Video, nil)
		for _, m := range flat(packets(clip, 1<<16, 5, firstMoment)) {
			b.take(track, m)
		}
		b.stop()
		if got := b.rows.counts(); got != [3]int{1, 0, 1} || len(files(t, b.dir)) != 0 {
			t.Fatalf("started, ended, failed: %v, files: %v", got, files(t, b.dir))
		}
		if row := b.rows.failed[0]; row.Status != video.RecordingFailed || row.FailedReason != "disk_full" || row.ID != b.rows.started[0].ID || row.EndedAt == nil {
			t.Errorf("%+v", row)
		}
	})
	t.Run("to go on", func(t *testing.T) {
		b := newBench(t)
		track := b.track(video.Video, nil)
		for i, f := range packets(clip, 1<<16, 5, firstMoment) {
			if i == 40 {
				b.free = 0
			}
			for _, m := range f {
				b.take(track, m)
			}
		}
		b.stop()
		if r := b.only(); r.length < 1600*time.Millisecond || r.length > 2800*time.Millisecond {
			t.Errorf("%s long", r.length)
		}
	})
	t.Run("the smaller of the defaults", func(t *testing.T) {
		b := newBench(t)
		b.recorder.config.Space = func(string) (free, total uint64, err error) { return 60 << 20, 1 << 30, nil }
		if b.recorder.low(firstMoment) {
			t.Error("6 % of a small disk are too little")
		}
		b.recorder.config.Space = func(string) (free, total uint64, err error) { return 50 << 20, 1 << 30, nil }
		if b.recorder.low(firstMoment + second/2) {
			t.Error("the disk is asked too often")
		}
		if !b.recorder.low(firstMoment + second) {
			t.Error("less than 5 % of a small disk are enough")
		}
	})
}

// Media is worth more than its index: without space for the last line of that, a recording ends all the same.
func TestFullIndex(t *testing.T) {
	b := newBench(t)
	var made []*memory
	b.recorder.create = func(string) (storage, error) {
		made = append(made, &memory{err: syscall.ENOSPC})
		return made[len(made)-1], nil
	}
	track := b.track(video.Audio, nil)
	for _, m := range flat(packets(clipOf(t, packet.CodecOpus), 1<<16, 5, firstMoment)) {
		b.take(track, m)
	}
	made[0].full = len(made[0].b)
	b.stop()
	if got := b.rows.counts(); got != [3]int{1, 1, 0} || b.rows.ended[0].Duration != 3*time.Second {
		t.Errorf("started, ended, failed: %v, %+v", got, b.rows.ended)
	}
}

// A full disk ends a recording; what is on it by then is finished in the space it has.
func TestFullDisk(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	for _, c := range []struct {
		name string
		err  error
		full int
		want [3]int
		why  string
	}{
		{"in the midst", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 120 << 10, [3]int{1, 1, 0}, ""},
		{"in the head", &os.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, 1000, [3]int{1, 0, 1}, "disk_full"},
		{"in the first cluster", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, 17 << 10, [3]int{1, 0, 1}, "no_media"},
		{"broken", &os.PathError{Op: "write", Path: "x", Err: syscall.EIO}, 1000, [3]int{1, 0, 1}, "disk_error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			var made []*memory
			b.recorder.create = func(string) (storage, error) {
				m := &memory{err: c.err}
				if made = append(made, m); len(made) == 2 {
					m.full = c.full
				}
				return m, nil
			}
			track := b.track(video.Video, nil)
			for _, m := range flat(packets(clip, 1<<16, 5, firstMoment)) {
				b.take(track, m)
			}
			b.stop()
			if got := b.rows.counts(); got != c.want {
				t.Fatalf("started, ended, failed: %v", got)
			}
			if c.why != "" {
				if got := b.rows.failed[0].FailedReason; got != c.why {
					t.Errorf("failed with %s", got)
				}
				return
			}
			row := b.rows.ended[0]
			path := b.recorder.path(row.ID, ".webm")
			for i, extension := range []string{indexExtension, ".webm"} {
				if err := os.WriteFile(b.recorder.path(row.ID, extension), made[i].b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := b.read(row)
			n := len(r.blocks)
			if n < 20 || n > 70 || !slices.Equal(pictures(t, path), originals(t, clip)[:n]) {
				t.Errorf("%d pictures, which are not the first of the clip", n)
			}
		})
	}
}

func BenchmarkTake(b *testing.B) {
	bench := newBench(b)
	track := bench.track(video.Video, nil)
	m := flat(packets(clipOf(b, packet.CodecVP8), 1<<16, 1, firstMoment))[0]
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		track.Take(&m)
		if n++; n%256 == 0 {
			b.StopTimer()
			for first, _ := track.queue.takeAll(); first != nil; {
				next := first.next
				track.queue.release(first)
				first = next
			}
			b.StartTimer()
		}
	}
}

// BenchmarkWrite is what a packet costs from the queue to the disk, at 100 packets a look.
func BenchmarkWrite(b *testing.B) {
	for _, codec := range codecs {
		b.Run(string(codec), func(b *testing.B) {
			bench := newBench(b)
			clip := clipOf(b, codec)
			track := bench.track(formats[codec].kind, nil)
			bench.tracks = nil // looked at below
			all := flat(packets(clip, 1<<16, 1, firstMoment))
			length := int64(len(clip.Frames)) * int64(clip.Step) * second / int64(clip.ClockRate)
			b.ReportAllocs()
			var bytes int64
			n := 0
			for b.Loop() {
				round, at := int64(n/len(all)), n%len(all)
				m := all[at]
				m.Number += uint64(round) * uint64(len(all))
				m.Timestamp += uint32(round) * uint32(len(clip.Frames)) * clip.Step
				m.Sampled += round * length
				m.Arrived += round * length
				bytes += int64(len(m.Payload))
				bench.clock = m.Arrived
				track.Take(&m)
				if n++; n%100 == 0 {
					track.look()
				}
			}
			b.SetBytes(bytes / int64(n))
			track.stop()
			if len(bench.rows.ended) != 1 {
				b.Fatal("nothing was recorded")
			}
		})
	}
}

// The goroutine of a session that sees the last post sees that it is the last: nothing wakes it again.
func TestLastPost(t *testing.T) {
	for range 5000 {
		s := &session{wake: make(chan struct{}, 1)}
		go s.end()
		for {
			s.mu.Lock()
			posts, ended := len(s.posts), s.ended
			s.mu.Unlock()
			if posts > 0 && !ended {
				t.Fatal("there is a last post, and the session has not ended")
			}
			if ended {
				break
			}
		}
	}
}
