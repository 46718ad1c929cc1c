//go:build linux

package loadtest

import (
	"os"
	"testing"
	"time"
)

func TestUsageGrowsWithWork(t *testing.T) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.resident < 1<<20 {
		t.Errorf("resident memory is %d bytes", before.resident)
	}
	deadline := time.Now().Add(10 * time.Second)
	for n := 0; ; n++ {
		now, err := usageOf(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now.cpuSince(before) >= 20*time.Millisecond {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("10 s of work took %v", now.cpuSince(before))
		}
	}
}

func TestUsageOfNoProcess(t *testing.T) {
	if _, err := usageOf(1 << 30); err == nil {
		t.Error("a process that is not there has usage")
	}
}

// The scheduler's exact figure is left when threads that ended have taken their share along.
func TestCPUTimeOfEndedThreads(t *testing.T) {
	before := usage{cpu: time.Second, ran: 1003 * time.Millisecond}
	if got := (usage{cpu: 2 * time.Second, ran: 2008 * time.Millisecond}).cpuSince(before); got != 1005*time.Millisecond {
		t.Errorf("with all threads there: %v", got)
	}
	if got := (usage{cpu: 2 * time.Second, ran: 1100 * time.Millisecond}).cpuSince(before); got != time.Second {
		t.Errorf("with a thread gone: %v", got)
	}
}
