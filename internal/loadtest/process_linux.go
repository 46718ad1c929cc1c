package loadtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usageOf reads what a process of this machine has taken.
func usageOf(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read usage of process: %w", err)
	}
	text := string(stat)
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name before may hold spaces
	if len(f) < 22 {
		return usage{}, fmt.Errorf("read usage of process: /proc/%d/stat is not as it was expected", pid)
	}
	number := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
	return usage{
		cpu: time.Duration(number(11)+number(12)) * clockTick, ran: runTime(pid), resident: number(21) * int64(os.Getpagesize()),
	}, nil
}

// runTime is how long the threads of a process ran, of those that are still there.
func runTime(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, t := range threads {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // it has ended
		}
		first, _, _ := strings.Cut(string(b), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// ownUsage is what this process has taken.
func ownUsage() usage {
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) != nil {
		return usage{}
	}
	cpu := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return usage{cpu: cpu, ran: cpu}
}
