//go:build linux

package main

import (
	"fmt"
	"strings"
)

// table is figures as Markdown.
func table(all []*figures) string {
	var b strings.Builder
	b.WriteString("| scenario | behind the link | server | join | pictures/s | longest pause | pauses over 0.5 s | frozen | sound made up, worst second | " +
		"received | height | NACK, PLI | RTT | queue p95 | lost on the link | after changes: pause, rate regained | encoded/s | busy | link late |\n")
	b.WriteString("|" + strings.Repeat(" --- |", 19) + "\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %.1f s | %.1f | %.2f s | %d | %.1f s | %.1f %%, %.0f %% | %.2f Mbit/s%s | %d | %d, %d | %.0f ms | %.0f ms | %.1f %% | %s | %.0f | %.0f %% | %.1f %% |\n",
			f.Scenario, f.Side, f.Peer, f.Join, f.FrameRate, f.LongestGap, f.GapsOverHalf, f.FreezeTime, 100*f.Concealed, 100*f.WorstSecond,
			f.BitRate/1e6, beside(f), f.Height, f.NACKs, f.PLIs, f.RTT, f.QueueDelay, 100*f.LinkLoss, changes(f), f.SentFrames, 100*f.Busy, 100*f.LinkLate)
	}
	return b.String()
}

func beside(f *figures) string {
	if f.TCPBitRate == 0 {
		return ""
	}
	return fmt.Sprintf(", TCP %.2f", f.TCPBitRate/1e6)
}

func changes(f *figures) string {
	var all []string
	for _, c := range f.Changes {
		regained := "never"
		if c.Regained >= 0 {
			regained = fmt.Sprintf("%.1f s", c.Regained)
		}
		all = append(all, fmt.Sprintf("%.0f s: %.1f s, %s", c.At, c.LongestGap, regained))
	}
	return strings.Join(all, "; ")
}
