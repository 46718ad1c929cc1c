package signal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// lossNotice is how long a client may be gone before the others are told that it is.
const lossNotice = time.Second

// stay is a participant of this protocol, whichever socket it is at. It is what hears the notices, numbers them, and keeps
// what may have to be said again. At any time one connection stands in front of it; that one carries out requests.
// The fields below the line belong to the session loop.
type stay struct {
	id          video.ParticipantID
	room        video.RoomID
	key         stayKey
	participant *live.Participant // set when join has returned
	stays       *stays
	received    int64         // the highest id of a request taken up; belongs to the performer in front
	out         chan struct{} // closed when the participant is out of the session

	mu    sync.Mutex
	front *conn            // guarded by mu; nil once it is being given up
	left  video.LeftReason // guarded by mu; why it is out
	// ────────
	conn    *conn // where frames go
	seq     uint64
	backlog backlog
}

// stayKey is what the server keeps of a secret.
type stayKey [sha256.Size]byte

func newStay(c *conn, id video.ParticipantID) (s *stay, secret string) {
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	secret = base64.RawURLEncoding.EncodeToString(random)
	return &stay{id: id, room: c.grant.RoomID, key: keyOf(secret), stays: c.stays, out: make(chan struct{}), front: c, conn: c}, secret
}

func keyOf(secret string) stayKey { return sha256.Sum256([]byte(secret)) }

// Notify implements live.Listener. It runs in the session loop.
func (s *stay) Notify(n live.Notice) {
	switch n := n.(type) {
	case live.Removed:
		s.end(n.Reason)
	case live.MediaConnected:
		s.conn.logger.Debug("media connected")
	case live.MediaFailed:
		s.conn.logger.Info("media failed", "error", n.Err) // the client sees it too, and restarts ICE or leaves
	default:
		s.seq++
		s.send(sent{s.seq, true, noticeFrame{s.seq, n}})
	}
}

// What may wait for a client before it is given no more messages: those are the least that must arrive. Beyond what ws allows the
// connection is closed.
const (
	messagesWaiting     = 256
	messageBytesWaiting = 1 << 20
)

// Take implements live.ChoosyListener. It runs in the session loop.
func (s *stay) Take(n live.Notice) bool {
	frames, bytes := s.conn.socket.Waiting()
	if s.conn.socket.Err() != nil { // it is away, and may come back
		frames, bytes = len(s.backlog.frames), s.backlog.bytes
	}
	if frames >= messagesWaiting || frames > 0 && bytes+(noticeFrame{notice: n}).Size() > messageBytesWaiting {
		return false
	}
	s.Notify(n)
	return true
}

// answer sends the answer to a request. It runs in the session loop.
func (s *stay) answer(frame ws.Frame) { s.send(sent{s.seq, false, frame}) }

func (s *stay) send(frame sent) {
	s.conn.socket.Send(frame.frame)
	if s.conn.config.ResumeGrace > 0 {
		s.backlog.heard(s.conn.heard.Load())
		s.backlog.add(frame)
	}
}

// end is the last thing the session tells.
func (s *stay) end(reason video.LeftReason) {
	s.mu.Lock()
	s.left = reason
	s.mu.Unlock()
	s.backlog = backlog{}
	s.stays.end(s, reason)
	close(s.out)
	if closing, ok := removals[reason]; ok {
		s.conn.shut(closing)
	}
}

// claim puts a connection in front, and returns the one that was there. Error: why the participant is out.
func (s *stay) claim(c *conn) (before *conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.left != "":
		return nil, &removedError{s.left}
	case s.front == nil:
		return nil, errNotResumable
	}
	before, s.front = s.front, c
	close(before.replaced)
	return before, nil
}

// leftReason is why the participant is out of the session, if it is.
func (s *stay) leftReason() video.LeftReason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

// giveUp says that nobody may resume any more. It reports false if another connection is in front.
func (s *stay) giveUp(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.front != c {
		return false
	}
	s.front = nil
	return true
}

func (s *stay) isFront(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.front == c
}

// depart is the end of a connection: its participant leaves, unless another connection has taken it over or may still.
func (c *conn) depart() {
	if c.stay == nil {
		return
	}
	end := c.socket.Err()
	reason := leftReason(end)
	if c.config.ResumeGrace > 0 && resumable(end) {
		reason = c.awaitResume()
	}
	if reason != "" && c.stay.giveUp(c) {
		c.stay.participant.Leave(reason)
	}
}

// awaitResume waits for the client to come back, in the goroutine of the connection that was lost. It returns why the
// participant leaves, or nothing if it does not or has left.
func (c *conn) awaitResume() video.LeftReason {
	s := c.stay
	s.stays.lost.Add(1)
	s.stays.away.Add(1)
	defer s.stays.away.Add(-1)
	telling := time.NewTimer(lossNotice)
	defer telling.Stop()
	grace := time.NewTimer(c.config.ResumeGrace)
	defer grace.Stop()
	expiry := time.NewTimer(time.Until(c.grant.ExpiresAt) + c.config.TokenAllowance)
	defer expiry.Stop()
	for {
		select {
		case <-c.replaced:
			return ""
		case <-s.out:
			return ""
		case <-c.closing:
			return video.LeftServerShutdown
		case <-expiry.C:
			return video.LeftTokenExpired
		case <-grace.C:
			return video.LeftConnectionLost
		case <-telling.C:
			_ = s.participant.LoseConnection(context.Background(), func() bool { return s.isFront(c) })
		}
	}
}
