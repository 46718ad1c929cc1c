package main

import (
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/record"
	"github.com/rotunda-rtc/rotunda/internal/rest"
)

// gauge reads how busy the machine is. How busy its processors are is known between two readings, so the first one knows
// nothing of it; readings close together share one.
type gauge struct {
	dir string

	mu         sync.Mutex
	busy, idle uint64   // guarded by mu; ticks of all processors since the machine started
	percent    *float64 // guarded by mu
}

// leastTicks is how many must have passed for a share of them to mean something: a second of one processor.
const leastTicks = 100

func newGauge(dir string) *gauge { return &gauge{dir: dir} }

func (g *gauge) read() rest.MachineLoad {
	var load rest.MachineLoad
	if free, total, err := record.DiskSpace(g.dir); err == nil {
		freeMB, totalMB := int64(free>>20), int64(total>>20)
		load.DiskFreeMB, load.DiskTotalMB = &freeMB, &totalMB
	}
	busy, idle, known := processorTicks()
	if !known {
		return load
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	passed := busy + idle - g.busy - g.idle
	if passed >= leastTicks {
		if g.busy+g.idle > 0 {
			percent := 100 * float64(busy-g.busy) / float64(passed)
			g.percent = &percent
		}
		g.busy, g.idle = busy, idle
	}
	load.CPUPercent = g.percent
	return load
}
