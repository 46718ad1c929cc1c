package livetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Transport is one of a Media's transports.
type Transport struct {
	media  *Media
	config live.TransportConfig

	// guarded by media.mu
	lines         map[string]video.Kind // receive lines by mid
	carries       map[string]video.StreamID
	order         []string
	published     map[video.StreamID]video.Lines
	taps          map[Gate]packet.Sink
	gates         map[Gate]bool
	subscriptions []video.Subscription
	closed        bool
	data          [][]byte // what SendData was given
	mixed         map[video.StreamID]packet.Sink
	leg           packet.Sink // nil while it is not open
}

// SendData implements live.Transport.
func (t *Transport) SendData(message []byte) bool {
	t.media.mu.Lock()
	held := t.media.held
	t.media.mu.Unlock()
	if held != nil {
		<-held
	}
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	t.data = append(t.data, message)
	return true
}

// Data returns the lossy messages that the client was sent.
func (t *Transport) Data() [][]byte {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	return slices.Clone(t.data)
}

// Updates returns whom the transport reports to, so that a test can report.
func (t *Transport) Updates() live.TransportUpdates { return t.config.Updates }

// Participant returns for whom the transport is.
func (t *Transport) Participant() video.ParticipantID { return t.config.Participant }

// Gate reports whether media of that kind is let through.
func (t *Transport) Gate(stream video.StreamID, kind video.Kind) bool {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	return t.gates[Gate{stream, kind}]
}

// Closed reports whether Close was called.
func (t *Transport) Closed() bool {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	return t.closed
}

// Subscriptions returns what is subscribed.
func (t *Transport) Subscriptions() []video.Subscription {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	return slices.Clone(t.subscriptions)
}

// Negotiate implements live.Transport: it takes every line of the offer that only receives, and refuses what is no SDP.
func (t *Transport) Negotiate(ctx context.Context, offer string) (string, error) {
	if hook := t.media.OnNegotiate; hook != nil {
		if err := hook(ctx, t.config.Participant, offer); err != nil {
			return "", err
		}
	}
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(offer); err != nil {
		return "", fmt.Errorf("parse offer: %w", err)
	}
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if t.closed {
		return "", errors.New("transport closed")
	}
	for _, line := range parsed.MediaDescriptions {
		mid, _ := line.Attribute("mid")
		if _, receives := line.Attribute("recvonly"); !receives || slices.Contains(t.order, mid) {
			continue
		}
		t.lines[mid] = video.Kind(line.MediaName.Media)
		t.order = append(t.order, mid)
	}
	t.assign()
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=lines:%d\r\n", len(parsed.MediaDescriptions)), nil
}

// Offer implements live.Transport.
func (t *Transport) Offer() (string, error) {
	return "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=offer\r\n", nil
}

// Accept implements live.Transport: the lines of the answer receive.
func (t *Transport) Accept(ctx context.Context, answer string) error {
	_, err := t.Negotiate(ctx, answer)
	return err
}

// assign gives free lines to subscriptions without and reports what changed. media.mu is held.
func (t *Transport) assign() {
	changed, wanted := false, map[video.Kind]int{}
	for mid, stream := range t.carries {
		if !slices.ContainsFunc(t.subscriptions, func(s video.Subscription) bool { return s.StreamID == stream }) {
			delete(t.carries, mid)
			changed = true
		}
	}
	for _, s := range t.subscriptions {
		for _, kind := range []video.Kind{video.Audio, video.Video} {
			wanted[kind]++
			if t.lineOf(s.StreamID, kind) != "" {
				continue
			}
			if i := slices.IndexFunc(t.order, func(mid string) bool { return t.lines[mid] == kind && t.carries[mid] == "" }); i >= 0 {
				t.carries[t.order[i]] = s.StreamID
				changed = true
			}
		}
	}
	have := map[video.Kind]int{}
	for _, kind := range t.lines {
		have[kind]++
	}
	if wanted[video.Audio] > have[video.Audio] || wanted[video.Video] > have[video.Video] {
		t.config.Updates.LinesWanted(max(wanted[video.Audio], have[video.Audio]), max(wanted[video.Video], have[video.Video]))
	}
	if changed {
		t.config.Updates.Receiving(t.receiving())
	}
}

func (t *Transport) lineOf(stream video.StreamID, kind video.Kind) string {
	for mid, carried := range t.carries {
		if carried == stream && t.lines[mid] == kind {
			return mid
		}
	}
	return ""
}

func (t *Transport) receiving() []video.ReceiveLine {
	lines := []video.ReceiveLine{}
	for _, mid := range t.order {
		if stream := t.carries[mid]; stream != "" {
			lines = append(lines, video.ReceiveLine{MID: mid, StreamID: stream, Kind: t.lines[mid]})
		}
	}
	return lines
}

// Publish implements live.Transport.
func (t *Transport) Publish(stream video.StreamID, lines video.Lines) error {
	if hook := t.media.OnPublish; hook != nil {
		if err := hook(stream); err != nil {
			return err
		}
	}
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	t.published[stream] = lines
	return nil
}

// SetGate implements live.Transport.
func (t *Transport) SetGate(stream video.StreamID, kind video.Kind, open bool) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	t.gates[Gate{stream, kind}] = open
}

// Record implements live.Transport.
func (t *Transport) Record(stream video.StreamID, audio, picture packet.Sink) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if _, published := t.published[stream]; !published {
		return
	}
	for kind, sink := range map[video.Kind]packet.Sink{video.Audio: audio, video.Video: picture} {
		delete(t.taps, Gate{stream, kind})
		if sink != nil {
			t.taps[Gate{stream, kind}] = sink
			sink.Source(packet.Source{Keyframe: func() {}})
		}
	}
}

// Mix implements live.Transport.
func (t *Transport) Mix(stream video.StreamID, audio packet.Sink) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if _, published := t.published[stream]; published {
		t.mixed[stream] = audio
	}
}

// Leg implements live.Transport.
func (t *Transport) Leg(sink packet.Sink, open bool) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if t.leg = sink; !open {
		t.leg = nil
	}
}

// SendMixed implements live.MixReceiver.
func (t *Transport) SendMixed(uint64, uint32, bool, []byte) {}

// VideoCodec implements live.Transport.
func (t *Transport) VideoCodec(stream video.StreamID) string {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if t.published[stream].VideoMID == "" {
		return ""
	}
	return t.media.VideoCodec
}

// ReceiveLeg gives a packet to whom the two-way line is given, if it is open.
func (t *Transport) ReceiveLeg(m *packet.Media) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if t.leg != nil {
		t.leg.Take(m)
	}
}

// Receive gives a packet to whoever records the stream or mixes its audio, if its gate is open.
func (t *Transport) Receive(stream video.StreamID, kind video.Kind, m *packet.Media) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if sink := t.mixed[stream]; sink != nil && kind == video.Audio && t.gates[Gate{stream, kind}] {
		sink.Take(m)
	}
	if sink := t.taps[Gate{stream, kind}]; sink != nil && t.gates[Gate{stream, kind}] {
		sink.Take(m)
	}
}

// Recorded returns how many kinds of the stream have a sink.
func (t *Transport) Recorded(stream video.StreamID) (n int) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	for gate := range t.taps {
		if gate.Stream == stream {
			n++
		}
	}
	return n
}

// Unpublish implements live.Transport; subscribers of the stream get their lines back.
func (t *Transport) Unpublish(stream video.StreamID) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	t.unpublish(stream)
}

func (t *Transport) unpublish(stream video.StreamID) {
	delete(t.published, stream)
	delete(t.taps, Gate{stream, video.Audio})
	delete(t.taps, Gate{stream, video.Video})
	delete(t.mixed, stream)
	for _, other := range t.media.transports {
		if !other.closed && other.config.Session == t.config.Session {
			other.drop(stream)
		}
	}
}

func (t *Transport) drop(stream video.StreamID) {
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(s video.Subscription) bool { return s.StreamID == stream })
	t.assign()
}

// Subscribe implements live.Transport.
func (t *Transport) Subscribe(subscription video.Subscription) error {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	live := slices.ContainsFunc(t.media.transports, func(other *Transport) bool {
		_, ok := other.published[subscription.StreamID]
		return ok && other.config.Session == t.config.Session
	})
	if !live {
		return errors.New("no such stream")
	}
	i := slices.IndexFunc(t.subscriptions, func(s video.Subscription) bool { return s.StreamID == subscription.StreamID })
	if i >= 0 {
		t.subscriptions[i] = subscription
	} else {
		t.subscriptions = append(t.subscriptions, subscription)
	}
	t.assign()
	return nil
}

// Unsubscribe implements live.Transport.
func (t *Transport) Unsubscribe(stream video.StreamID) {
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	t.drop(stream)
}

// Close implements live.Transport.
func (t *Transport) Close() {
	if hook := t.media.OnClose; hook != nil {
		hook(t.config.Participant)
	}
	t.media.mu.Lock()
	defer t.media.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	for stream := range t.published {
		t.unpublish(stream)
	}
}
