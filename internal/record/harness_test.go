package record

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var stream = video.RecordedStream{
	AccountID: "a0000000-0000-4000-8000-000000000001", RoomID: "b0000000-0000-4000-8000-000000000001",
	SessionID: "c0000000-0000-4000-8000-000000000001", ParticipantID: "d0000000-0000-4000-8000-000000000001",
	StreamID: "e0000000-0000-4000-8000-000000000001", StreamKey: "self",
}

// ledger keeps what rows are told, in memory.
type ledger struct {
	mu                     sync.Mutex
	started, ended, failed []video.Recording
}

func (l *ledger) RecordingStarted(r video.Recording) { l.add(&l.started, r) }
func (l *ledger) RecordingEnded(r video.Recording)   { l.add(&l.ended, r) }
func (l *ledger) RecordingFailed(r video.Recording)  { l.add(&l.failed, r) }

func (l *ledger) add(list *[]video.Recording, r video.Recording) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*list = append(*list, r)
}

func (l *ledger) counts() [3]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return [3]int{len(l.started), len(l.ended), len(l.failed)}
}

const (
	firstMoment = int64(3600e9) // of the invented clock
	second      = int64(time.Second)
	frameTime   = second / 25
)

var firstWall = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a recorder on invented time, whose tracks are driven by hand as a session's goroutine does.
type bench struct {
	tb       testing.TB
	recorder *Recorder
	rows     *ledger
	dir      string
	clock    int64
	looked   int64
	tracks   []*track
	free     uint64 // bytes, of 100 GiB
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{tb: tb, rows: &ledger{}, dir: tb.TempDir(), clock: firstMoment, free: 50 << 30}
	r, err := New(Config{
		Dir: b.dir, Rows: b.rows,
		Now:   func() time.Time { return firstWall.Add(time.Duration(b.clock - firstMoment)) },
		Clock: func() int64 { return b.clock },
		Space: func(string) (free, total uint64, err error) { return b.free, 100 << 30, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	b.recorder = r
	return b
}

// track begins to record a kind. keyframe is told when one is wanted.
func (b *bench) track(kind video.Kind, keyframe func()) *track {
	t := newTrack(&session{recorder: b.recorder, wake: make(chan struct{}, 1)}, stream, kind)
	t.Source(packet.Source{Keyframe: keyframe})
	b.tracks = append(b.tracks, t)
	return t
}

// at moves time on, and has the tracks looked at as often as they would be.
func (b *bench) at(moment int64) {
	for b.clock < moment {
		b.clock = min(moment, b.looked+int64(lookEvery))
		if b.clock-b.looked >= int64(lookEvery) {
			b.looked = b.clock
			for _, t := range b.tracks {
				t.guarded(t.look)
			}
		}
	}
}

// take hands a packet to a track when it arrives.
func (b *bench) take(t *track, m packet.Media) {
	b.at(m.Arrived)
	t.Take(&m)
}

func (b *bench) stop() {
	for _, t := range b.tracks {
		t.guarded(t.stop)
	}
}

// only is the one recording there is, which must have ended.
func (b *bench) only() recorded {
	b.tb.Helper()
	if len(b.rows.started) != 1 || len(b.rows.ended) != 1 || len(b.rows.failed) != 0 {
		b.tb.Fatalf("started, ended, failed: %v", b.rows.counts())
	}
	return b.read(b.rows.ended[0])
}

// recorded is a recording as it is on the disk.
type recorded struct {
	row    video.Recording
	path   string
	blocks []block
	index  []indexLine
	header indexHeader
	codec  string
	format string
	length time.Duration
}

type block struct {
	at       time.Duration
	keyframe bool
	data     []byte
}

func (b *bench) read(row video.Recording) recorded {
	b.tb.Helper()
	path := b.recorder.path(row.ID, formats[packet.Codec(row.Codec)].extension)
	r := recorded{row: row, path: path, blocks: blocksOf(b.tb, path)}
	var size int64
	r.codec, r.format, r.length, size = probe(b.tb, path)
	if d := r.length - row.Duration; d < -time.Millisecond || d > time.Millisecond || size != row.SizeBytes {
		b.tb.Errorf("ffprobe sees %s and %d bytes, the row says %s and %d", r.length, size, row.Duration, row.SizeBytes)
	}
	r.header, r.index = indexOf(b.tb, b.recorder.path(row.ID, indexExtension))
	last := r.index[len(r.index)-1]
	if last.End == nil || *last.End != row.Duration.Microseconds() {
		b.tb.Errorf("the index ends with %+v", last)
	}
	r.index = r.index[:len(r.index)-1]
	return r
}

// blocksOf reads all frames of a finished file.
func blocksOf(tb testing.TB, path string) []block {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return blocksIn(tb, b)
}

func blocksIn(tb testing.TB, b []byte) []block {
	tb.Helper()
	l, ok := parseHead(b)
	if !ok {
		tb.Fatal("the file has no head")
	}
	var blocks []block
	for rest := b[l.clusters:]; len(rest) > 0; {
		_, size, head := parseElement(rest)
		cluster := rest[head : head+int(size)]
		base := int64(binary.BigEndian.Uint32(cluster[2:]))
		for inner := cluster[6:]; len(inner) > 0; {
			_, size, head := parseElement(inner)
			one := inner[head : head+int(size)]
			ms := base + int64(binary.BigEndian.Uint16(one[1:]))
			blocks = append(blocks, block{time.Duration(ms) * time.Millisecond, one[3]&0x80 != 0, one[4:]})
			inner = inner[head+int(size):]
		}
		rest = rest[head+int(size):]
	}
	return blocks
}

func indexOf(tb testing.TB, path string) (header indexHeader, lines []indexLine) {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return indexIn(tb, b)
}

func indexIn(tb testing.TB, b []byte) (header indexHeader, lines []indexLine) {
	tb.Helper()
	var err error
	scanner := bufio.NewScanner(bytes.NewReader(b))
	for n := 0; scanner.Scan(); n++ {
		if n == 0 {
			err = json.Unmarshal(scanner.Bytes(), &header)
		} else {
			var line indexLine
			err = json.Unmarshal(scanner.Bytes(), &line)
			lines = append(lines, line)
		}
		if err != nil {
			tb.Fatalf("%s: %v", scanner.Text(), err)
		}
	}
	return header, lines
}

func probe(tb testing.TB, path string) (codec, format string, length time.Duration, size int64) {
	tb.Helper()
	var seen struct {
		Streams []struct {
			CodecName string `json:"codec_name"`
		} `json:"streams"`
		Format struct {
			Name     string `json:"format_name"`
			Duration string `json:"duration"`
			Size     string `json:"size"`
		} `json:"format"`
	}
	cmd := exec.Command("ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_streams", path)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		tb.Fatalf("ffprobe (Debian package ffmpeg): %v: %s", err, complaints.String())
	}
	if err := json.Unmarshal(out, &seen); err != nil || len(seen.Streams) != 1 {
		tb.Fatalf("%v: %s", err, out)
	}
	seconds, err := strconv.ParseFloat(seen.Format.Duration, 64)
	if err != nil {
		tb.Fatalf("ffprobe knows no duration: %s", out)
	}
	size, _ = strconv.ParseInt(seen.Format.Size, 10, 64)
	return seen.Streams[0].CodecName, seen.Format.Name, time.Duration(seconds * float64(time.Second)), size
}

// pictures decodes a file, which must go without a complaint, and returns the checksum of each picture.
func pictures(tb testing.TB, path string) (sums []string) {
	tb.Helper()
	out := packettest.FFmpeg(tb, nil, "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-")
	return sumsOf(out)
}

func sumsOf(framemd5 []byte) (sums []string) {
	for line := range strings.Lines(string(framemd5)) {
		if !strings.HasPrefix(line, "#") {
			fields := strings.Split(line, ",")
			sums = append(sums, strings.TrimSpace(fields[len(fields)-1]))
		}
	}
	return sums
}

// originals are the checksums of the pictures of a clip as ffmpeg wrote it.
func originals(tb testing.TB, clip *packettest.Clip) []string {
	tb.Helper()
	return sumsOf(packettest.FFmpeg(tb, clip.File, "-i", "-", "-fps_mode", "passthrough", "-f", "framemd5", "-"))
}

// packets cuts a clip into packets which are sampled and sent evenly from a moment on, and arrive 20 ms later.
func packets(clip *packettest.Clip, number uint64, timestamp uint32, from int64) [][]packet.Media {
	cutter := packettest.NewCutter(clip, number, timestamp)
	frames := make([][]packet.Media, len(clip.Frames))
	step := int64(clip.Step) * second / int64(clip.ClockRate)
	for i, f := range clip.Frames {
		cutter.Next.Sampled = from + int64(i)*step
		cutter.Next.Arrived = cutter.Next.Sampled + 20e6
		cutter.Next.Reported = true
		frames[i] = cutter.Cut(f, clip.Step)
	}
	return frames
}

func flat(frames [][]packet.Media) []packet.Media {
	var all []packet.Media
	for _, f := range frames {
		all = append(all, f...)
	}
	return all
}

func gaps(lines []indexLine) (out []string) {
	for _, l := range lines {
		if l.Gap != "" {
			out = append(out, fmt.Sprintf("%d %s %d", *l.At, l.Gap, l.Until))
		}
	}
	return out
}

func files(tb testing.TB, dir string) []string {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		tb.Fatal(err)
	}
	return names
}

// memory is a storage that is full at a size, if that is not 0.
type memory struct {
	b    []byte
	full int
	err  error
}

func (m *memory) ReadAt(p []byte, at int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, at) }

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	end := int(at) + len(p)
	n := len(p)
	if m.full > 0 && end > m.full {
		n = max(m.full-int(at), 0)
	}
	if grow := int(at) + n - len(m.b); grow > 0 {
		m.b = append(m.b, make([]byte, grow)...)
	}
	copy(m.b[min(int(at), len(m.b)):], p[:n])
	if n < len(p) {
		return n, m.err
	}
	return n, nil
}

func (m *memory) Truncate(n int64) error {
	if n > int64(len(m.b)) {
		return io.ErrShortBuffer
	}
	m.b = m.b[:n]
	return nil
}

func (m *memory) Sync() error  { return nil }
func (m *memory) Close() error { return nil }
