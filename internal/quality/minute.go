package quality

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// format is the first byte of a minute. What comes after it is compressed by DEFLATE.
const format = 1

// maxMinute bounds what a minute may hold when it is decoded (bytes).
const maxMinute = 4 << 20

// minute is what was measured of a participant in a minute: its samples by the time they came.
type minute struct {
	client  video.Client
	samples []video.QualitySample
}

// encoder packs minutes. What it needs for that is large, and used again.
type encoder struct{ compressed *flate.Writer }

func newEncoder() *encoder {
	compressed, err := flate.NewWriter(io.Discard, flate.DefaultCompression)
	if err != nil {
		panic("quality: " + err.Error()) // only of a level that does not exist
	}
	return &encoder{compressed}
}

// encode packs a minute that began at this time.
func (e *encoder) encode(m minute, began time.Time) []byte {
	var plain packer
	plain.text(m.client.Name)
	plain.text(m.client.Version)
	plain.text(m.client.UserAgent)
	places := plain.dictionary(m.samples)
	plain.count(len(m.samples))
	for _, s := range m.samples {
		plain.sample(s, began, places)
	}
	out := bytes.NewBuffer([]byte{format})
	e.compressed.Reset(out)
	_, _ = e.compressed.Write(plain.b) // into memory
	_ = e.compressed.Close()
	return out.Bytes()
}

var errFormat = errors.New("of a version that this server does not know")

// decode unpacks a minute that began at this time.
func decode(data []byte, began time.Time) (m minute, err error) {
	if len(data) == 0 || data[0] != format {
		return minute{}, fmt.Errorf("decode minute: %w", errFormat)
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data[1:])), maxMinute))
	if err != nil {
		return minute{}, fmt.Errorf("decode minute: %w", err)
	}
	u := unpacker{b: plain}
	m.client = video.Client{Name: u.text(), Version: u.text(), UserAgent: u.text()}
	tracks := u.dictionary()
	for range u.count() {
		m.samples = append(m.samples, u.sample(began, tracks))
	}
	if u.err != nil {
		return minute{}, fmt.Errorf("decode minute: %w", u.err)
	}
	return m, nil
}

// entry is what a dictionary has of a track, so that a sample need not repeat it.
type entry struct {
	id    video.TrackID
	layer string
}

func (p *packer) dictionary(samples []video.QualitySample) map[entry]int {
	places, order := map[entry]int{}, []entry{}
	for _, s := range samples {
		for _, t := range s.Tracks {
			e := entry{t.TrackID, t.Layer}
			if _, known := places[e]; !known {
				places[e] = len(order)
				order = append(order, e)
			}
		}
	}
	p.count(len(order))
	for _, e := range order {
		p.word(boolWord(e.id.Publishes) | boolWord(e.id.Kind == video.Video)<<1)
		p.id(string(e.id.StreamID))
		p.id(string(e.id.PublisherID))
		p.text(e.id.Key)
		p.text(e.layer)
	}
	return places
}

func (u *unpacker) dictionary() []entry {
	var order []entry
	for range u.count() {
		flags := u.word()
		e := entry{id: video.TrackID{Publishes: flags&1 != 0, Kind: video.Audio}}
		if flags&2 != 0 {
			e.id.Kind = video.Video
		}
		e.id.StreamID, e.id.PublisherID = video.StreamID(u.id()), video.ParticipantID(u.id())
		e.id.Key, e.layer = u.text(), u.text()
		order = append(order, e)
	}
	return order
}

// Words that are kept as numbers. Their order is part of the format: add at the end only.
var (
	sources     = []video.QualitySource{video.QualityByClient, video.QualityByServer}
	paths       = []video.Path{"", video.PathUDP, video.PathTCP, video.PathRelayUDP, video.PathRelayTCP, video.PathRelayTLS}
	limitations = []video.Limitation{"", video.LimitedByBandwidth, video.LimitedByCPU, video.LimitedByOther}
)

func (p *packer) sample(s video.QualitySample, began time.Time, places map[entry]int) {
	p.word(placeOf(sources, s.Source))
	p.signed(s.At.Sub(began).Milliseconds())
	p.word(uint64(s.Interval.Milliseconds()))
	p.word(placeOf(paths, s.Path))
	p.span(s.RoundTrip, connectionUnit)
	p.word(uint64(s.Available / availableUnit))
	p.count(len(s.Tracks))
	for i := range s.Tracks {
		t := &s.Tracks[i]
		p.count(places[entry{t.TrackID, t.Layer}])
		p.figures(t)
	}
}

func (u *unpacker) sample(began time.Time, tracks []entry) (s video.QualitySample) {
	s.Source = wordAt(u, sources)
	s.At = began.Add(time.Duration(u.signed()) * time.Millisecond)
	s.Interval = u.span(time.Millisecond)
	s.Path = wordAt(u, paths)
	s.RoundTrip = u.span(connectionUnit)
	s.Available = int64(min(u.word(), mostAvailable)) * availableUnit
	for range u.count() {
		place := u.word()
		if place >= uint64(len(tracks)) {
			u.fail(errBroken)
			return s
		}
		e := tracks[place]
		t := video.TrackQuality{TrackID: e.id, Layer: e.layer}
		u.figures(&t)
		s.Tracks = append(s.Tracks, t)
	}
	return s
}
