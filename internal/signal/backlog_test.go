package signal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// names returns frames that are their own names.
func names(frames []ws.Frame) (names []string) {
	for _, f := range frames {
		names = append(names, string(f.(ws.Text)))
	}
	return names
}

func TestBacklog(t *testing.T) {
	var b backlog
	b.add(sent{0, false, ws.Text("a0")})
	b.add(sent{1, true, ws.Text("n1")})
	b.add(sent{1, false, ws.Text("a1")})
	b.add(sent{2, true, ws.Text("n2")})
	for seq, want := range map[uint64]string{0: "[a0 n1 a1 n2]", 1: "[a1 n2]", 2: "[]"} {
		frames, complete := b.since(seq)
		if got := fmt.Sprint(names(frames)); got != want || !complete {
			t.Errorf("since %d: %s, %v; want %s", seq, got, complete, want)
		}
	}
	b.heard(1)
	if frames, complete := b.since(1); fmt.Sprint(names(frames)) != "[a1 n2]" || !complete {
		t.Error("what was heard took along", frames)
	}
	if _, complete := b.since(0); complete {
		t.Error("a client is behind what it said to have heard, and nothing is missing")
	}
	b.skip(2)
	if frames, complete := b.since(2); fmt.Sprint(names(frames)) != "[]" || !complete {
		t.Error(names(frames), complete)
	}
	if got := fmt.Sprint(names(b.answers())); got != "[a1]" {
		t.Error("answers:", got)
	}
}

// Whatever was sent and dropped: what is told again is all there was since, in order, or it is said that it is not. The
// latest answers are always there.
func TestBacklogStaysWithinBounds(t *testing.T) {
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 0))
		var b backlog
		var all []sent
		seq := uint64(0)
		for range 3_000 {
			size := 1 + random.IntN(200)
			if random.IntN(100) == 0 {
				size = 100 << 10
			}
			s := sent{seq, false, make(ws.Text, size)}
			if random.IntN(3) > 0 {
				seq++
				s.seq, s.notice = seq, true
			}
			all = append(all, s)
			b.add(s)
			if len(b.frames) > backlogFrames || b.bytes > backlogBytes {
				t.Fatalf("seed %d: %d frames, %d bytes", seed, len(b.frames), b.bytes)
			}
			if random.IntN(200) == 0 {
				b.heard(seq - min(seq, random.Uint64N(20)))
			}
		}
		checkBacklog(t, seed, &b, all, seq)
	}
}

func checkBacklog(t *testing.T, seed uint64, b *backlog, all []sent, last uint64) {
	t.Helper()
	bytes := 0
	for _, s := range b.frames {
		bytes += s.frame.Size()
	}
	if bytes != b.bytes {
		t.Errorf("seed %d: %d bytes counted, %d there", seed, b.bytes, bytes)
	}
	for seq := last - min(last, 600); seq <= last; seq++ {
		var want []sent
		for _, s := range all {
			if s.notice && s.seq > seq {
				want = append(want, s)
			}
		}
		_, complete := b.since(seq)
		have := slices.DeleteFunc(slices.Clone(b.frames), func(s sent) bool { return !s.notice || s.seq <= seq })
		same := func(x, y sent) bool { return x.seq == y.seq }
		if complete && !slices.EqualFunc(want, have, same) {
			t.Fatalf("seed %d: since %d: %d notices of %d, and complete", seed, seq, len(have), len(want))
		}
	}
	if _, complete := b.since(last); !complete {
		t.Errorf("seed %d: who heard everything missed something", seed)
	}
}
