package loadtest

import (
	"fmt"
	"strings"
)

// Table is the report as people read it: a name and a value in each row.
func (r *Report) Table() [][]string {
	p, j := &r.Packets, &r.Joins
	rows := [][]string{
		{"load", fmt.Sprintf("%d x %d publishers, %d subscribers each, for %.1f s", r.Plan.Rooms, r.Plan.Publishers, r.Plan.Subscribers, r.Seconds)},
		{"joins", fmt.Sprintf("%d joined, %d failed, %d left by churn, %d lost", j.Joined, j.Failed, j.Left, j.Lost)},
		{"join to first packet", j.First.row()},
		{"join to first picture", j.Picture.row()},
		{"join to all streams", j.Whole.row()},
		{"join to publishing", j.Published.row()},
		{"sent", fmt.Sprintf("%.0f packets/s", p.SentPerSecond)},
		{"forwarded", fmt.Sprintf("%.0f packets/s, %.1f Mbit/s", p.ForwardedPerSecond, p.ForwardedBitsSecond/1e6)},
		{"received", fmt.Sprintf("%.0f packets/s", p.ReceivedPerSecond)},
		{"lost", fmt.Sprintf("%d packets (%.3f %%); %d repaired, %d sent again by publishers, %d duplicates", p.Lost, p.LostPercent, p.Repaired, p.Resent, p.Duplicates)},
	}
	if r.Plan.Loss > 0 {
		rows = append(rows, []string{"emulated loss", fmt.Sprintf("%d packets to the server, %d from it", p.EmulatedUp, p.EmulatedDn)})
	}
	if r.Delivery.Expected > 0 {
		rows = append(rows, []string{"delivered", fmt.Sprintf("%d of %d packets (%.3f %%)", r.Delivery.Received, r.Delivery.Expected, 100*float64(r.Delivery.Received)/float64(r.Delivery.Expected))})
	}
	rows = append(rows, []string{"latency", fmt.Sprintf("p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, max %.2f ms", r.Latency.P50, r.Latency.P95, r.Latency.P99, r.Latency.Max)})
	if s := r.Server; s != nil {
		rows = append(rows,
			[]string{"server", fmt.Sprintf("%.2f µs CPU per forwarded packet, %.3f cores, %.2f ms CPU per join", s.MicrosPerPacket, s.Cores, s.MillisPerJoin)},
			[]string{"server's memory", fmt.Sprintf("%.1f MiB, grown by %.0f KiB per participant", float64(s.MemoryBytes)/(1<<20), float64(s.BytesPerParticipant)/(1<<10))},
		)
	}
	rows = append(rows, []string{"generator", fmt.Sprintf("%.2f µs CPU per packet, %.3f cores, longest pause %.1f ms", r.Generator.MicrosPerPacket, r.Generator.Cores, r.Generator.LongestPause)})
	if wrong := r.doubts(); len(wrong) > 0 {
		rows = append(rows, []string{"doubtful", strings.Join(wrong, "; ")})
	}
	return rows
}

// suspectPause is how long the generator may stand still, in ms, before its figures are doubtful.
const suspectPause = 25

// doubts are the reasons to distrust the figures.
func (r *Report) doubts() (reasons []string) {
	if r.Packets.Dropped > 0 {
		reasons = append(reasons, fmt.Sprintf("the generator was too slow to fetch %d packets", r.Packets.Dropped))
	}
	if r.Generator.LongestPause > suspectPause {
		reasons = append(reasons, "the generator stood still for a while, which is in the latencies")
	}
	if r.Packets.Unauthentic > 0 {
		reasons = append(reasons, fmt.Sprintf("%d packets could not be decrypted or were not what was sent", r.Packets.Unauthentic))
	}
	return reasons
}

func (t Times) row() string {
	if t.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms, max %.1f ms", t.P50, t.P99, t.Max)
}
