package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// native is a guest on our own protocol: one connection for everything.
type native struct {
	seat
	socket  *rig.Socket
	pc      *webrtc.PeerConnection
	sending *performance
	streams []string // of the others
}

func (n *native) enter(ctx context.Context) (err error) {
	if n.socket, err = rig.Dial(ctx, n.url, n.notice); err != nil {
		return err
	}
	if _, err := n.socket.Ask(ctx, "hello", rig.Object{"version": 1, "token": n.token}); err != nil {
		return err
	}
	joined, err := n.socket.Ask(ctx, "join", rig.Object{"participant_id": n.id})
	if err != nil {
		return err
	}
	streams, _ := joined["streams"].([]any)
	for _, s := range streams {
		stream, _ := s.(map[string]any)
		id, _ := stream["id"].(string)
		n.streams = append(n.streams, id)
	}
	return n.publish(ctx)
}

func (n *native) notice(content []byte) {
	var published struct {
		Type   string `json:"type"`
		Stream struct {
			ID string `json:"id"`
		} `json:"stream"`
	}
	if json.Unmarshal(content, &published) == nil && published.Type == "stream_published" {
		n.streams = append(n.streams, published.Stream.ID)
	}
}

func (n *native) publish(ctx context.Context) (err error) {
	if n.pc, err = n.stage.peer(); err != nil {
		return err
	}
	microphone, sound, err := addLine(n.pc, webrtc.MimeTypeOpus, webrtc.RTPTransceiverDirectionSendonly)
	if err != nil {
		return err
	}
	camera, picture, err := addLine(n.pc, webrtc.MimeTypeVP8, webrtc.RTPTransceiverDirectionSendonly)
	if err != nil {
		return err
	}
	offer, err := offerOf(n.pc)
	if err != nil {
		return err
	}
	if err := n.answered(n.socket.Ask(ctx, "publish", rig.Object{
		"key": "self", "sdp": offer,
		"audio": rig.Object{"mid": sound.Mid(), "enabled": true}, "video": rig.Object{"mid": picture.Mid(), "enabled": true},
	})); err != nil {
		return err
	}
	n.sending = n.perform(camera, microphone)
	return nil
}

func (n *native) answered(reply rig.Object, err error) error {
	if err != nil {
		return err
	}
	answer, _ := reply["sdp"].(string)
	return n.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

func (n *native) watch(ctx context.Context) error {
	for len(n.streams) < n.stage.people-1 { // all were told of before the others had their replies, so this reads what waits
		if _, err := n.socket.Ask(ctx, "ping", rig.Object{}); err != nil {
			return err
		}
	}
	for _, id := range n.streams {
		if _, err := n.socket.Ask(ctx, "subscribe", rig.Object{"stream_id": id, "audio": true, "video": true}); err != nil {
			return err
		}
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := n.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
				return err
			}
		}
	}
	offer, err := offerOf(n.pc)
	if err != nil {
		return err
	}
	return n.answered(n.socket.Ask(ctx, "offer", rig.Object{"sdp": offer}))
}

func (n *native) stay(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- n.socket.Listen(context.WithoutCancel(ctx)) }()
	ping := time.NewTicker(5 * time.Second)
	defer ping.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("ended early: %w", err)
		case <-ping.C:
			if err := n.socket.Send(ctx, "ping", rig.Object{}); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return n.leave(context.WithoutCancel(ctx), ended)
		}
	}
}

func (n *native) leave(ctx context.Context, ended <-chan error) error {
	if err := n.socket.Send(ctx, "leave", rig.Object{}); err != nil {
		return err
	}
	select {
	case err := <-ended:
		if closed, ok := errors.AsType[*rig.ClosedError](err); ok && closed.Reason == string(video.LeftByChoice) {
			return nil
		}
		return err
	case <-time.After(farewell):
		return errors.New("the server does not answer leave")
	}
}

func (n *native) close() {
	n.sending.end()
	if n.pc != nil {
		_ = n.pc.Close()
	}
	if n.socket != nil {
		n.socket.Close()
	}
}
