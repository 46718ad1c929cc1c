//go:build linux

package main

// counters add up what getStats counts over all connections a page ever had: a connection that is made anew counts from zero again, and
// one that is closed is no longer told of.
type counters map[counted]report

type counted struct {
	connection int
	kind       string
	ssrc       uint32
}

// total is the sum of the last reports of everything that was ever reported.
type total struct {
	report
	encoded float64 // pictures of the layer with most of them
	height  int     // now
	rtt     float64 // s, now; 0 if unknown
}

func (c counters) add(reports []report) total {
	var t total
	for _, r := range reports {
		if r.Type == "candidate-pair" {
			t.rtt = max(t.rtt, r.CurrentRoundTripTime)
			continue
		}
		c[counted{r.Connection, r.Type + r.Kind, r.SSRC}] = r
		if r.Type == "inbound-rtp" {
			t.height = max(t.height, r.FrameHeight)
		}
	}
	for _, r := range c {
		t.FramesDecoded += r.FramesDecoded
		t.FreezeCount += r.FreezeCount
		t.TotalFreezesDuration += r.TotalFreezesDuration
		t.BytesReceived += r.BytesReceived
		t.BytesSent += r.BytesSent
		t.NackCount += r.NackCount
		t.PLICount += r.PLICount
		t.ConcealedSamples += r.ConcealedSamples
		t.TotalSamplesReceived += r.TotalSamplesReceived
		t.encoded = max(t.encoded, r.FramesEncoded)
	}
	return t
}
