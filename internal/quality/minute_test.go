package quality

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var began = time.Date(2026, 3, 26, 17, 51, 0, 0, time.UTC)

// conversation is a minute of someone who talks with so many others. Its figures are as uneven as those of a bad network.
func conversation(others int) minute {
	m := minute{client: video.Client{
		Name: "@rotunda/video", Version: "0.1.0",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	}}
	random := rand.New(rand.NewPCG(1, 2))
	about := func(n int64) int64 { return n*3/4 + random.Int64N(n/2+1) }
	some := func(d time.Duration) time.Duration {
		return time.Duration(about(int64(d/connectionUnit))) * connectionUnit
	}
	own := video.TrackID{Publishes: true, StreamID: video.StreamID(video.NewUUID()), Key: "self"}
	var taken []video.TrackID
	for range others {
		taken = append(taken, video.TrackID{
			StreamID: video.StreamID(video.NewUUID()), PublisherID: video.ParticipantID(video.NewUUID()), Key: "self",
		})
	}
	for i := range 12 {
		s := video.QualitySample{
			Source: sources[i%2], At: began.Add(time.Duration(i/2+1)*10*time.Second + time.Duration(i%2)*3217*time.Millisecond), Interval: 10 * time.Second,
			Connection: video.Connection{Path: video.PathUDP, RoundTrip: some(30 * time.Millisecond), Available: about(2500) * availableUnit},
		}
		add := func(id video.TrackID, kind video.Kind, layer string, q video.TrackQuality) {
			id.Kind = kind
			q.TrackID, q.Layer = id, layer
			q.Lost, q.Jitter, q.RoundTrip = about(20), some(6*time.Millisecond), s.RoundTrip
			s.Tracks = append(s.Tracks, q)
		}
		add(own, video.Audio, "", video.TrackQuality{Octets: about(40_000), Packets: about(500)})
		for i, rid := range []string{"h", "m", "l"} {
			add(own, video.Video, rid, video.TrackQuality{
				Octets: about(3_000_000 >> (2 * i)), Packets: about(2700 >> (2 * i)), Repaired: about(10), Width: 1280 >> i, Height: 720 >> i, Frames: about(280),
			})
		}
		for _, id := range taken {
			add(id, video.Audio, "", video.TrackQuality{Octets: about(40_000), Packets: about(500), Concealed: some(100 * time.Millisecond).Truncate(time.Millisecond)})
			add(id, video.Video, "m", video.TrackQuality{
				Octets: about(700_000), Packets: about(670), Width: 640, Height: 360, Frames: about(280),
				Freezes: random.Int64N(3), Frozen: some(300 * time.Millisecond).Truncate(time.Millisecond),
			})
		}
		m.samples = append(m.samples, s)
	}
	return m
}

func TestMinuteComesBack(t *testing.T) {
	m := conversation(2)
	m.samples = append(m.samples, video.QualitySample{
		Source: video.QualityByClient, At: began.Add(-5 * time.Second), Interval: 1500 * time.Millisecond, Connection: video.Connection{Path: video.PathRelayTLS},
		Tracks: []video.TrackQuality{{
			TrackID: video.TrackID{StreamID: "no UUID", PublisherID: "neither", Key: "Bildschirm ✓", Kind: video.Video}, Layer: "x", LimitedBy: video.LimitedByOther,
			Octets: 1, Packets: 2, Lost: 3, Repaired: 4, Width: 5, Height: 6, Frames: 7, Freezes: 8, Frozen: 9 * time.Millisecond,
			Concealed: 10 * time.Millisecond, Paused: 11 * time.Millisecond, Jitter: 12 * connectionUnit, RoundTrip: 13 * connectionUnit,
		}},
	})
	got, err := decode(newEncoder().encode(m, began), began)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Fatalf("%v: another minute came back", err)
	}
}

// The sizes in docs/design/quality.md are those that this prints with -v.
func TestMinuteIsSmall(t *testing.T) {
	for others, most := range map[int]int{1: 1800, 3: 3000, 49: 25_000} {
		n := len(newEncoder().encode(conversation(others), began))
		t.Logf("one of %d: %d bytes a minute", others+1, n)
		if n > most {
			t.Errorf("one of %d: %d bytes a minute, want %d at most", others+1, n, most)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, others := range []int{1, 3, 49} {
		m := conversation(others)
		packs := newEncoder()
		b.Run(fmt.Sprint(others+1), func(b *testing.B) {
			for b.Loop() {
				packs.encode(m, began)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, others := range []int{1, 3, 49} {
		data := newEncoder().encode(conversation(others), began)
		b.Run(fmt.Sprint(others+1), func(b *testing.B) {
			for b.Loop() {
				_, _ = decode(data, began)
			}
		})
	}
}

// A damaged row is an error, and nothing worse.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{format})
	f.Add(newEncoder().encode(conversation(1), began))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = decode(data, began)
	})
}

// The same of what is inside.
func FuzzUnpack(f *testing.F) {
	var p packer
	m := conversation(1)
	places := p.dictionary(m.samples)
	for _, s := range m.samples {
		p.sample(s, began, places)
	}
	f.Add(p.b)
	f.Fuzz(func(t *testing.T, data []byte) {
		u := unpacker{b: data}
		tracks := u.dictionary()
		for len(u.b) > 0 {
			s := u.sample(began, tracks)
			if s.Interval < 0 || s.Interval > longest || s.RoundTrip < 0 || s.Available < 0 {
				t.Fatalf("%+v", s)
			}
		}
	})
}
