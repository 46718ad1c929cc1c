package loadtest

import "time"

// usage is what a process has taken.
type usage struct {
	cpu      time.Duration // user and system time, in steps of a clock tick
	ran      time.Duration // the same as the scheduler counted it, in ns, but without threads that ended
	resident int64         // bytes
}

// clockTick is the unit of /proc/PID/stat on Linux.
const clockTick = time.Second / 100

// cpuSince is the processor time taken after an earlier usage.
func (u usage) cpuSince(before usage) time.Duration {
	if ran := u.ran - before.ran; (ran - (u.cpu - before.cpu)).Abs() < 4*clockTick {
		return ran
	}
	return u.cpu - before.cpu
}
