package sfu

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// liar is a client whose clocks are not what they should be.
type liar struct {
	ntp       func(n int64, honest uint64) uint64 // what its n-th reports say
	rtp       func(n int64, honest uint32) uint32
	timestamp func(n int64, honest uint32) uint32 // of its media
	silent    bool                                // it sends no reports at all
	pause     int64                               // seconds from one packet to the next; 1 unless given
}

// Whatever the reports of a client say, and whether there are any, what it sends is placed near where it came.
func TestTapIsNotLedAstray(t *testing.T) {
	const second = int64(time.Second)
	const hour = 3600 << 32 // of NTP
	for name, l := range map[string]liar{
		"honest":                 {},
		"has no wall clock":      {ntp: func(int64, uint64) uint64 { return 0 }},
		"its clock is set back":  {ntp: func(n int64, ntp uint64) uint64 { return ntp - uint64(n/100)*hour }},
		"its clock is set ahead": {ntp: func(n int64, ntp uint64) uint64 { return ntp + uint64(n/100)*hour }},
		"one report from far ahead": {ntp: func(n int64, ntp uint64) uint64 {
			if n == 100 {
				return ntp + 200000*hour
			}
			return ntp
		}},
		"one report of nothing": {ntp: func(n int64, ntp uint64) uint64 {
			if n == 100 {
				return 0
			}
			return ntp
		}},
		"the count of seconds begins anew, as in 2036": {ntp: func(n int64, ntp uint64) uint64 { return ntp - ntp>>32<<32 + uint64(n-100)<<32 }},
		"its reports have timestamps of something else": {rtp: func(n int64, rtp uint32) uint32 {
			return rtp + 1e9
		}},
		"its timestamps jump ahead":              {timestamp: func(n int64, rtp uint32) uint32 { return rtp + uint32(n/100)*1e9 }},
		"its timestamps jump back":               {timestamp: func(n int64, rtp uint32) uint32 { return rtp - uint32(n/100)*1e9 }},
		"never reports, and its timestamps jump": {silent: true, timestamp: func(n int64, rtp uint32) uint32 { return rtp - uint32(n/100)*1e9 }},
		"never reports":                          {silent: true},
		"never reports for a day":                {silent: true, pause: 300},
	} {
		t.Run(name, func(t *testing.T) {
			e := quietEngine(t)
			p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
			p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
			voice, camera := p.opus(600), p.vp8(500)
			var sound, picture tape
			p.transport.Record("stream", &sound, &picture)
			start := e.Now()
			pause := max(l.pause, 1) * second
			for n := int64(1); n <= 300; n++ {
				at := start + n*pause
				ntp := e.ntp(at)
				if l.ntp != nil {
					ntp = l.ntp(n, ntp)
				}
				stamps := map[uint32]uint32{}
				for ssrc, rate := range map[uint32]int64{600: 48000, 500: 90000} {
					rtp := uint32(n * pause / second * rate)
					if l.timestamp != nil {
						rtp = l.timestamp(n, rtp)
					}
					stamps[ssrc] = rtp
					if l.rtp != nil {
						rtp = l.rtp(n, rtp)
					}
					if !l.silent {
						p.report(at+20e6, &rtcp.SenderReport{SSRC: ssrc, NTPTime: ntp, RTPTime: rtp})
					}
				}
				a, v := voice.make(false), camera.make(true)
				a.Timestamp, v.Timestamp = stamps[600], stamps[500]
				p.push(a, at+30e6)
				p.push(v, at+30e6)
				heard, seen := sound.want(t, 1)[0], picture.want(t, 1)[0]
				if off := max(abs(heard.Sampled-at), abs(seen.Sampled-at)); off > 60e6 {
					t.Fatalf("second %d: placed %v and %v off", n, time.Duration(heard.Sampled-at), time.Duration(seen.Sampled-at))
				}
			}
		})
	}
}
