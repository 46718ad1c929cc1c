package live

import (
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Data that may get lost travels beside the media connection's media (api/signalling.md, section 8): at most maxDatagram bytes, to at
// most maxDatagramRecipients participants by name. A client sends datagramRate a second, and datagramBurst at once.
const (
	maxDatagram           = 1200
	maxDatagramRecipients = 16
	datagramRate          = 200
	datagramBurst         = 400
	// datagramsWaiting bounds what waits for the loop of a session; what comes then is dropped.
	datagramsWaiting = 512
)

const datagramVersion = 1

// datagram is lossy data on its way through the session.
type datagram struct {
	from       *link
	topic      []byte
	recipients []video.ParticipantID // none: everybody
	payload    []byte
}

// parseDatagram reads what a client sent: version, length of the topic, topic, number of recipients, their ids, data. It copies.
func parseDatagram(b []byte) (d datagram, ok bool) {
	if len(b) < 3 || b[0] != datagramVersion {
		return d, false
	}
	b = slices.Clone(b[1:])
	size := int(b[0])
	if b = b[1:]; size > video.MaxTopicBytes || len(b) < size+1 {
		return d, false
	}
	d.topic, b = b[:size:size], b[size:]
	count := int(b[0])
	if b = b[1:]; count > maxDatagramRecipients || len(b) < 16*count {
		return d, false
	}
	for range count {
		d.recipients = append(d.recipients, participantOf([16]byte(b)))
		b = b[16:]
	}
	d.payload = b
	return d, len(b) <= maxDatagram
}

// render writes what receivers get: version, length of the topic, topic, the sender's id, whether it is to everybody, data.
func (d *datagram) render(from video.ParticipantID) []byte {
	b := append(make([]byte, 0, 20+len(d.topic)+len(d.payload)), datagramVersion, byte(len(d.topic)))
	b = append(b, d.topic...)
	id := bytesOf(from)
	b = append(b, id[:]...)
	b = append(b, byte(min(len(d.recipients), 1)))
	return append(b, d.payload...)
}

func participantOf(b [16]byte) video.ParticipantID {
	x := hex.EncodeToString(b[:])
	return video.ParticipantID(x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:])
}

func bytesOf(id video.ParticipantID) (b [16]byte) {
	var digits []byte
	for _, c := range []byte(id) {
		if c != '-' {
			digits = append(digits, c)
		}
	}
	_, _ = hex.Decode(b[:], digits[:min(len(digits), 32)])
	return b
}

// lossyAllowance is how much lossy data a client may still send. Data comes from a goroutine of the transport.
type lossyAllowance struct {
	mu sync.Mutex
	of allowance // guarded by mu
}

func (a *lossyAllowance) spend(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of.spendOf(1, datagramRate, datagramBurst, now)
}

// Data implements TransportUpdates. What is malformed, or more than the client may send, is dropped.
func (r *reporter) Data(message []byte) {
	l := r.link
	if l.participant == nil || !l.lossy.spend(time.Now()) {
		return
	}
	d, ok := parseDatagram(message)
	if !ok {
		return
	}
	d.from = l
	u := &l.session.updates
	u.mu.Lock()
	if len(u.datagrams) < datagramsWaiting {
		u.datagrams = append(u.datagrams, d)
	}
	u.mu.Unlock()
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// forward finds out whom lossy data is for, and hands it on. It runs in the loop.
func (s *session) forward(d *datagram) {
	from := d.from.participant
	if !from.in || from.expelled || !from.grant.Grants.SendMessages {
		return
	}
	to := make([]Transport, 0, len(s.members))
	for _, m := range s.members {
		wanted := len(d.recipients) == 0 || slices.Contains(d.recipients, m.presence.ID)
		if m != from && wanted && m.presence.ReceivesMessages && !m.expelled {
			to = append(to, m.transport)
		}
	}
	s.deliverLossy(delivery{d.render(from.presence.ID), to})
}
