package record

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// running is what the files of a recording hold while it runs, all but the last second of it on the disk, and its row.
func running(tb testing.TB, codec packet.Codec) (media, index []byte, row video.Recording) {
	tb.Helper()
	b := newBench(tb)
	var made []*memory
	b.recorder.create = func(string) (storage, error) {
		made = append(made, &memory{})
		return made[len(made)-1], nil
	}
	track := b.track(formats[codec].kind, nil)
	for _, m := range flat(packets(clipOf(tb, codec), 1<<16, 5, firstMoment)) {
		b.take(track, m)
	}
	b.at(firstMoment + 5*second)
	return made[1].b, made[0].b, b.rows.started[0]
}

// Wherever the writing stops, every cluster that is whole is kept, and the length is that of what is kept.
func TestInterruptedAnywhere(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			media, _, row := running(t, codec)
			l, clusters, err := survey(&memory{b: media}, int64(len(media)))
			if err != nil || len(clusters) < 3 {
				t.Fatalf("%d clusters, %v", len(clusters), err)
			}
			cuts := []int64{0, 1, 10, l.data, l.info + 5, l.clusters - 1, l.clusters, l.clusters + 1}
			for _, c := range clusters[1:] {
				for d := int64(-16); d <= 24; d++ {
					cuts = append(cuts, c.at+d)
				}
			}
			for i := range 40 {
				cuts = append(cuts, l.clusters+int64(i)*(int64(len(media))-l.clusters)/40)
			}
			cuts = append(cuts, int64(len(media)))
			for _, tail := range []int{0, 5000} { // a power cut leaves zeros
				for _, cut := range cuts {
					file := &memory{b: append(bytes.Clone(media[:cut]), make([]byte, tail)...)}
					done, err := finish(file, int64(len(file.b)), row.Type)
					if tail > 0 && err == nil { // a last frame of zeros cannot be told from another
						blocksIn(t, file.b)
						continue
					}
					whole := 0
					for i := range clusters {
						end := int64(len(media))
						if i+1 < len(clusters) {
							end = clusters[i+1].at
						}
						if end <= cut {
							whole++
						}
					}
					if whole == 0 || tail > 0 {
						if !errors.Is(err, errNoMedia) {
							t.Fatalf("cut at %d without any media: %v", cut, err)
						}
						continue
					}
					if err != nil {
						t.Fatalf("cut at %d: %v", cut, err)
					}
					blocks := blocksIn(t, file.b)
					last := blocks[len(blocks)-1].at
					if int64(len(file.b)) != done.size || done.length <= last || done.length > last+50*time.Millisecond ||
						whole < len(clusters) && done.length != time.Duration(clusters[whole].time)*time.Millisecond {
						t.Fatalf("cut at %d: %d frames up to %s, %d bytes of %d, %s long", cut, len(blocks), last, len(file.b), done.size, done.length)
					}
					once := bytes.Clone(file.b)
					if again, err := finish(file, int64(len(file.b)), row.Type); err != nil || again != done || !bytes.Equal(once, file.b) {
						t.Fatalf("cut at %d: finished again it is another: %v, %v", cut, again, err)
					}
				}
			}
		})
	}
}

// dying is a storage whose process dies at a write.
type dying struct {
	memory
	writes int
}

func (d *dying) WriteAt(b []byte, at int64) (int, error) {
	if d.writes--; d.writes < 0 {
		n, _ := d.memory.WriteAt(b[:len(b)/2], at)
		return n, os.ErrClosed
	}
	return d.memory.WriteAt(b, at)
}

func TestFinishingIsInterrupted(t *testing.T) {
	media, _, row := running(t, packet.CodecVP8)
	want := &memory{b: bytes.Clone(media)}
	if _, err := finish(want, int64(len(media)), row.Type); err != nil {
		t.Fatal(err)
	}
	for writes := range 4 {
		file := &dying{memory: memory{b: bytes.Clone(media)}, writes: writes}
		if _, err := finish(file, int64(len(media)), row.Type); err == nil {
			t.Fatalf("finished with %d writes", writes)
		}
		if _, err := finish(&file.memory, int64(len(media)), row.Type); err != nil || !bytes.Equal(file.b, want.b) {
			t.Errorf("after %d writes and another start: %v, and the file is another", writes, err)
		}
	}
}

func TestTornIndex(t *testing.T) {
	_, index, row := running(t, packet.CodecVP8)
	index = append(index, `{"at":2000000,"wall":5}`+"\n"+`{"at":9000000,"gap":"lost","until":9900000}`+"\n"...)
	header, lines := indexIn(t, index)
	for cut := range len(index) + 1 {
		file := &memory{b: bytes.Clone(index[:cut])}
		if err := finishIndex(file, row, 3*time.Second); err != nil {
			t.Fatal(err)
		}
		gotHeader, got := indexIn(t, file.b)
		if gotHeader != header {
			t.Fatalf("cut at %d: header %+v", cut, gotHeader)
		}
		if end := got[len(got)-1]; end.End == nil || *end.End != 3e6 {
			t.Fatalf("cut at %d: ends with %+v", cut, end)
		}
		whole := min(bytes.Count(index[:cut], []byte("\n"))-1, len(lines)-1) // the last is of media that is not there
		if whole < 0 {                                                       // made anew
			whole = 1
		}
		want, _ := json.Marshal(lines[:whole])
		if have, _ := json.Marshal(got[:len(got)-1]); !bytes.Equal(have, want) {
			t.Fatalf("cut at %d: %s, want %s", cut, have, want)
		}
		once := bytes.Clone(file.b)
		if err := finishIndex(file, row, 3*time.Second); err != nil || !bytes.Equal(file.b, once) {
			t.Fatalf("cut at %d: finished again it is another: %v", cut, err)
		}
	}
}

func TestRecoverWhatThereIs(t *testing.T) {
	b := newBench(t)
	media, index, row := running(t, packet.CodecH264)
	row.Codec = "h264"
	headless, none, ended, strange := row, row, row, row
	headless.ID, none.ID, ended.ID, strange.ID = video.NewUUID(), video.NewUUID(), video.NewUUID(), "../x"
	ended.EndedAt = &row.StartedAt
	for path, content := range map[string][]byte{
		b.recorder.path(row.ID, ".mkv"):                media,
		b.recorder.path(row.ID, indexExtension):        index,
		b.recorder.path(headless.ID, ".mkv"):           media[:100],
		b.recorder.path(headless.ID, indexExtension):   index[:100],
		b.recorder.path(ended.ID, ".mkv"):              media,
		filepath.Join(filepath.Dir(b.dir), "x"+".mkv"): media,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	rows := []video.Recording{row, headless, none, ended, strange}
	if err := b.recorder.Recover(gone, rows); !errors.Is(err, context.Canceled) || b.rows.counts() != [3]int{} {
		t.Fatalf("%v, and rows were changed: %v", err, b.rows.counts())
	}
	if err := b.recorder.Recover(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.counts(); got != [3]int{0, 1, 2} {
		t.Fatalf("started, ended, failed: %v", got)
	}
	for i, id := range []string{headless.ID, none.ID} {
		if f := b.rows.failed[i]; f.ID != id || f.Status != video.RecordingFailed || f.FailedReason != "no_media" {
			t.Errorf("%+v", f)
		}
	}
	b.rows.started = []video.Recording{row}
	b.rows.failed = nil
	r := b.only()
	if r.length != 3*time.Second || !r.row.EndedAt.Equal(row.StartedAt.Add(3*time.Second)) || r.row.Status != video.RecordingProcessing {
		t.Errorf("%+v", r.row)
	}
	if got := pictures(t, r.path); !slices.Equal(got, originals(t, clipOf(t, packet.CodecH264))) {
		t.Errorf("%d pictures, which are not those of the clip", len(got))
	}
	if n := len(files(t, b.dir)); n != 3 {
		t.Errorf("%d files are left", n)
	}
}

const childDir = "ROTUNDA_RECORD_TEST_DIR"

// TestRecordingChild is the process that TestKilledProcess kills. By itself it does nothing.
func TestRecordingChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	begun := time.Now()
	clock := func() int64 { return firstMoment + int64(time.Since(begun)) }
	r, err := New(Config{Dir: dir, Rows: printer{}, Now: time.Now, Clock: clock, Space: DiskSpace, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Record(stream)
	clips := map[video.Kind]packet.Codec{video.Audio: packet.CodecOpus, video.Video: packet.CodecVP8}
	for kind, codec := range clips {
		clip := clipOf(t, codec)
		sink := s.Sink(kind)
		sink.Source(packet.Source{})
		go func() {
			from := clock()
			number := uint64(1 << 16)
			for round := range 100 {
				frames := packets(clip, number, uint32(round*len(clip.Frames))*clip.Step, from)
				for _, f := range frames {
					for _, m := range f {
						time.Sleep(time.Duration(m.Arrived - clock()))
						sink.Take(&m)
						number++
					}
					fmt.Println("took", kind, f[0].Sampled-firstMoment)
				}
				from += int64(len(clip.Frames)) * int64(clip.Step) * second / int64(clip.ClockRate)
			}
		}()
	}
	select {}
}

// printer tells the parent what the record would keep.
type printer struct{}

func (printer) RecordingStarted(r video.Recording) {
	b, _ := json.Marshal(r)
	fmt.Println("started", string(b))
}
func (printer) RecordingEnded(video.Recording)  {}
func (printer) RecordingFailed(video.Recording) {}

// A process is killed while it records. The next start finishes its files: nothing but the last second is missing.
func TestKilledProcess(t *testing.T) {
	b := newBench(t)
	child := exec.Command(os.Args[0], "-test.run", "^TestRecordingChild$")
	child.Env = append(os.Environ(), childDir+"="+b.dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	taken := make(map[video.Kind]int64) // the moment of the last frame that was taken
	first := make(map[video.Kind]int64)
	var rows []video.Recording
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var kind video.Kind
		var moment int64
		if text, ok := strings.CutPrefix(lines.Text(), "started "); ok {
			var row video.Recording
			if err := json.Unmarshal([]byte(text), &row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		} else if n, _ := fmt.Sscanf(lines.Text(), "took %s %d", &kind, &moment); n == 2 {
			if first[kind] == 0 {
				first[kind] = moment
			}
			taken[kind] = moment
		}
		if taken[video.Audio]-first[video.Audio] > 4*second && taken[video.Video]-first[video.Video] > 4*second {
			_ = child.Process.Kill()
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", err)
	}
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	if err := b.recorder.Recover(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.counts(); got != [3]int{0, 2, 0} {
		t.Fatalf("started, ended, failed: %v", got)
	}
	for _, row := range b.rows.ended {
		r := b.read(row)
		sent := time.Duration(taken[row.Type] - first[row.Type])
		t.Logf("%s: %s was sent, %s is there", row.Type, sent, r.length)
		if missing := sent - r.length; missing > time.Second {
			t.Errorf("%s of %s is missing", missing, row.Type)
		}
		if row.Type == video.Video {
			whole, got := originals(t, clipOf(t, packet.CodecVP8)), pictures(t, r.path)
			for i, sum := range got {
				if sum != whole[i%clipFrames] {
					t.Fatalf("picture %d is not what was sent", i)
				}
			}
			if len(got) != len(r.blocks) {
				t.Errorf("%d pictures of %d", len(got), len(r.blocks))
			}
		}
	}
}

// FuzzFinish finishes what anything may have left.
func FuzzFinish(f *testing.F) {
	for _, codec := range []packet.Codec{packet.CodecOpus, packet.CodecVP8} {
		media, index, _ := running(f, codec)
		f.Add(media[:min(len(media), 40<<10)], index, codec == packet.CodecOpus)
	}
	f.Fuzz(func(t *testing.T, media, index []byte, audio bool) {
		kind := video.Video
		if audio {
			kind = video.Audio
		}
		file, lines := &memory{b: bytes.Clone(media)}, &memory{b: bytes.Clone(index)}
		done, err := finish(file, int64(len(media)), kind)
		if err != nil {
			return
		}
		if done.size > int64(len(media)) || done.length < 0 {
			t.Fatalf("%+v of %d bytes", done, len(media))
		}
		if again, err := finish(file, done.size, kind); err != nil || again != done {
			t.Fatalf("finished again it is %+v, not %+v: %v", again, done, err)
		}
		if err := finishIndex(lines, video.Recording{ID: "x", StartedAt: firstWall}, done.length); err != nil {
			t.Fatal(err)
		}
	})
}
