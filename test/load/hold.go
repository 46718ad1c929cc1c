package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// maxUnderWay is how many requests wait for answers at most. One that is due beyond that is not sent, and counts as a failure: the server
// has fallen behind by then.
const maxUnderWay = 1000

// sample is one request.
type sample struct {
	kind  int
	after time.Duration // from when it was due to its answer
	err   error
}

// outcome is what became of a rate that was held.
type outcome struct {
	rate    int
	took    time.Duration
	samples []sample
	unsent  int
}

// hold sends requests at a steady rate, whatever becomes of them. A request that starts late, because the generator or the server
// was busy, counts from when it was due.
func hold(ctx context.Context, rate int, duration time.Duration, m *mix) *outcome {
	count := int(float64(rate) * duration.Seconds())
	o := &outcome{rate: rate, samples: make([]sample, 0, count)}
	var mutex sync.Mutex // guards o.samples
	var underWay sync.WaitGroup
	places := make(chan struct{}, maxUnderWay)
	begun := time.Now()
	for i := range count {
		due := begun.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due)) // the rate is the point
		if ctx.Err() != nil {
			break
		}
		select {
		case places <- struct{}{}:
		default:
			o.unsent++
			continue
		}
		underWay.Go(func() {
			s := sample{kind: pick()}
			s.err = kinds[s.kind].send(ctx, m)
			s.after = time.Since(due)
			<-places
			mutex.Lock()
			defer mutex.Unlock()
			o.samples = append(o.samples, s)
		})
	}
	underWay.Wait()
	o.took = time.Since(begun)
	return o
}

// report prints the figures, and says whether the server kept up: all was sent and answered well, and p99 is within the limit.
func (o *outcome) report(w io.Writer, limit time.Duration) bool {
	var every []time.Duration
	of := make([][]time.Duration, len(kinds))
	faults := map[string]int{}
	for _, s := range o.samples {
		if s.err != nil {
			faults[s.err.Error()]++
			continue
		}
		every = append(every, s.after)
		of[s.kind] = append(of[s.kind], s.after)
	}
	fmt.Fprintf(w, "%d requests a second for %v: %d answered (%.0f a second), %d failed, %d not sent\n",
		o.rate, o.took.Round(100*time.Millisecond), len(every), float64(len(every))/o.took.Seconds(), len(o.samples)-len(every), o.unsent)
	fmt.Fprintf(w, "  %-20s %8s %9s %9s %9s %9s\n", "", "count", "p50", "p99", "p99.9", "max")
	for i, k := range kinds {
		fmt.Fprintf(w, "  %-20s %s\n", k.name, row(of[i]))
	}
	fmt.Fprintf(w, "  %-20s %s\n", "all", row(every))
	shown := 0
	for fault, n := range faults {
		if shown++; shown > 3 {
			break
		}
		fmt.Fprintf(w, "  %d times: %.200s\n", n, fault)
	}
	return len(faults) == 0 && o.unsent == 0 && percentile(every, 99) <= limit
}

func row(times []time.Duration) string {
	return fmt.Sprintf("%8d %9s %9s %9s %9s", len(times),
		short(percentile(times, 50)), short(percentile(times, 99)), short(percentile(times, 99.9)), short(percentile(times, 100)))
}
