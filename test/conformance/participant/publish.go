package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// silence is an Opus frame of 20 ms in which nothing is heard.
var silence = media.Sample{Data: []byte{0xf8, 0xff, 0xfe}, Duration: 20 * time.Millisecond}

// publish publishes a stream of silence, which goes on until ctx ends, and returns the stream's id.
func publish(ctx context.Context, socket *rig.Socket, sending *sync.WaitGroup) (string, error) {
	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "self")
	if err != nil {
		return "", err
	}
	line, err := peer.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return "", err
	}
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	if err := peer.SetLocalDescription(offer); err != nil {
		return "", err
	}
	reply, err := socket.Ask(ctx, "publish", rig.Object{"key": "self", "audio": rig.Object{"mid": line.Mid(), "enabled": true}, "sdp": offer.SDP})
	if err != nil {
		return "", err
	}
	answer, _ := reply["sdp"].(string)
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	sending.Go(func() {
		defer func() { _ = peer.Close() }()
		for tick := time.NewTicker(silence.Duration); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				_ = track.WriteSample(silence) // nothing is lost with silence
			}
		}
	})
	id, _ := reply["stream_id"].(string)
	return id, nil
}
