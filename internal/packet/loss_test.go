package packet

import (
	"slices"
	"testing"
)

const ms = int64(1e6)

// arrive notes packets at one moment and returns their numbers without the first cycle.
func arrive(r *Reception, now int64, seqs ...uint16) (fresh []bool) {
	for _, s := range seqs {
		_, f := r.Arrived(s, now)
		fresh = append(fresh, f)
	}
	return fresh
}

func wantMissing(t *testing.T, r *Reception, now int64, want ...uint16) {
	t.Helper()
	if got, _ := r.Wanted(now, nil); !slices.Equal(got, want) {
		t.Fatalf("at %d ms %v is asked for, want %v", now/ms, got, want)
	}
}

func TestLossIsAskedFor(t *testing.T) {
	var r Reception
	arrive(&r, 0, 65533, 65534, 1)
	wantMissing(t, &r, 0, 65535, 0)
	wantMissing(t, &r, 39*ms)
	wantMissing(t, &r, 40*ms, 65535, 0)
	if fresh := arrive(&r, 50*ms, 65535); !fresh[0] {
		t.Fatal("the repaired packet counts as seen")
	}
	wantMissing(t, &r, 80*ms, 0)
}

func TestReorderedPacketIsFresh(t *testing.T) {
	var r Reception
	if fresh := arrive(&r, 0, 10, 12, 11, 13); slices.Contains(fresh, false) {
		t.Fatalf("%v", fresh)
	}
	wantMissing(t, &r, ms)
	if r.Received() != 4 {
		t.Fatalf("%d received", r.Received())
	}
}

func TestDuplicatesAreNotFresh(t *testing.T) {
	var r Reception
	fresh := arrive(&r, 0, 10, 10, 12, 11, 11, 12, 9)
	if want := []bool{true, false, true, true, false, false, false}; !slices.Equal(fresh, want) {
		t.Fatalf("%v, want %v", fresh, want)
	}
	if r.Received() != 3 {
		t.Fatalf("%d received", r.Received())
	}
}

func TestRequestsEnd(t *testing.T) {
	var r Reception
	arrive(&r, 0, 1, 3)
	asked, final := 0, false
	for now := int64(0); !final; now += 10 * ms {
		var out []uint16
		if out, final = r.Wanted(now, nil); !final {
			asked += len(out)
		}
		if now > 2000*ms {
			t.Fatal("the loss never became final")
		}
	}
	if want := int(giveUpAfter/askInterval) + 1; asked != want {
		t.Fatalf("asked %d times, want %d", asked, want)
	}
	if fresh := arrive(&r, 3000*ms, 2); fresh[0] {
		t.Fatal("a packet that was given up is fresh again")
	}
	if _, final := r.Wanted(3000*ms, nil); final {
		t.Fatal("the loss is reported twice")
	}
}

func TestOldLossIsFinal(t *testing.T) {
	var r Reception
	arrive(&r, 0, 1, 3)
	if out, final := r.Wanted(giveUpAfter, nil); len(out) != 1 || final {
		t.Fatalf("%v, %v", out, final)
	}
	if out, final := r.Wanted(giveUpAfter+1, nil); len(out) != 0 || !final {
		t.Fatalf("%v, %v", out, final)
	}
}

func TestBigGapIsFinalAtOnce(t *testing.T) {
	var r Reception
	arrive(&r, 0, 1, 3, 3+maxMissing+2)
	out, final := r.Wanted(0, nil)
	if len(out) != 0 || !final {
		t.Fatalf("%v, %v", out, final)
	}
	var s Reception
	arrive(&s, 0, 1, 1+maxMissing+1)
	if out, final := s.Wanted(0, nil); len(out) != maxMissing || final {
		t.Fatalf("%d asked for, %v; a gap of %d can be repaired", len(out), final, maxMissing)
	}
}

func TestMissingIsBounded(t *testing.T) {
	var r Reception
	seq := uint16(0)
	arrive(&r, 0, seq)
	for range maxMissing + 10 { // every second packet is lost
		seq += 2
		arrive(&r, 0, seq)
	}
	out, final := r.Wanted(0, nil)
	if len(out) != maxMissing || !final || out[len(out)-1] != seq-1 || out[0] != 21 {
		t.Fatalf("%d asked for from %d to %d, final %v", len(out), out[0], out[len(out)-1], final)
	}
}

func TestReport(t *testing.T) {
	var r Reception
	if _, ok := r.Report(); ok {
		t.Fatal("a report of nothing")
	}
	arrive(&r, 0, 65534, 65535, 0, 1)
	want := func(fraction uint8, total, highest uint32) {
		t.Helper()
		got, ok := r.Report()
		if !ok || got.FractionLost != fraction || got.TotalLost != total || got.Highest != highest {
			t.Fatalf("%+v, want fraction %d, total %d, highest %d", got, fraction, total, highest)
		}
	}
	want(0, 0, 1<<16|1)
	arrive(&r, 0, 4, 5) // 2 and 3 are lost of 4 expected
	want(128, 2, 1<<16|5)
	want(0, 2, 1<<16|5) // nothing expected, nothing lost
	arrive(&r, 0, 2, 3) // late: more came than was expected
	want(0, 0, 1<<16|5)
	arrive(&r, 0, 3, 4, 5) // duplicates change nothing
	want(0, 0, 1<<16|5)
	arrive(&r, 0, 1000) // one of 995
	want(uint8(994*256/995), 994, 1<<16|1000)
}

func TestSkippedPacketsAreNotLost(t *testing.T) {
	var r Reception
	arrive(&r, 0, 1, 3) // 2 is missing
	for range 70 {
		r.Skip()
	}
	if r.Misses() {
		t.Fatal("what was missing before is still asked for")
	}
	arrive(&r, 0, 84) // 4 to 83: 10 were lost among them
	wantMissing(t, &r, 0)
	if got, _ := r.Report(); got.TotalLost != 11 || got.Highest != 84 {
		t.Fatalf("%+v, want 11 lost", got)
	}
	arrive(&r, 0, 86)
	wantMissing(t, &r, 0, 85)
	if n := r.Received(); n != 3+70+1 {
		t.Fatalf("%d received", n)
	}
}

func TestReportBeforeTheFirst(t *testing.T) {
	var r Reception
	arrive(&r, 0, 100, 99, 98)
	if got, _ := r.Report(); got.TotalLost != 0 || got.FractionLost != 0 || got.Highest != 100 {
		t.Fatalf("%+v", got)
	}
}

func TestJitter(t *testing.T) {
	var steady Reception
	for i := range 100 {
		steady.Arrived(uint16(i), 0)
		steady.Transit(uint32(i)*900+0xffffff00, int64(i)*10*ms, 90000) // the timestamp wraps on the way
	}
	if got, _ := steady.Report(); got.Jitter != 0 {
		t.Errorf("steady arrival has jitter %d", got.Jitter)
	}
	var uneven Reception
	for i := range 400 {
		uneven.Arrived(uint16(i), 0)
		late := int64(i%2) * 5 * ms // every second packet 5 ms late: 450 ticks each time
		uneven.Transit(uint32(i)*900, int64(i)*10*ms+late, 90000)
	}
	if got, _ := uneven.Report(); got.Jitter < 445 || got.Jitter > 450 {
		t.Errorf("jitter %d, want 450", got.Jitter)
	}
	var jump Reception
	jump.Arrived(0, 0)
	jump.Transit(1000, 0, 90000)
	jump.Transit(0x80000000, 10*ms, 90000)
	if got, _ := jump.Report(); got.Jitter != 0 {
		t.Errorf("a jump of the timestamp counts as jitter %d", got.Jitter)
	}
}

func FuzzReception(f *testing.F) {
	f.Add([]byte{0, 1, 0, 3, 0, 2, 0xff, 0xff, 0, 200, 0, 199})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Reception
		var now int64
		seen := map[uint64]bool{}
		var out []uint16
		for ; len(b) >= 2; b = b[2:] {
			now += int64(b[0]) * ms
			if b[0] == 0xee {
				r.Skip()
				continue
			}
			number, fresh := r.Arrived(uint16(b[0])<<8|uint16(b[1]), now)
			if fresh && seen[number] {
				t.Fatalf("packet %d is fresh twice", number)
			}
			seen[number] = true
			if out, _ = r.Wanted(now, out[:0]); len(out) > maxMissing {
				t.Fatalf("%d asked for", len(out))
			}
			for _, s := range out {
				high, _ := r.sequence.Highest()
				if n := high + uint64(int64(int16(s-uint16(high)))); seen[n] || n > high {
					t.Fatalf("%d is asked for but came", n)
				}
			}
		}
		if rep, ok := r.Report(); ok && rep.TotalLost > 0x7fffff {
			t.Fatalf("%+v", rep)
		}
	})
}

// TestQueue: the queue is what the first packets of pictures come later than they may, whatever the clocks; large pictures make none.
func TestQueue(t *testing.T) {
	const rate = 90_000
	var r Reception
	at, timestamp := int64(0), uint32(0xffff_0000)
	picture := func(late int64) {
		at += 33 * ms
		timestamp += rate / 1000 * 33
		for n := range int64(20) {
			r.Transit(timestamp, at+late+n*20*ms, rate)
		}
	}
	for _, step := range []struct{ late, least, most int64 }{
		{0, 0, 0},
		{10 * ms, 9 * ms, 11 * ms},
		{500 * ms, 499 * ms, 501 * ms},
		{0, 0, 0},
		{-100 * ms, 0, 0},
		{0, 99 * ms, 101 * ms},
		{60_000 * ms, 0, 0},
		{60_100 * ms, 99 * ms, 101 * ms},
	} {
		picture(step.late)
		if q := r.Queue(rate); q < step.least || q > step.most {
			t.Fatalf("%d ms late: a queue of %d ms", step.late/ms, q/ms)
		}
	}
	for range 10 * queueMemory {
		picture(60_400 * ms)
	}
	if q := r.Queue(rate); q > 20*ms {
		t.Fatalf("what is usual is a queue of %d ms", q/ms)
	}
}
