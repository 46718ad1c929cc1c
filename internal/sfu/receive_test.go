package sfu

import (
	"net/netip"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// FuzzReceive lets any datagram arrive from strangers and from clients, secured or not, as it is and as the plain text of what a
// client encrypted. Nothing may panic.
func FuzzReceive(f *testing.F) {
	for _, p := range []rtp.Packet{
		{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 500, SequenceNumber: 1}, Payload: vp8Frame(1, true, 1, 2)},
		{Header: rtp.Header{Version: 2, PayloadType: 97, SSRC: 501, SequenceNumber: 1}, Payload: []byte{0, 3, 0x90, 0x80, 0x81, 2, 0}},
		{Header: rtp.Header{Version: 2, PayloadType: 102, SSRC: 9, SequenceNumber: 1}, Payload: []byte{0x78, 0, 2, 0x67, 1}},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(append([]byte{b[0] | 0x10}, append(b[1:12:12], append([]byte{0xbe, 0xde, 0, 2, 0x10, '0', 0x20, 'f', 0x31, 0, 1, 0}, b[12:]...)...)...))
	}
	for _, p := range []rtcp.Packet{
		nack(1, 1, 2, 3), &rtcp.PictureLossIndication{MediaSSRC: 1}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 1}}},
		&rtcp.SenderReport{SSRC: 500, NTPTime: 1 << 63, RTPTime: 7}, &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 1}}},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("a:b"), stun.NewShortTermIntegrity("c"), stun.Fingerprint).Raw)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2000 {
			return
		}
		e := newEngine(t)
		e.stop()
		e.closeSockets()
		e.running.Wait()
		stranger, waiting, secured := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"), netip.MustParseAddrPort("127.0.0.1:3")
		open, _ := newTransportOf(t, e)
		e.learn(waiting, open)
		client := securedTransport(t, e, "s", secured, newWatcher())
		e.learn(secured, client)
		w := &wire{watcher: newWatcher(), t: t, engine: e, transport: client, encrypt: testContext(t)}
		l := videoLine("0", 500)
		l.ssrc.rtx = 501
		l.extensions = map[string]uint8{extMID: idMID, extRID: idRID, extTransportCC: idSequence}
		other := withDirection(videoLine("1", 0), "sendonly")
		other.rids = []string{"f", "h"}
		other.formats = []format{{codec: h264, payloadType: 102, clockRate: 90000}}
		w.offer(withDirection(l, "sendonly"), other)
		w.publish("camera", video.Lines{VideoMID: "0"})
		s := e.sockets[0]
		for _, from := range []netip.AddrPort{stranger, waiting, secured} {
			feed(s, b, from, e.Now())
		}
		if sealed, err := w.encrypt.EncryptRTP(nil, b, nil); err == nil {
			feed(s, sealed, secured, e.Now())
		}
		if sealed, err := w.encrypt.EncryptRTCP(nil, b, nil); err == nil && len(b) >= 8 {
			feed(s, sealed, secured, e.Now())
		}
		client.tick(newBatch(e), nil, e.Now()+1e9, true, false)
	})
}
