//go:build linux

package link_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// BenchmarkDelay tells by how much answers come later than 40 ms after the question, also beside 20 Mbit/s each way.
func BenchmarkDelay(b *testing.B) {
	const delay = 20 * time.Millisecond
	measure := func(b *testing.B, l *link.Link, server string) {
		conn := dial(b, l, "udp4", server)
		var late []time.Duration
		for b.Loop() {
			late = append(late, ping(b, conn, 1000)-2*delay)
		}
		slices.Sort(late)
		b.ReportMetric(float64(late[len(late)/2].Microseconds()), "µs-late-p50")
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "µs-late-p99")
		up, down, err := l.State()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*float64(up.Late+down.Late)/float64(up.Passed+down.Passed), "%-of-packets-over-1ms-late")
	}
	options := link.Options{Up: link.Conditions{Delay: delay}, Down: link.Conditions{Delay: delay}}
	b.Run("alone", func(b *testing.B) {
		l := open(b, options)
		measure(b, l, echo(b, l).String())
	})
	b.Run("20mbit", func(b *testing.B) {
		l := open(b, options)
		server := echo(b, l).String()
		stop := burden(b, l, server)
		measure(b, l, server)
		stop()
	})
}

// burden sends 20 Mbit/s to an echo in bursts of 5 ms, until it is stopped.
func burden(b *testing.B, l *link.Link, server string) (stop func()) {
	conn := dial(b, l, "udp4", server)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for content := make([]byte, 1222); ctx.Err() == nil; <-tick.C { // 1,250 bytes of IP
			for range 10 {
				_, _ = conn.Write(content)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
