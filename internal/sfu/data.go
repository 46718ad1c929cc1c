package sfu

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/logging"
	"github.com/pion/sctp"
	"github.com/pion/transport/v4/packetio"
)

const (
	// lossyLabel is the data channel on which clients send and receive what may get lost.
	lossyLabel = "lossy"
	// maxDataMessage is the longest message taken on a data channel, as the answer says (RFC 8841 section 6).
	maxDataMessage = 2 << 10
	// dataQueueBytes bounds the SCTP packets of a client that wait for its association; more are dropped, as in the network.
	dataQueueBytes = 64 << 10
	// dataReceiveBytes is how much a client may have on the way to us at most.
	dataReceiveBytes = 128 << 10
	// lossyBacklog is how much may wait for a client on its lossy channel; what comes then is dropped. It is a fifth of a second at
	// 1 Mbit/s: older data is worth less than new.
	lossyBacklog = 32 << 10
	// maxChannels is how many data channels one client may have open.
	maxChannels = 8
	// maxChannelsInAll is how many it may open over time; with more its association ends.
	maxChannelsInAll = 64
)

// dataEnd is the server's end of a connection's data channels (RFC 8831): SCTP over the DTLS that gave the keys for media. It costs
// nothing until the client has offered a line for data and begins an association. Packets come from the DTLS goroutine; one goroutine
// accepts channels, and one for each channel reads it.
type dataEnd struct {
	transport *Transport
	offered   atomic.Bool // a line for data was negotiated
	lossy     atomic.Pointer[datachannel.DataChannel]
	text      textEnd

	// Of the DTLS goroutine.
	queue   *packetio.Buffer // nil until the first packet
	running sync.WaitGroup
}

// receive takes what came through DTLS, from the DTLS goroutine alone.
func (d *dataEnd) receive(conn net.Conn, b []byte) {
	if !d.offered.Load() {
		return
	}
	if d.queue == nil {
		d.queue = packetio.NewBuffer()
		d.queue.SetLimitSize(dataQueueBytes)
		under := dataConn{conn, d.queue}
		d.running.Go(func() { d.run(under) })
	}
	_, _ = d.queue.Write(b) // full: it comes again
}

// stop ends the association, if there is one, and returns when nothing of it runs.
func (d *dataEnd) stop() {
	if d.queue != nil {
		_ = d.queue.Close()
		d.running.Wait()
	}
}

// run is the association, from the client's first packet to the end of the connection.
func (d *dataEnd) run(under net.Conn) {
	window := uint32(dataReceiveBytes)
	if d.text.listener != nil {
		window = textReceiveBytes
	}
	association, err := sctp.ServerWithOptions(
		sctp.WithNetConn(under), sctp.WithLoggerFactory(quiet),
		sctp.WithMaxReceiveBufferSize(window), sctp.WithMaxMessageSize(uint32(d.messageBytes())),
	)
	if err != nil {
		d.transport.log.Debug("no data association", "error", err)
		return
	}
	var channels sync.WaitGroup
	defer channels.Wait()
	defer func() { _ = association.Close() }()
	var open atomic.Int32
	for range maxChannelsInAll {
		stream, err := association.AcceptStream()
		if err != nil {
			return
		}
		if open.Add(1) > maxChannels {
			open.Add(-1)
			_ = stream.Close()
			continue
		}
		channels.Go(func() {
			defer open.Add(-1)
			d.serve(association, stream)
		})
	}
	_, _ = association.AcceptStream() // one too many, or the end
}

// serve reads one channel until it is closed. Those whose label means nothing to us are closed at once.
func (d *dataEnd) serve(association *sctp.Association, stream *sctp.Stream) {
	defer func() { _ = stream.Close() }()
	channel, err := datachannel.Server(stream, &datachannel.Config{LoggerFactory: quiet})
	if err != nil {
		return
	}
	if d.text.listener != nil {
		d.serveText(association, channel)
		return
	}
	if channel.Config.Label != lossyLabel {
		return
	}
	if !d.lossy.CompareAndSwap(nil, channel) {
		return // there is one
	}
	defer d.lossy.CompareAndSwap(channel, nil)
	var b [maxDataMessage]byte
	for {
		n, isString, err := channel.ReadDataChannel(b[:])
		switch {
		case err == io.ErrShortBuffer: //nolint:errorlint // returned as it is
			continue // longer than the answer allows
		case err != nil:
			return
		case !isString:
			d.transport.updates.Data(b[:n])
		}
	}
}

// SendData sends a message to the client on its lossy channel: once, out of order, maybe not at all. It never waits. It reports
// false when the client has no such channel, or is too slow and the message was dropped.
func (t *Transport) SendData(message []byte) bool {
	channel := t.data.lossy.Load()
	if channel == nil {
		return false
	}
	if channel.BufferedAmount() > lossyBacklog {
		t.engine.counters.dataDropped.Add(1)
		return false
	}
	_, err := channel.WriteDataChannel(message, false)
	if err == nil {
		t.engine.counters.dataSent.Add(1)
	}
	return err == nil
}

// dataConn is the DTLS connection as the SCTP library reads and writes it.
type dataConn struct {
	net.Conn
	queue *packetio.Buffer
}

// Read implements net.Conn.
func (c dataConn) Read(b []byte) (int, error) { return c.queue.Read(b) }

// Close implements net.Conn. The connection below goes on.
func (c dataConn) Close() error { return c.queue.Close() }

// SetReadDeadline implements net.Conn.
func (c dataConn) SetReadDeadline(t time.Time) error { return c.queue.SetReadDeadline(t) }

// quiet keeps the libraries' own lines out of the log: what they have to say comes back as an error.
var quiet = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
