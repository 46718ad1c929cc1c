//go:build linux

package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is how much the machine's processors had to do, in ticks.
type usage struct{ idle, all float64 }

func startUsage() usage {
	var u usage
	content, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(content), "\n")
	for i, word := range strings.Fields(first) {
		ticks, err := strconv.ParseFloat(word, 64)
		if err != nil || i > 8 { // guests are counted as users already
			continue
		}
		u.all += ticks
		if i == 4 || i == 5 { // idle, and waiting for a disk
			u.idle += ticks
		}
	}
	return u
}

// share is how much of the processors was used since.
func (u usage) share() float64 {
	now := startUsage()
	if now.all == u.all {
		return 0
	}
	return 1 - (now.idle-u.idle)/(now.all-u.all)
}

// calm is what may be in use when a measurement begins: two browsers that encode and decode need the rest of two processors.
const calm = 0.4

// awaitCalm waits until the machine has little else to do, or for so long at most.
func awaitCalm(ctx context.Context, atMost time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for u := startUsage(); ; u = startUsage() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if u.share() < calm {
			return
		}
	}
}
