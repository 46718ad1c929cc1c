package live

import (
	"context"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MaxRecipients is the number of participants one message may name.
const MaxRecipients = 256

// What one participant may send of messages and reliable data, in bytes: so much a second, and so much at once after a rest.
// Each counts for at least messageFloor.
const (
	messageRate  = 512 << 10
	messageBurst = 2 << 20
	messageFloor = 1 << 10
)

// SendMessage sends body, a JSON value of at most video.MaxMessageBytes, to everyone who receives messages, the sender
// included, or to the recipients alone. Those it does not reach are returned: recipients who are not here or do not receive
// messages, and whoever is so slow that too much waits already. A message to everyone skips those who do not receive messages
// silently. Messages and data of one sender arrive in the order sent. Errors: forbidden, too_large, too_many, rate_limited.
func (p *Participant) SendMessage(
	ctx context.Context, body []byte, recipients []video.ParticipantID, then func(missed []video.ParticipantID),
) (missed []video.ParticipantID, err error) {
	if len(body) > video.MaxMessageBytes {
		return nil, video.Errorf(video.CodeTooLarge, "the message is longer than %d bytes", video.MaxMessageBytes).WithField("/message")
	}
	return p.send(ctx, len(body), recipients, then, func(to []video.ParticipantID, at time.Time) Notice {
		return Message{From: p.ID(), Body: body, Recipients: to, SentAt: at}
	})
}

// SendData sends bytes, at most video.MaxMessageBytes, as SendMessage does. The topic is the application's own word, of at most
// video.MaxTopicBytes. The sender does not get its own. Errors: as there.
func (p *Participant) SendData(
	ctx context.Context, payload []byte, topic string, recipients []video.ParticipantID, then func(missed []video.ParticipantID),
) (missed []video.ParticipantID, err error) {
	switch {
	case len(payload) > video.MaxMessageBytes:
		return nil, video.Errorf(video.CodeTooLarge, "the data is longer than %d bytes", video.MaxMessageBytes).WithField("/data")
	case len(topic) > video.MaxTopicBytes:
		return nil, video.Errorf(video.CodeTooLarge, "the topic is longer than %d bytes", video.MaxTopicBytes).WithField("/topic")
	}
	return p.send(ctx, len(payload), recipients, then, func(to []video.ParticipantID, at time.Time) Notice {
		return Data{From: p.ID(), Topic: topic, Payload: payload, Recipients: to, SentAt: at}
	})
}

func (p *Participant) send(
	ctx context.Context, size int, recipients []video.ParticipantID, then func(missed []video.ParticipantID),
	notice func([]video.ParticipantID, time.Time) Notice,
) (missed []video.ParticipantID, err error) {
	if len(recipients) > MaxRecipients {
		return nil, video.Errorf(video.CodeTooMany, "a message names at most %d recipients", MaxRecipients).WithField("/recipients")
	}
	recipients = distinct(recipients)
	err = p.do(ctx, func() error {
		m, s := p.m, p.m.session
		switch {
		case !m.grant.Grants.SendMessages:
			return forbidden("sending messages")
		case !m.outgoing.spend(max(size, messageFloor), time.Now()):
			return video.Errorf(video.CodeRateLimited, "a participant sends at most %d KiB of messages a second", messageRate>>10)
		}
		n := notice(recipients, s.host.now())
		missed = s.deliver(n, m, recipients)
		if then != nil {
			then(missed)
		}
		if _, ok := n.(Message); ok && m.presence.ReceivesMessages && (len(recipients) == 0 || slices.Contains(recipients, m.presence.ID)) {
			m.listener.Notify(n)
		}
		return nil
	})
	return missed, err
}

// deliver gives a message to all it is for but its sender, and returns those it does not reach. It runs in the loop.
func (s *session) deliver(n Notice, from *member, recipients []video.ParticipantID) (missed []video.ParticipantID) {
	to := s.members
	if len(recipients) > 0 {
		to, missed = s.reachable(recipients)
	}
	for _, m := range to {
		if m == from || !m.presence.ReceivesMessages || m.expelled {
			continue
		}
		if !m.takes(n) {
			missed = append(missed, m.presence.ID)
		}
	}
	return missed
}

// takes offers a notice that need not arrive. It runs in the loop.
func (m *member) takes(n Notice) bool {
	if choosy, ok := m.listener.(ChoosyListener); ok {
		return choosy.Take(n)
	}
	m.listener.Notify(n)
	return true
}

// reachable runs in the loop.
func (s *session) reachable(recipients []video.ParticipantID) (to []*member, missed []video.ParticipantID) {
	for _, id := range recipients {
		if m := s.member(id); m != nil && m.presence.ReceivesMessages {
			to = append(to, m)
		} else {
			missed = append(missed, id)
		}
	}
	return to, missed
}

func distinct(ids []video.ParticipantID) []video.ParticipantID {
	var out []video.ParticipantID
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// allowance is what may be spent at a moment: it grows by rate a second up to burst. The zero value is full.
type allowance struct {
	spent float64 // as of at
	at    time.Time
}

// spend takes n off, if there is so much.
func (a *allowance) spend(n int, now time.Time) bool {
	return a.spendOf(n, messageRate, messageBurst, now)
}

func (a *allowance) spendOf(n, rate, burst int, now time.Time) bool {
	left := max(a.spent-now.Sub(a.at).Seconds()*float64(rate), 0)
	if left+float64(n) > float64(burst) {
		return false
	}
	a.spent, a.at = left+float64(n), now
	return true
}
