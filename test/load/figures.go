package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// percentile sorts the times and returns the one that so many percent do not exceed; 0 of none.
func percentile(times []time.Duration, percent float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	i := int(math.Ceil(percent/100*float64(len(times)))) - 1
	return times[max(i, 0)]
}

// short is a time with three digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// usage is what a process and this one have taken.
type usage struct {
	server, generator time.Duration // of processors
	resident          int64         // bytes of the server's memory
}

// tick is the unit of /proc/PID/stat on Linux.
const tick = time.Second / 100

func usageOf(process int) usage {
	var u usage
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process)); err == nil {
		_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold spaces
		if fields := strings.Fields(rest); len(fields) > 21 {
			user, _ := strconv.Atoi(fields[11])
			system, _ := strconv.Atoi(fields[12])
			pages, _ := strconv.ParseInt(fields[21], 10, 64)
			u.server, u.resident = time.Duration(user+system)*tick, pages*int64(os.Getpagesize())
		}
	}
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil {
		u.generator = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	}
	return u
}

// spent is usage over a time.
type spent struct {
	server, generator float64 // cores
	resident          int64
}

func (u usage) since(before usage, took time.Duration) spent {
	return spent{
		(u.server - before.server).Seconds() / took.Seconds(),
		(u.generator - before.generator).Seconds() / took.Seconds(), u.resident,
	}
}

func (s spent) String() string {
	return fmt.Sprintf("processors: server %.2f cores, generator %.2f; memory of the server %d MiB", s.server, s.generator, s.resident>>20)
}
