package main

import (
	"github.com/rotunda-rtc/rotunda/internal/janus"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// textConnection is a connection of the engine for nothing but text messages, as the Janus dialect asks for it.
type textConnection struct{ *sfu.Transport }

// Offer makes the server's offer.
func (c textConnection) Offer() (string, error) { return c.OfferText() }

// Send sends a message, if the client takes it.
func (c textConnection) Send(message []byte) bool { return c.SendText(message) }

// openText makes a text connection. It is in a session of its own: it has no streams.
func (m media) openText(listener janus.TextListener) (janus.TextChannel, error) {
	transport, err := m.Engine.NewTransport(sfu.TransportConfig{
		Session: video.SessionID(video.NewUUID()), Updates: noUpdates{}, Text: listener,
	})
	if err != nil {
		return nil, err
	}
	return textConnection{transport}, nil
}

// noUpdates is for connections whose fate shows in what they carry.
type noUpdates struct{}

func (noUpdates) LinesWanted(int, int)             {}
func (noUpdates) Receiving([]video.ReceiveLine)    {}
func (noUpdates) Connected()                       {}
func (noUpdates) Failed(error)                     {}
func (noUpdates) Layer(video.StreamID, string)     {}
func (noUpdates) Data([]byte)                      {}
func (noUpdates) Paused(video.StreamID, bool)      {}
func (noUpdates) LayersWanted(video.StreamID, int) {}
