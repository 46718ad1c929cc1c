package main

import (
	"context"
	"fmt"

	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// dialect is a guest on the dialect: connections for the mix, for its own stream, and for each stream of the others. It does as the web client
// does, without messages.
type dialect struct {
	seat
	gate        *gateway
	connections []*webrtc.PeerConnection
	mix         line // of its own sound
	sending     *performance
	feeds       []float64 // streams of the others
}

const selfStream = `,"stream":{"id":"beef0000-0000-4000-8000-000000000000","key":%q,"isAudioEnabled":true,"isVideoEnabled":%t}`

func (d *dialect) enter(ctx context.Context) (err error) {
	if d.gate, err = openGateway(ctx, d.url, d.room, d.token, d.pushed); err != nil {
		return err
	}
	if _, _, err := d.gate.attach(ctx, "audiobridge", rig.Object{
		"request": "join", "room": d.room, "display": show(d.id, `,"canReceiveMessages":true`), "muted": true,
	}); err != nil {
		return err
	}
	_, joined, err := d.gate.attach(ctx, "videoroom", rig.Object{"request": "join", "room": d.room, "ptype": "publisher", "display": show(d.id, "")})
	if err != nil {
		return err
	}
	d.pushed(joined.Plugin.Data)
	if err := d.openMix(ctx); err != nil {
		return fmt.Errorf("open the mix: %w", err)
	}
	return d.publish(ctx)
}

// pushed notes the streams of others.
func (d *dialect) pushed(said data) {
	publishers, _ := said["publishers"].([]any)
	for _, p := range publishers {
		if feed, ok := p.(map[string]any); ok && showsOwner(feed["display"]) != d.id {
			d.feeds = append(d.feeds, data(feed).number("id"))
		}
	}
}

func (d *dialect) connection() (*webrtc.PeerConnection, error) {
	pc, err := d.stage.peer()
	if err == nil {
		d.connections = append(d.connections, pc)
	}
	return pc, err
}

func (d *dialect) openMix(ctx context.Context) error {
	display := show(d.id, fmt.Sprintf(selfStream, "audiobridge", false))
	handle, _, err := d.gate.attach(ctx, "audiobridge", rig.Object{"request": "join", "room": d.room, "display": display})
	if err != nil {
		return err
	}
	pc, err := d.connection()
	if err != nil {
		return err
	}
	if d.mix, _, err = addLine(pc, webrtc.MimeTypeOpus, webrtc.RTPTransceiverDirectionSendrecv); err != nil {
		return err
	}
	return d.offer(ctx, handle, pc, rig.Object{"request": "configure", "display": display})
}

func (d *dialect) offer(ctx context.Context, handle float64, pc *webrtc.PeerConnection, body rig.Object) error {
	offer, err := offerOf(pc)
	if err != nil {
		return err
	}
	answer, err := d.gate.tell(ctx, handle, body, "offer", offer)
	if err != nil {
		return err
	}
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.Description.SDP})
}

// publish sends the microphone twice, as the web client does: in the stream, and up to the mix.
func (d *dialect) publish(ctx context.Context) error {
	display := show(d.id, fmt.Sprintf(selfStream, "self", true))
	handle, _, err := d.gate.attach(ctx, "videoroom", rig.Object{"request": "join", "room": d.room, "ptype": "publisher", "display": display})
	if err != nil {
		return err
	}
	pc, err := d.connection()
	if err != nil {
		return err
	}
	microphone, _, err := addLine(pc, webrtc.MimeTypeOpus, webrtc.RTPTransceiverDirectionSendonly)
	if err != nil {
		return err
	}
	camera, _, err := addLine(pc, webrtc.MimeTypeVP8, webrtc.RTPTransceiverDirectionSendonly)
	if err != nil {
		return err
	}
	configure := func() rig.Object {
		return rig.Object{"request": "configure", "audio": true, "video": true, "display": display}
	}
	if err := d.offer(ctx, handle, pc, configure()); err != nil {
		return err
	}
	d.sending = d.perform(camera, microphone, d.mix)
	_, err = d.gate.tell(ctx, handle, configure())
	return err
}

func (d *dialect) watch(ctx context.Context) error {
	for len(d.feeds) < d.stage.people-1 {
		if _, err := d.gate.read(ctx); err != nil {
			return fmt.Errorf("await streams, of which %d are there: %w", len(d.feeds), err)
		}
	}
	for _, feed := range d.feeds {
		if err := d.subscribe(ctx, feed); err != nil {
			return err
		}
	}
	return nil
}

// subscribe takes the picture of a stream, whose sound is in the mix.
func (d *dialect) subscribe(ctx context.Context, feed float64) error {
	handle, attached, err := d.gate.attach(ctx, "videoroom", rig.Object{
		"request": "join", "room": d.room, "ptype": "subscriber", "feed": feed, "audio": d.stage.twice, "video": true,
	})
	if err != nil {
		return err
	}
	pc, err := d.connection()
	if err != nil {
		return err
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: attached.Description.SDP}); err != nil {
		return err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := pc.SetLocalDescription(answer); err != nil {
		return err
	}
	_, err = d.gate.tell(ctx, handle, rig.Object{"request": "start", "room": d.room}, "answer", answer.SDP)
	return err
}

func (d *dialect) stay(ctx context.Context) error { return d.gate.stay(ctx) }

func (d *dialect) close() {
	d.sending.end()
	for _, pc := range d.connections {
		_ = pc.Close()
	}
	if d.gate != nil {
		_ = d.gate.conn.CloseNow()
	}
}
