package quality

import (
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// call is a minute and more of two who see each other, and both ends of all ways are fine.
func call(n int, change func(i int, s *video.QualityStep)) []video.QualityStep {
	steps := make([]video.QualityStep, n)
	for i := range steps {
		track := func(publishes bool, kind video.Kind, packets int64) video.TrackQuality {
			t := video.TrackQuality{TrackID: video.TrackID{Publishes: publishes, StreamID: "theirs", PublisherID: "bo", Key: "self", Kind: kind}, Packets: packets}
			if publishes {
				t.StreamID, t.PublisherID = "own", ""
			}
			return t
		}
		sample := func(source video.QualitySource) *video.QualitySample {
			return &video.QualitySample{
				Source: source, At: began.Add(time.Duration(i+1) * 10 * time.Second), Interval: 10 * time.Second,
				Connection: video.Connection{Path: video.PathUDP, RoundTrip: 20 * time.Millisecond, Available: 2_500_000},
				Tracks:     []video.TrackQuality{track(true, video.Video, 1000), track(true, video.Audio, 500), track(false, video.Video, 1000), track(false, video.Audio, 500)},
			}
		}
		steps[i] = video.QualityStep{At: began.Add(time.Duration(i) * 10 * time.Second), ByClient: sample(video.QualityByClient), ByServer: sample(video.QualityByServer)}
		if change != nil {
			change(i, &steps[i])
		}
	}
	return steps
}

// Places of the tracks of a sample.
const (
	ownPicture = iota
	ownSound
	theirPicture
	theirSound
)

// during changes the steps from i up to and without j.
func during(i, j int, change func(s *video.QualityStep)) func(int, *video.QualityStep) {
	return func(n int, s *video.QualityStep) {
		if i <= n && n < j {
			change(s)
		}
	}
}

func TestDiagnose(t *testing.T) {
	frozen := func(s *video.QualityStep) { s.ByClient.Tracks[theirPicture].Frozen = 2 * time.Second }
	limited := func(what video.Limitation) func(*video.QualityStep) {
		return func(s *video.QualityStep) { s.ByClient.Tracks[ownPicture].LimitedBy = what }
	}
	at := func(i int) time.Time { return began.Add(time.Duration(i) * 10 * time.Second) }
	for name, c := range map[string]struct {
		change func(int, *video.QualityStep)
		others []video.QualityStep
		lost   []video.Span
		codes  string // of the findings, in order
		side   video.Side
		says   []string
	}{
		"all is fine": {nil, nil, nil, "", video.SideNone, []string{"Nothing went wrong on either side."}},
		"a client that says nothing": {
			func(_ int, s *video.QualityStep) { s.ByClient = nil }, nil, nil, "", video.SideNone,
			[]string{"Nothing went wrong that the server can see; the client measured nothing."},
		},
		"a lossy uplink": {
			during(3, 8, func(s *video.QualityStep) {
				s.ByServer.Tracks[ownPicture].Lost, s.ByServer.Tracks[ownSound].Repaired = 130, 90
			}), nil, nil,
			"uplink_loss", video.SideNetwork,
			[]string{"On the participant's side, in their network: the way to the server lost up to 14 % of the packets, for 50 s."},
		},
		"repair hides a lossy uplink": {
			during(3, 5, func(s *video.QualityStep) { s.ByServer.Tracks[ownPicture].Repaired = 200 }), nil, nil,
			"uplink_loss", video.SideNetwork,
			[]string{"14 %", "for 20 s"},
		},
		"a little loss is nothing": {
			during(0, 9, func(s *video.QualityStep) {
				s.ByServer.Tracks[ownPicture].Lost, s.ByClient.Tracks[theirPicture].Lost = 15, 15
			}), nil, nil,
			"", video.SideNone,
			[]string{"Nothing went wrong"},
		},
		"loss of few packets says nothing": {during(0, 9, func(s *video.QualityStep) {
			for i := range s.ByServer.Tracks {
				s.ByServer.Tracks[i].Packets, s.ByServer.Tracks[i].Lost = 5, 5
			}
		}), nil, nil, "", video.SideNone, []string{"Nothing went wrong"}},
		"a lossy downlink explains what froze": {
			during(3, 8, func(s *video.QualityStep) { s.ByClient.Tracks[theirPicture].Lost = 300; frozen(s) }), nil, nil,
			"downlink_loss", video.SideNetwork,
			[]string{"the way from the server lost up to 17 % of the packets, for 50 s."},
		},
		"a lossy downlink of a client that says nothing": {
			during(3, 8, func(s *video.QualityStep) { s.ByServer.Tracks[theirPicture].Lost = 300; s.ByClient = nil }), nil, nil,
			"downlink_loss", video.SideNetwork,
			[]string{"lost up to 20 %"},
		},
		"a narrow downlink": {during(2, 6, func(s *video.QualityStep) {
			s.ByServer.Available, s.ByServer.Tracks[theirPicture].Paused = 310_000, 10*time.Second
			frozen(s)
		}), nil, nil, "downlink_narrow", video.SideNetwork, []string{"carried 310 kbit/s at worst, too little for the pictures, for 40 s."}},
		"a downlink that never gets wide": {
			during(2, 6, func(s *video.QualityStep) { s.ByServer.Available = 350_000 }), nil, nil,
			"downlink_narrow", video.SideNetwork,
			[]string{"carried 350 kbit/s at worst"},
		},
		"estimates begin low": {during(0, 2, func(s *video.QualityStep) { s.ByServer.Available = 300_000 }), nil, nil, "", video.SideNone, nil},
		"a narrow uplink": {
			during(1, 9, limited(video.LimitedByBandwidth)), nil, nil, "uplink_narrow", video.SideNetwork,
			[]string{"too narrow for the picture that the client wanted to send, for 80 s."},
		},
		"browsers begin slowly": {during(0, 2, limited(video.LimitedByBandwidth)), nil, nil, "", video.SideNone, []string{"Nothing went wrong"}},
		"a slow device": {
			during(1, 9, limited(video.LimitedByCPU)), nil, nil, "cpu_limited", video.SideDevice,
			[]string{"On the participant's side, in their device: the device was too slow"},
		},
		"a relay": {
			func(_ int, s *video.QualityStep) { s.ByClient.Path = video.PathRelayTLS }, nil, nil, "relay", video.SideNone,
			[]string{"Nothing went wrong on either side; media took a detour, over a relay or TCP, for 2 min."},
		},
		"a long way": {
			during(0, 6, func(s *video.QualityStep) { s.ByClient.RoundTrip = 640 * time.Millisecond }), nil, nil, "high_round_trip", video.SideNetwork,
			[]string{"up to 640 ms, for 60 s"},
		},
		"an uneven way": {
			during(0, 6, func(s *video.QualityStep) { s.ByClient.Tracks[theirSound].Jitter = 90 * time.Millisecond }), nil, nil, "jitter", video.SideNetwork,
			[]string{"90 ms"},
		},
		"the publisher's uplink": {
			during(3, 8, func(s *video.QualityStep) { s.ByClient.Tracks[theirPicture].Lost = 200; frozen(s) }),
			call(12, during(3, 8, func(s *video.QualityStep) {
				s.ByServer.Tracks[ownPicture].StreamID, s.ByServer.Tracks[ownPicture].Lost = "theirs", 250
			})), nil,
			"publisher", video.SideOther,
			[]string{"On the side of another participant: what froze here had got lost between its publisher and the server, for 50 s."},
		},
		"nothing says why": {during(3, 8, frozen), call(12, nil), nil, "interrupted", video.SideUnknown, []string{"On whose side is not known"}},
		"connections that break": {
			during(3, 4, frozen), nil,
			[]video.Span{{From: at(3), Until: at(3).Add(4 * time.Second)}, {From: at(9), Until: at(9).Add(8 * time.Second)}},
			"connection_lost", video.SideNetwork,
			[]string{"the connection broke 2 times, for 12 s in all."},
		},
		"two faults": {
			during(3, 8, func(s *video.QualityStep) { s.ByServer.Tracks[ownPicture].Lost = 130; limited(video.LimitedByCPU)(s) }), nil, nil,
			"uplink_loss cpu_limited", video.SideNetwork,
			[]string{"lost up to 8 %", "; besides, the device was too slow"},
		},
	} {
		d := Diagnose(Case{Steps: call(12, c.change), Resolution: 10 * time.Second, Others: map[video.ParticipantID][]video.QualityStep{"bo": c.others}, Lost: c.lost})
		var codes []string
		for _, f := range d.Findings {
			codes = append(codes, string(f.Code))
		}
		if got := strings.Join(codes, " "); got != c.codes || d.Side != c.side {
			t.Errorf("%s: found %q on the side of %q, want %q, %q", name, got, d.Side, c.codes, c.side)
		}
		for _, words := range c.says {
			if !strings.Contains(d.Sentence, words) {
				t.Errorf("%s: %q does not say %q", name, d.Sentence, words)
			}
		}
	}
}

func TestNothingMeasured(t *testing.T) {
	d := Diagnose(Case{Resolution: 10 * time.Second})
	if d.Sentence != "Nothing was measured of this participant's media in this time." || d.Side != video.SideNone || d.Findings == nil {
		t.Errorf("%+v", d)
	}
}

// Steps beside each other are one span, others are not.
func TestEvidence(t *testing.T) {
	d := Diagnose(Case{Resolution: 10 * time.Second, Steps: call(12, func(i int, s *video.QualityStep) {
		if i == 2 || i == 3 || i == 7 {
			s.ByServer.Tracks[ownPicture].Lost = int64(100 * i)
		}
	})})
	f := d.Findings[0]
	want := []video.Span{
		{From: began.Add(20 * time.Second), Until: began.Add(40 * time.Second)}, {From: began.Add(70 * time.Second), Until: began.Add(80 * time.Second)},
	}
	if len(f.Spans) != 2 || f.Spans[0] != want[0] || f.Spans[1] != want[1] || f.Duration() != 30*time.Second || f.Worst < 0.31 || f.Worst > 0.32 {
		t.Errorf("%+v", f)
	}
}

// A keeper reads the others whose streams came badly, and all pages.
func TestConsult(t *testing.T) {
	inSession(t, func(k *Keeper, _ *shelf) {
		begun := time.Now()
		for range 30 {
			time.Sleep(10 * time.Second)
			bad := report
			bad.Tracks = []video.TrackQuality{{TrackID: video.TrackID{StreamID: "other", Kind: video.Video}, Packets: 100, Lost: 40, Frozen: 3 * time.Second}}
			if err := k.Report("alice", bad); err != nil {
				t.Fatal(err)
			}
		}
		d, err := k.Diagnose(t.Context(), video.QualityQuery{
			AccountID: "account", ParticipantID: "alice", At: video.Span{From: begun, Until: time.Now()}, Resolution: video.QualityInterval,
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Findings) == 0 || !strings.Contains(d.Sentence, "the way from the server lost up to 29 %") {
			t.Errorf("%+v", d)
		}
		if d.Measured.Until.Sub(d.Measured.From) < 4*time.Minute {
			t.Errorf("only of %v", d.Measured)
		}
	})
}
