package compose

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var (
	benchPeople  = flag.Int("people", 4, "participants of BenchmarkCompose")
	benchMinutes = flag.Int("minutes", 1, "length of BenchmarkCompose")
	benchSize    = flag.String("size", "1280x720", "pictures of BenchmarkCompose")
	benchLabels  = flag.Bool("labels", false, "labels in BenchmarkCompose")
)

// BenchmarkCompose makes a composition of 1280x720 of a call in which everybody is there and moves. It reports how many seconds are
// made in a second, how many processors it would keep busy at real time, and the memory of the largest ffmpeg.
func BenchmarkCompose(b *testing.B) {
	dir := b.TempDir()
	s := &studio{dir: dir, begin: begun, contexts: map[video.ParticipantID]string{}}
	run := func(args ...string) {
		ffmpeg(b, dir, args...)
	}
	length := time.Duration(*benchMinutes) * time.Minute
	bitrate := map[bool]string{true: "1500k", false: "500k"}[*benchSize == "1280x720"]
	for n := range *benchPeople {
		who := video.ParticipantID(fmt.Sprintf("participant %d", n))
		s.contexts[who] = string(who)
		add := func(kind video.Kind, codec string, args ...string) {
			r := video.Recording{
				ID: fmt.Sprintf("%s%d", kind, n), ParticipantID: who, StreamKey: "self", Type: kind, Codec: codec, Status: video.RecordingCompleted, StartedAt: begun,
			}
			s.recordings = append(s.recordings, r)
			run(append(args, "loop.webm")...)
			run("-stream_loop", "-1", "-i", "loop.webm", "-t", seconds(length), "-c", "copy", r.ID+".webm")
			index := fmt.Sprintf("{\"version\":1,\"start\":%d}\n{\"end\":%d}\n", begun.UnixMicro(), length.Microseconds())
			if err := os.WriteFile(filepath.Join(dir, r.ID+".index.jsonl"), []byte(index), 0o600); err != nil {
				b.Fatal(err)
			}
		}
		add(video.Video, "vp8", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%s:r=30,hue=h=%d*t,noise=alls=12:allf=t", *benchSize, 10+n), "-t", "10",
			"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", bitrate)
		add(video.Audio, "opus", "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:sample_rate=48000:samples_per_frame=960", 300+100*n), "-t", "10", "-c:a", "libopus", "-b:a", "32k")
	}
	tools, err := FindTools(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	used := func() (usage syscall.Rusage) {
		if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
			b.Fatal(err)
		}
		return usage
	}
	before := used()
	for b.Loop() {
		job := s.job(func(c *video.Composition) {
			c.Width, c.Height, c.Settings.Labels = 1280, 720, *benchLabels
		})
		r := &rendering{tools: tools, media: s, job: job, dir: b.TempDir(), progress: func(int) {}}
		done, _, err := r.render(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if len(done.Warnings) > 0 {
			b.Fatal(done.Warnings)
		}
		b.ReportMetric(done.Speed, "x-real-time")
		b.ReportMetric(float64(done.SizeBytes)/1e6, "MB")
	}
	after := used()
	spent := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(spent.Seconds()/length.Seconds()/float64(b.N), "cores-at-real-time")
	b.ReportMetric(float64(after.Maxrss)/1024, "MiB-ffmpeg")
}
