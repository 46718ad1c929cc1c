//go:build linux

package link

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"
)

const ms = int64(time.Millisecond)

// out is a packet that came out of a direction.
type out struct {
	number uint64
	at     int64
}

// flow sends so many packets of a size into a direction, one every interval, and returns what came out and when, to the nanosecond.
func flow(d *direction, n, size int, interval int64) []out {
	return resume(d, 0, n, size, interval)
}

func resume(d *direction, from int64, n, size int, interval int64) []out {
	var got []out
	takeUntil := func(now int64) {
		for {
			next, some := d.next()
			if !some || next > now {
				return
			}
			d.take(next, func(content []byte) { got = append(got, out{binary.BigEndian.Uint64(content), next}) })
		}
	}
	for i := range n {
		at := from + int64(i)*interval
		takeUntil(at)
		content := make([]byte, size)
		binary.BigEndian.PutUint64(content, uint64(i))
		d.arrive(at, content)
	}
	takeUntil(math.MaxInt64 - 1)
	return got
}

func numbers(got []out) []uint64 {
	var all []uint64
	for _, o := range got {
		all = append(all, o.number)
	}
	return all
}

func TestNothingIsDoneToPacketsWithoutConditions(t *testing.T) {
	got := flow(newDirection(1, Up, Conditions{}), 100, 1000, ms)
	if len(got) != 100 {
		t.Fatalf("%d of 100 came", len(got))
	}
	for i, o := range got {
		if o.number != uint64(i) || o.at != int64(i)*ms {
			t.Fatalf("packet %d came at %d as number %d", o.number, o.at, i)
		}
	}
}

func TestDelayIsExact(t *testing.T) {
	for _, o := range flow(newDirection(1, Up, Conditions{Delay: 50 * time.Millisecond}), 100, 1000, ms) {
		if want := int64(o.number)*ms + 50*ms; o.at != want {
			t.Fatalf("packet %d came at %d, want %d", o.number, o.at, want)
		}
	}
}

func TestLatenessIsCounted(t *testing.T) {
	d := newDirection(1, Up, Conditions{})
	for i, wait := range []int64{0, ms, ms + 1, 5 * ms} {
		at := int64(i) * 10 * ms
		d.arrive(at, make([]byte, 100))
		d.take(at+wait, func([]byte) {})
	}
	if d.counts.Late != 2 {
		t.Errorf("%d of two late packets were counted", d.counts.Late)
	}
}

func TestJitterSpreadsDelaysAndKeepsOrder(t *testing.T) {
	got := flow(newDirection(1, Up, Conditions{Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond}), 1000, 100, 30*ms)
	if !slices.IsSorted(numbers(got)) {
		t.Error("packets overtook each other")
	}
	sum := int64(0)
	for _, o := range got {
		extra := o.at - int64(o.number)*30*ms - 10*ms
		if extra < 0 || extra > 20*ms {
			t.Fatalf("packet %d took %d ns too long", o.number, extra)
		}
		sum += extra
	}
	if mean := time.Duration(sum / 1000); mean < 9*time.Millisecond || mean > 11*time.Millisecond {
		t.Errorf("jitter is %v on average, want half of 20 ms", mean)
	}
	tight := flow(newDirection(1, Up, Conditions{Jitter: 20 * time.Millisecond}), 1000, 100, ms)
	if !slices.IsSorted(numbers(tight)) {
		t.Error("packets close to each other overtook each other")
	}
}

func TestLossIsWhatWasAskedFor(t *testing.T) {
	got := flow(newDirection(3, Down, Conditions{Loss: 0.1}), 20_000, 100, ms)
	if lost := 20_000 - len(got); lost < 1_850 || lost > 2_150 {
		t.Errorf("%d of 20000 were lost, want about 2000", lost)
	}
}

// A tenth of the time is bad, in spells of ten packets.
func TestBurstsComeInSpells(t *testing.T) {
	d := newDirection(5, Down, Conditions{Burst: Burst{Enter: 1.0 / 90, Leave: 0.1, Loss: 1}})
	got := flow(d, 50_000, 100, ms)
	lost, spells, last := 50_000-len(got), 0, uint64(math.MaxUint64)
	for _, o := range got {
		if o.number != last+1 {
			spells++
		}
		last = o.number
	}
	if lost < 4_300 || lost > 5_700 {
		t.Errorf("%d of 50000 were lost, want about 5000", lost)
	}
	if length := float64(lost) / float64(spells); length < 8.5 || length > 11.5 {
		t.Errorf("spells are %.1f packets long, want about 10", length)
	}
}

func TestRateSpacesPackets(t *testing.T) {
	// 1000 bytes at 1 Mbit/s are 8 ms.
	got := flow(newDirection(1, Up, Conditions{Rate: 1_000_000, Delay: 5 * time.Millisecond, Queue: 1 << 20}), 50, 1000, ms)
	for i, o := range got {
		if want := int64(i+1)*8*ms + 5*ms; o.at != want {
			t.Fatalf("packet %d came at %v, want %v", i, time.Duration(o.at), time.Duration(want))
		}
	}
	if len(got) != 50 {
		t.Errorf("%d of 50 came", len(got))
	}
}

func TestFullQueueDropsTheNewest(t *testing.T) {
	for name, c := range map[string]Conditions{
		"bytes":   {Rate: 1_000_000, Queue: 10_000},
		"time":    {Rate: 1_000_000, QueueTime: 80 * time.Millisecond},
		"default": {Rate: 400_000}, // 200 ms of it are 10,000 bytes
	} {
		d := newDirection(1, Up, c)
		got := flow(d, 30, 1000, 0)
		if want := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(numbers(got), want) {
			t.Errorf("%s: %v came, want %v", name, numbers(got), want)
		}
		if d.counts.Overflown != 20 || d.counts.Passed != 10 || d.counts.Came != 30 || d.counts.Bytes != 10_000 {
			t.Errorf("%s: counts are %+v", name, d.counts)
		}
	}
}

func TestRateChangesWhileAPacketIsSent(t *testing.T) {
	d := newDirection(1, Up, Conditions{Rate: 1_000_000, Queue: 1 << 20})
	d.arrive(0, make([]byte, 1000)) // 8 ms
	d.arrive(0, make([]byte, 1000))
	d.change(4*ms, Conditions{Rate: 100_000, Queue: 1 << 20}) // half of the first is left: 40 ms
	if got := d.backlog(4 * ms); got != 120*time.Millisecond {
		t.Errorf("backlog is %v, want 120ms", got)
	}
	var at []int64
	for next, some := d.next(); some; next, some = d.next() {
		d.take(next, func([]byte) { at = append(at, next) })
	}
	if want := []int64{44 * ms, 124 * ms}; !slices.Equal(at, want) {
		t.Errorf("packets came at %v, want %v", at, want)
	}
}

func TestLimitEndsWhilePacketsWait(t *testing.T) {
	d := newDirection(1, Up, Conditions{Rate: 1000})
	d.arrive(0, make([]byte, 1000))
	d.arrive(0, make([]byte, 1000))
	d.change(ms, Conditions{})
	n := 0
	d.take(ms, func([]byte) { n++ })
	if n != 1 { // the second found the queue full
		t.Errorf("%d packets came, want 1", n)
	}
}

func TestOutageLosesWhatWaitsAndWhatComes(t *testing.T) {
	c := Conditions{Rate: 1_000_000, Delay: 20 * time.Millisecond, Queue: 1 << 20}
	d := newDirection(1, Up, c)
	for range 5 {
		d.arrive(0, make([]byte, 1000))
	}
	out := c
	out.Outage = true
	d.change(17*ms, out) // two have been sent, and fly
	d.arrive(18*ms, make([]byte, 1000))
	d.change(19*ms, c)
	got := resume(d, 19*ms, 1, 1000, 0)
	if len(got) != 3 {
		t.Fatalf("%d packets came, want two from before and one from after", len(got))
	}
	if got[0].at != 28*ms || got[1].at != 36*ms || got[2].at != 47*ms {
		t.Errorf("packets came at %v", got)
	}
	if d.counts.Lost != 4 {
		t.Errorf("%d were counted as lost, want 4", d.counts.Lost)
	}
}

func TestReorderLetsOthersOvertake(t *testing.T) {
	got := flow(newDirection(2, Up, Conditions{Reorder: 0.1, Late: 5 * time.Millisecond, Delay: time.Millisecond}), 1000, 100, ms)
	late := 0
	for _, o := range got {
		switch o.at - int64(o.number)*ms {
		case ms:
		case 6 * ms:
			late++
		default:
			t.Fatalf("packet %d came at %d", o.number, o.at)
		}
	}
	if late < 70 || late > 130 || len(got) != 1000 || slices.IsSorted(numbers(got)) {
		t.Errorf("%d of %d were late", late, len(got))
	}
}

func TestDuplicatesCountForNoRate(t *testing.T) {
	got := flow(newDirection(2, Up, Conditions{Duplicate: 1, Rate: 1_000_000}), 10, 1000, 8*ms)
	if want := []uint64{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9}; !slices.Equal(numbers(got), want) {
		t.Errorf("%v came", numbers(got))
	}
	if last := got[len(got)-1].at; last != 80*ms {
		t.Errorf("the last came at %v", time.Duration(last))
	}
}

// What is lost depends on the seed and on how many came before, not on when they came or what else is done to them.
func TestSameSeedSameLots(t *testing.T) {
	lost := func(seed uint64, which Direction, c Conditions, interval int64) []uint64 {
		c.Loss, c.Queue = 0.2, 1<<20
		return numbers(flow(newDirection(seed, which, c), 500, 100, interval))
	}
	first := lost(7, Up, Conditions{}, ms)
	if again := lost(7, Up, Conditions{Rate: 1_000_000, Delay: time.Second, Jitter: time.Second}, 3*ms); !slices.Equal(first, again) {
		t.Error("the same seed lost other packets")
	}
	if slices.Equal(first, lost(8, Up, Conditions{}, ms)) {
		t.Error("another seed lost the same packets")
	}
	if slices.Equal(first, lost(7, Down, Conditions{}, ms)) {
		t.Error("the other direction lost the same packets")
	}
}
