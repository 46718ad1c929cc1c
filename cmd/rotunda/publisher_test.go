package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	samples "github.com/pion/webrtc/v4/pkg/media"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
)

// publisher is software that publishes sound and pictures over WHIP.
type publisher struct {
	pc      *webrtc.PeerConnection
	url     string // of the resource
	token   string
	stop    context.CancelFunc
	sending sync.WaitGroup
}

var mimes = map[packet.Codec]string{packet.CodecVP8: webrtc.MimeTypeVP8, packet.CodecH264: webrtc.MimeTypeH264, packet.CodecOpus: webrtc.MimeTypeOpus}

// publish enters a room under a name and sends until it is ended. An error is why it could not; the server may die over it.
func publish(t testing.TB, s *server, token, room, name string, pictures packet.Codec) (*publisher, error) {
	var setting webrtc.SettingEngine
	setting.SetIncludeLoopbackCandidate(true)
	setting.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(setting)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	p := &publisher{pc: pc, token: token, stop: func() {}}
	t.Cleanup(p.vanish)
	connected := make(chan struct{})
	var once sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	clips := []*packettest.Clip{packettest.Tone(t, 250), packettest.Video(t, pictures, 320, 180, 125, 25)}
	tracks := make([]*webrtc.TrackLocalStaticSample, len(clips))
	for i, clip := range clips {
		codec := webrtc.RTPCodecCapability{MimeType: mimes[clip.Codec], ClockRate: clip.ClockRate}
		tracks[i], err = webrtc.NewTrackLocalStaticSample(codec, name+mimes[clip.Codec], name)
		if err != nil {
			return nil, p.failed(err)
		}
		line, err := pc.AddTransceiverFromTrack(tracks[i], webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return nil, p.failed(err)
		}
		p.sending.Go(func() { // reports pass the interceptors only when they are read
			for b := make([]byte, 1500); ; {
				if _, _, err := line.Sender().Read(b); err != nil {
					return
				}
			}
		})
	}
	if err := p.offer(s.url, "/rooms/"+room+"/whip/"+name); err != nil {
		return nil, p.failed(err)
	}
	select {
	case <-connected:
	case <-time.After(15 * time.Second):
		return nil, p.failed(context.DeadlineExceeded)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	for i, clip := range clips {
		p.sending.Go(func() { play(ctx, tracks[i], clip) })
	}
	return p, nil
}

func (p *publisher) failed(err error) error {
	p.vanish()
	return err
}

func (p *publisher) offer(server, path string) error {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	status, location, answer, err := p.ask(http.MethodPost, server+path, p.pc.LocalDescription().SDP)
	if err != nil {
		return err
	}
	if status != http.StatusCreated {
		return &refusedError{answer}
	}
	p.url = server + location
	return p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

type refusedError struct{ answer string }

func (r *refusedError) Error() string { return r.answer }

func (p *publisher) ask(method, url, body string) (status int, location, answer string, err error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", "", err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/sdp")
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Location"), string(b), err
}

// play sends a clip at its pace, over and over.
func play(ctx context.Context, track *webrtc.TrackLocalStaticSample, clip *packettest.Clip) {
	every := time.Duration(clip.Step) * time.Second / time.Duration(clip.ClockRate)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = track.WriteSample(samples.Sample{Data: clip.Frames[i%len(clip.Frames)], Duration: every}) // a server that died hears nothing
	}
}

// end leaves the room.
func (p *publisher) end() {
	if p.url != "" {
		_, _, _, _ = p.ask(http.MethodDelete, p.url, "") // the server may be gone
	}
	p.vanish()
}

// vanish is what a client does that is killed. It may be called again.
func (p *publisher) vanish() {
	p.stop()
	_ = p.pc.Close()
	p.sending.Wait()
}
