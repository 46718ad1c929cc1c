package sfu

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/pion/datachannel"
	"github.com/pion/sctp"
)

const (
	// maxTextMessage is the longest text message, as the offer says.
	maxTextMessage = 256 << 10
	// textReceiveBytes is how much a client may have on the way to us at most, one message of more than it may included.
	textReceiveBytes = 1 << 20
	// textBacklog is how much may wait for a client that takes its messages slowly; what comes then is not sent.
	textBacklog = 1 << 20
	// textLabel is the channel that text goes to the client on.
	textLabel = "JanusDataChannel"
	// sendLabel is the channel of clients that only send on their own. They read one of ours.
	sendLabel = "sendDataChannel"
	// firstOwnChannel is the lowest id of a channel that the DTLS server opens (RFC 8832 section 6).
	firstOwnChannel = 1
)

// TextListener hears of a connection for text messages, from a goroutine of the connection.
type TextListener interface {
	// Text brings a message of the client's. It is the listener's from then on.
	Text(message []byte)
}

// textEnd is what a connection for text messages has beside its association.
type textEnd struct {
	listener TextListener // nil: the connection is none
	to       atomic.Pointer[datachannel.DataChannel]
}

func (d *dataEnd) messageBytes() int {
	if d.text.listener != nil {
		return maxTextMessage
	}
	return maxDataMessage
}

// serveText reads one channel of text messages until it is closed.
func (d *dataEnd) serveText(association *sctp.Association, channel *datachannel.DataChannel) {
	to := channel
	switch channel.Config.Label {
	case textLabel:
	case sendLabel:
		own, err := datachannel.Dial(association, firstOwnChannel, &datachannel.Config{Label: textLabel, LoggerFactory: quiet})
		if err != nil {
			return
		}
		to = own
	default:
		return
	}
	if !d.text.to.CompareAndSwap(nil, to) {
		return // there is one
	}
	defer d.text.to.CompareAndSwap(to, nil)
	b := make([]byte, 4<<10)
	for {
		n, isString, err := channel.ReadDataChannel(b)
		switch {
		case errors.Is(err, io.ErrShortBuffer) && len(b) < textReceiveBytes:
			b = make([]byte, 4*len(b)) // the message is still there
		case err != nil:
			return
		case isString:
			d.text.listener.Text(append([]byte(nil), b[:n]...))
		}
	}
}

// SendText sends a text message to the client, reliably and in order. It never waits. It reports false when the client has no channel,
// or so much waits for it that the message was not sent.
func (t *Transport) SendText(message []byte) bool {
	channel := t.data.text.to.Load()
	if channel == nil {
		return false
	}
	if waiting := channel.BufferedAmount(); waiting > 0 && waiting+uint64(len(message)) > textBacklog {
		t.engine.counters.dataDropped.Add(1)
		return false
	}
	_, err := channel.WriteDataChannel(message, true)
	return err == nil
}
