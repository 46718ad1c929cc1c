package janus_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/mixer"
	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// mixes is the mixer as live asks for it.
type mixes struct{ *mixer.Engine }

func (m mixes) Open() (live.Mix, error) {
	mix, err := m.Engine.Open()
	return mixed{mix}, err
}

type mixed struct{ *mixer.Mix }

func (m mixed) AddSource(owner video.ParticipantID, leg bool) (live.MixSource, error) {
	return m.Mix.AddSource(owner, leg)
}

func (m mixed) AddListener(owner video.ParticipantID, to live.MixReceiver) (live.MixListener, error) {
	return m.Mix.AddListener(owner, frames{to})
}

type frames struct{ to live.MixReceiver }

func (r frames) Send(f *mixer.Frame) { r.to.SendMixed(f.Number, f.Timestamp, f.Marker, f.Payload) }

// compiled is libopus for all voices and ears of these tests.
var compiled = sync.OnceValues(func() (*opus.Library, error) { return opus.Compile(context.Background()) })

func (h *house) opus() *opus.Instance {
	h.t.Helper()
	library, err := compiled()
	if err != nil {
		h.t.Fatal(err)
	}
	instance, err := library.NewInstance()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = instance.Close() })
	return instance
}

const (
	loudness  = 0.3 // amplitude of all tones
	frameSize = 960
)

// hum sends a tone on tracks until the test ends, as one microphone.
func (h *house) hum(hertz float64, tracks ...*webrtc.TrackLocalStaticRTP) {
	h.t.Helper()
	encoder, err := h.opus().NewEncoder(opus.EncoderConfig{Channels: 1, Application: opus.Voice, Bitrate: 40_000})
	if err != nil {
		h.t.Fatal(err)
	}
	stop := make(chan struct{})
	var humming sync.WaitGroup
	humming.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		pcm, packet := make([]float32, frameSize), make([]byte, opus.MaxPacket)
		for n := 0; ; n++ {
			for i := range pcm {
				pcm[i] = float32(loudness * math.Sin(2*math.Pi*hertz*float64(n*frameSize+i)/opus.SampleRate))
			}
			size, err := encoder.Encode(pcm, packet)
			if err != nil {
				h.t.Error(err)
				return
			}
			for _, track := range tracks {
				_ = track.WriteRTP(&rtp.Packet{
					Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * frameSize}, Payload: slices.Clone(packet[:size]),
				})
			}
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
		}
	})
	h.t.Cleanup(func() { close(stop); humming.Wait() }) // before libopus is closed
}

// ear hears what comes down the mixed leg.
type ear struct {
	t       *testing.T
	track   *webrtc.TrackRemote
	decoder *opus.Decoder
	heard   []float32 // the last ten frames
}

func (h *house) ear(c *client) *ear {
	h.t.Helper()
	decoder, err := h.opus().NewDecoder(1)
	if err != nil {
		h.t.Fatal(err)
	}
	return &ear{t: h.t, track: within(h.t, c.down, "the track of the mix"), decoder: decoder}
}

// listen hears on until what it heard last, a fifth of a second, is as wanted: the strength of tones by their pitch.
func (e *ear) listen(what string, wanted func(strength func(hertz float64) float64) bool) {
	e.t.Helper()
	var last []string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		_ = e.track.SetReadDeadline(end)
		p, _, err := e.track.ReadRTP()
		if err != nil {
			break
		}
		pcm := make([]float32, opus.MaxFrame)
		n, err := e.decoder.Decode(p.Payload, pcm)
		if err != nil {
			e.t.Fatal(err)
		}
		e.heard = append(e.heard, pcm[:n]...)
		if spare := len(e.heard) - 10*frameSize; spare >= 0 {
			e.heard = e.heard[spare:]
			if wanted(e.strength) {
				return
			}
			last = append(last, fmt.Sprintf("%.2f %.2f %.2f", e.strength(low), e.strength(middle), e.strength(high)))
		}
	}
	e.t.Fatalf("never heard %s, but tones of %s", what, last[max(0, len(last)-20):])
}

// strength is the amplitude of a tone in what was heard last (Goertzel's filter).
func (e *ear) strength(hertz float64) float64 {
	w := 2 * math.Pi * hertz / opus.SampleRate
	var a, b float64
	for _, v := range e.heard {
		a, b = float64(v)+2*math.Cos(w)*a-b, a
	}
	return 2 * math.Sqrt(a*a+b*b-2*math.Cos(w)*a*b) / float64(len(e.heard))
}

// The filter tells these pitches apart: each has whole periods in what is heard last.
const low, middle, high = 400.0, 700.0, 1100.0

// once reports that a tone is there, and not louder than one microphone is. On a machine that is too busy to send and mix in time a tone has holes,
// by which it is weaker, and strays to other pitches.
func once(strength float64) bool { return strength > 0.3*loudness && strength < 1.25*loudness }

func silent(strength float64) bool { return strength < 0.12*loudness }

// nativeVoice publishes a tone as a client of another protocol.
func (h *house) nativeVoice(hertz float64) (*live.Participant, video.StreamID) {
	h.t.Helper()
	p, heard := h.native()
	c := &client{t: h.t}
	pc := c.connection()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "voice", "voice")
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		h.t.Fatal(err)
	}
	published, err := p.Publish(h.t.Context(), live.PublishRequest{Key: "self", Audio: &live.Line{MID: "0", Enabled: true}, Offer: c.offer(pc)}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c.remote(pc, webrtc.SDPTypeAnswer, published.Answer)
	hear[live.MediaConnected](h.t, heard)
	h.hum(hertz, track)
	return p, published.StreamID
}

// TestMixedAudio: everybody hears all others, once and as loud as they are, whatever they speak, and nobody itself.
func TestMixedAudio(t *testing.T) {
	h := newHouse(t)
	a, b := h.dial(), h.dial()
	a.enter()
	b.enter()
	_, tracks := a.open("self")
	published, _ := b.open("self")
	h.hum(low, a.up, tracks[0]) // the stream's sound is in the leg too
	h.hum(middle, b.up)         // and the leg is what counts
	native, camera := h.nativeVoice(high)

	atA, atB := h.ear(a), h.ear(b)
	atA.listen("b and the native one", func(s func(float64) float64) bool { return silent(s(low)) && once(s(middle)) && once(s(high)) })
	atB.listen("a and the native one", func(s func(float64) float64) bool { return once(s(low)) && silent(s(middle)) && once(s(high)) })

	b.ask(object{"janus": "detach", "handle_id": published}) // though it goes on humming, as the web client does
	atA.listen("the native one alone", func(s func(float64) float64) bool { return silent(s(low)) && silent(s(middle)) && once(s(high)) })
	only := video.Selection{IDs: []video.ParticipantID{video.ParticipantID(a.id)}}
	if _, err := h.host.Mute(t.Context(), h.room.ID, native.SessionID(), only); err != nil {
		t.Fatal(err)
	}
	atB.listen("the native one alone", func(s func(float64) float64) bool { return silent(s(low)) && silent(s(middle)) && once(s(high)) })
	off := false
	if err := native.UpdateStream(t.Context(), camera, &off, nil, nil); err != nil {
		t.Fatal(err)
	}
	atB.listen("silence", func(s func(float64) float64) bool { return silent(s(low)) && silent(s(high)) })
	if _, err := h.host.Unmute(t.Context(), h.room.ID, native.SessionID(), only); err != nil {
		t.Fatal(err)
	}
	atB.listen("a alone", func(s func(float64) float64) bool { return once(s(low)) && silent(s(high)) })
	if h.mixer.Mixes() != 1 {
		t.Errorf("there are %d mixes", h.mixer.Mixes())
	}
	_, _ = a.socket.CloseNow(), b.socket.CloseNow()
	for end := time.After(10 * time.Second); h.mixer.Mixes() != 0; {
		select {
		case <-end:
			t.Fatal("the mix stays after those who hear it")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
