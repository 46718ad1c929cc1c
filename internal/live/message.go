package live

import (
	"context"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MaxRecipients is the number of participants one message may name.
const MaxRecipients = 256

// SendMessage sends body, a JSON value of at most video.MaxMessageBytes, to everyone who receives messages, the sender
// included, or to the recipients alone. Recipients who are not here or do not receive messages are returned; a message
// to everyone skips them silently. Messages of one sender arrive in the order sent. Errors: forbidden, too_large,
// too_many.
func (p *Participant) SendMessage(
	ctx context.Context, body []byte, recipients []video.ParticipantID, then func(missed []video.ParticipantID),
) (missed []video.ParticipantID, err error) {
	switch {
	case len(body) > video.MaxMessageBytes:
		return nil, video.Errorf(video.CodeTooLarge, "the message is longer than %d bytes", video.MaxMessageBytes).WithField("/message")
	case len(recipients) > MaxRecipients:
		return nil, video.Errorf(video.CodeTooMany, "a message names at most %d recipients", MaxRecipients).WithField("/recipients")
	}
	recipients = distinct(recipients)
	err = p.do(ctx, func() error {
		m, s := p.m, p.m.session
		if !m.grant.Grants.SendMessages {
			return forbidden("sending messages")
		}
		to := s.members
		if len(recipients) > 0 {
			to, missed = s.reachable(recipients)
		}
		if then != nil {
			then(missed)
		}
		message := Message{From: m.presence.ID, Body: body, Recipients: recipients, SentAt: s.host.now()}
		for _, receiver := range to {
			if receiver.presence.ReceivesMessages {
				receiver.listener.Notify(message)
			}
		}
		return nil
	})
	return missed, err
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
