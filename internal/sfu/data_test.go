package sfu

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// dataPeer is a real client with a data channel of this label, and what it received.
func dataPeer(t *testing.T, e *Engine, label string) (*peer, *webrtc.DataChannel, chan []byte) {
	t.Helper()
	p := newPeer(t, e, "s")
	never, unordered := uint16(0), false
	channel, err := p.pc.CreateDataChannel(label, &webrtc.DataChannelInit{Ordered: &unordered, MaxRetransmits: &never})
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte, 1024)
	channel.OnMessage(func(m webrtc.DataChannelMessage) { received <- m.Data })
	return p, channel, received
}

// TestLossyData goes both ways over the connection of media, whether or not there is any media, and whether the line came with the
// first offer or later.
func TestLossyData(t *testing.T) {
	e := newEngine(t)
	alone, channel, received := dataPeer(t, e, lossyLabel)
	opened := make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	alone.negotiate()
	within(t, opened, "the channel")
	if err := channel.Send([]byte("up")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the message", func() bool { return slices.Equal(alone.messages(), []string{"up"}) })
	if !alone.transport.SendData([]byte("down")) {
		t.Fatal("not sent")
	}
	if got := within(t, received, "the answer"); string(got) != "down" {
		t.Fatalf("got %q", got)
	}

	later := newPeer(t, e, "s")
	track, line := later.send(webrtc.MimeTypeVP8)
	later.negotiate()
	within(t, later.connected, "the connection")
	if later.transport.SendData([]byte("too early")) {
		t.Fatal("sent to a client without a channel")
	}
	channel, err := later.pc.CreateDataChannel(lossyLabel, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened = make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	later.negotiate()
	within(t, opened, "the later channel")
	if err := channel.Send(bytes.Repeat([]byte{7}, maxDataMessage)); err != nil {
		t.Fatal(err)
	}
	if err := channel.SendText("text is for nobody here"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the longest message", func() bool { return len(later.messages()) == 1 })
	if err := later.transport.Publish("camera", video.Lines{VideoMID: line.Mid()}); err != nil {
		t.Fatal(err)
	}
	before := e.Stats().PacketsReceived
	later.stream(track, 10)
	eventually(t, "media beside data", func() bool { return e.Stats().PacketsReceived > before+10 })
}

// TestSlowReceiverOfData: what a client does not take is dropped, here and at once, and nothing else is kept waiting.
func TestSlowReceiverOfData(t *testing.T) {
	e := newEngine(t)
	p, channel, received := dataPeer(t, e, lossyLabel)
	opened := make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	p.negotiate()
	within(t, opened, "the channel")
	eventually(t, "our end", func() bool { return p.transport.SendData([]byte("one")) })
	within(t, received, "a message")
	way := p.transport.ice.chosen.Swap(nil) // the network is gone
	dropped := 0
	for range 200 {
		if !p.transport.SendData(make([]byte, 1200)) {
			dropped++
		}
	}
	if n := e.Stats().DataDropped; n != uint64(dropped) {
		t.Errorf("%d counted as dropped, %d were", n, dropped)
	}
	if waiting := 200 - dropped; waiting*1200 > lossyBacklog+2400 || dropped == 0 {
		t.Errorf("%d of 200 messages wait for a client that takes none", waiting)
	}
	p.transport.ice.chosen.Store(way)
}

// TestOtherChannelsAreClosed: those with a label of no meaning here, and a second lossy one.
func TestOtherChannelsAreClosed(t *testing.T) {
	e := newEngine(t)
	p, channel, _ := dataPeer(t, e, "chat")
	closed := make(chan struct{})
	channel.OnClose(func() { close(closed) })
	p.negotiate()
	within(t, closed, "the end of the channel")
	if got := p.messages(); len(got) != 0 {
		t.Errorf("received %q", got)
	}
}

// TestDataEndsWithTooManyChannels: the library remembers each channel until the client agrees that it is closed, which not all do.
func TestDataEndsWithTooManyChannels(t *testing.T) {
	e := newEngine(t)
	p, channel, _ := dataPeer(t, e, lossyLabel)
	opened := make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	p.negotiate()
	within(t, opened, "the channel")
	eventually(t, "our end", func() bool { return p.transport.SendData([]byte("one")) })
	for range maxChannelsInAll {
		if _, err := p.pc.CreateDataChannel("chat", nil); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the end of data", func() bool { return !p.transport.SendData([]byte("more")) })
}

func TestDataLineIsAnswered(t *testing.T) {
	tr, _ := newTransportOf(t, newEngine(t))
	answer, err := tr.Negotiate(t.Context(), readOffer(t, "chromium"))
	if err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(answer, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")
	for _, part := range []string{"a=mid:4\r\n", "a=sctp-port:5000\r\n", "a=max-message-size:2048\r\n", "a=setup:passive\r\n"} {
		if !strings.Contains(data, part) {
			t.Errorf("no %q in the answer's last line:\n%s", part, data)
		}
	}
}
