package quality

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// inWords says what a finding is, without saying on whose side.
func inWords(f video.Finding) string {
	long := "for " + span(f.Duration())
	switch f.Code {
	case video.FoundConnectionLost:
		times := "once"
		if n := len(f.Spans); n > 1 {
			times = fmt.Sprintf("%d times", n)
		}
		return fmt.Sprintf("the connection broke %s, %s in all", times, long)
	case video.FoundUplinkLoss:
		return fmt.Sprintf("the way to the server lost up to %s of the packets, %s", percent(f.Worst), long)
	case video.FoundUplinkNarrow:
		return "the way to the server was too narrow for the picture that the client wanted to send, " + long
	case video.FoundCPULimited:
		return "the device was too slow to encode the picture it wanted to send, " + long
	case video.FoundDownlinkLoss:
		return fmt.Sprintf("the way from the server lost up to %s of the packets, %s", percent(f.Worst), long)
	case video.FoundDownlinkNarrow:
		if f.Worst == 0 {
			return "the way from the server was too narrow for the pictures, " + long
		}
		return fmt.Sprintf("the way from the server carried %s at worst, too little for the pictures, %s", rate(f.Worst), long)
	case video.FoundPublisher:
		return "what froze here had got lost between its publisher and the server, " + long
	case video.FoundInterrupted:
		return "pictures froze or sound was made up, and nothing that was measured says why, " + long
	case video.FoundHighRoundTrip:
		return fmt.Sprintf("a round trip to the server took up to %.0f ms, %s", f.Worst, long)
	case video.FoundJitter:
		return fmt.Sprintf("packets came as unevenly as %.0f ms, %s", f.Worst, long)
	case video.FoundRelay:
		return "media took a detour, over a relay or TCP, " + long
	}
	return string(f.Code)
}

var sides = map[video.Side]string{
	video.SideNetwork: "On the participant's side, in their network: ",
	video.SideDevice:  "On the participant's side, in their device: ",
	video.SideOther:   "On the side of another participant: ",
	video.SideUnknown: "On whose side is not known: ",
}

// second is how bad a second finding has to be, as a part of the worst, to be named in the sentence.
const second = 0.25

// sentence is the one that stands above everything: what was worst, and on whose side.
func sentence(d video.Diagnosis, c Case) string {
	switch {
	case len(c.Steps) == 0 && len(d.Findings) == 0:
		return "Nothing was measured of this participant's media in this time."
	case d.Side == video.SideNone:
		return fine(d, c)
	}
	said := sides[d.Side] + d.Findings[0].Text
	if len(d.Findings) > 1 && badness(d.Findings[1]) >= second*badness(d.Findings[0]) {
		said += "; besides, " + d.Findings[1].Text
	}
	return said + "."
}

func fine(d video.Diagnosis, c Case) string {
	said := []string{"Nothing went wrong on either side"}
	reported := false
	for _, step := range c.Steps {
		reported = reported || step.ByClient != nil
	}
	if !reported {
		said = []string{"Nothing went wrong that the server can see; the client measured nothing"}
	}
	if len(d.Findings) > 0 {
		said = append(said, d.Findings[0].Text)
	}
	return strings.Join(said, "; ") + "."
}

func percent(part float64) string { return fmt.Sprintf("%.0f %%", math.Ceil(part*100)) }

func rate(bps float64) string {
	if bps < 1e6 {
		return fmt.Sprintf("%.0f kbit/s", bps/1e3)
	}
	return fmt.Sprintf("%.1f Mbit/s", bps/1e6)
}

// span is a length of time in words.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
