package janus

import (
	"context"
	"encoding/json"
	"hash/fnv"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// number is what a room is called on text channels, which know numbers only.
func number(room video.RoomID) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(room))
	return h.Sum32()&0x7fffffff | 1
}

// textLink brings what comes by a text channel to the performer.
type textLink struct {
	conn   *conn
	handle *handle
}

// Text implements TextListener.
func (l textLink) Text(message []byte) {
	l.conn.enqueue(len(message), func(ctx context.Context) { l.conn.readText(ctx, l.handle, message) })
}

// setupText opens the text channel's connection, which the server offers.
func (c *conn) setupText(_ context.Context, h *handle, r request) error {
	if h.role != undecided || c.view.text != nil {
		return refuse(alreadyJoined, "there is a text channel already")
	}
	channel, err := c.config.OpenText(textLink{c, h})
	if err != nil {
		return err
	}
	offer, err := channel.Offer()
	if err != nil {
		channel.Close()
		return err
	}
	h.role, h.text = text, channel
	c.event(h, r, object{"textroom": "event", "result": "ok", "janus_room_id": number(c.room)}, &jsep{"offer", offer})
	return nil
}

func (c *conn) acceptText(ctx context.Context, h *handle, r request) error {
	if h.text == nil || r.JSEP == nil || r.JSEP.Type != "answer" {
		return refuse(missingElement, "the answer to the offer of setup is missing")
	}
	if err := h.text.Accept(ctx, r.JSEP.SDP); err != nil {
		return err
	}
	c.event(h, r, object{"textroom": "event", "result": "ok"}, nil)
	return nil
}

type textFields struct {
	Textroom    string                `json:"textroom"`
	Transaction string                `json:"transaction"`
	Room        uint32                `json:"room"`
	Username    string                `json:"username"`
	Text        string                `json:"text"`
	Tos         []video.ParticipantID `json:"tos"`
}

// readText carries out what came by the text channel.
func (c *conn) readText(ctx context.Context, h *handle, message []byte) {
	if c.over || c.handles[h.id] != h {
		return
	}
	fields, err := parse[textFields](message)
	switch {
	case err != nil:
	case len(message) > video.MaxMessageBytes:
		err = refuse(badJSON, "the message is longer than %d bytes", video.MaxMessageBytes)
	case fields.Textroom == "join":
		err = c.joinText(ctx, h, fields)
	case fields.Textroom == "message":
		err = c.sendMessage(ctx, h, fields)
	case fields.Textroom == "leave":
		c.inView(ctx, func() { c.view.text = nil })
		c.sendText(h, object{"textroom": "success", "transaction": fields.Transaction})
	default:
		err = refuse(unknownRequest, "there is no request of this name")
	}
	if err != nil {
		number, words, ours := textroom.shown(err)
		if ours {
			c.logger.Error("message failed", "error", err)
		}
		c.sendText(h, object{"textroom": "error", "transaction": fields.Transaction, "error_code": number, "error": words})
	}
}

// sendText answers on a text channel.
func (c *conn) sendText(h *handle, o object) {
	if raw, err := json.Marshal(o); err == nil {
		h.text.Send(raw)
	}
}

func (c *conn) joinText(ctx context.Context, h *handle, fields textFields) error {
	switch {
	case fields.Room != number(c.room):
		return refuse(noRoom, "there is no room of this number")
	case !video.IsUUID(fields.Username):
		return refuse(wrongElement, "the username is no participant id")
	case c.textName != "" && fields.Username != c.textName, c.view.self != "" && fields.Username != string(c.view.self):
		return refuse(wrongElement, "the username is another participant's than the session's")
	}
	c.textName = fields.Username
	c.inView(ctx, func() {
		c.view.text = h.text
		there := []object{}
		for _, p := range c.view.people {
			if p.ReceivesMessages {
				there = append(there, object{"username": p.ID, "display": p.ID})
			}
		}
		c.sendText(h, object{"textroom": "success", "transaction": fields.Transaction, "participants": there})
	})
	return nil
}

// letter is what clients write into the text of a message.
type letter struct {
	Message    json.RawMessage       `json:"message"`
	Recipients []video.ParticipantID `json:"recipients"`
}

func (c *conn) sendMessage(ctx context.Context, h *handle, fields textFields) error {
	var words letter
	var body struct {
		Type    *string `json:"type"`
		Payload *string `json:"payload"`
	}
	switch {
	case fields.Room != number(c.room):
		return refuse(noRoom, "there is no room of this number")
	case c.textName == "" || c.participant == nil:
		return refuse(notJoined, "the participant joins first")
	case json.Unmarshal([]byte(fields.Text), &words) != nil || len(words.Message) == 0 || json.Unmarshal(words.Message, &body) != nil || body.Type == nil || body.Payload == nil:
		return refuse(wrongElement, "the text holds no message with type and payload")
	}
	_, err := c.participant.SendMessage(ctx, words.Message, fields.Tos, func(missed []video.ParticipantID) {
		success := object{"textroom": "success", "transaction": fields.Transaction}
		if len(fields.Tos) > 0 {
			sent := map[video.ParticipantID]bool{}
			for _, to := range fields.Tos {
				sent[to] = true
			}
			for _, to := range missed {
				sent[to] = false
			}
			success["sent"] = sent
		}
		c.sendText(h, success)
	})
	return err
}

// sentAt is how the dialect writes moments.
const sentAt = "2006-01-02T15:04:05-0700"

// deliver hands a message to the client. It runs in the session loop.
func (v *view) deliver(m live.Message) bool {
	to := m.Recipients
	if to == nil {
		to = []video.ParticipantID{} // Android reads it without looking
	}
	raw, err := json.Marshal(letter{m.Body, to})
	if err != nil {
		return false
	}
	o := object{"textroom": "message", "room": number(v.conn.room), "from": m.From, "date": m.SentAt.Format(sentAt), "text": string(raw)}
	if len(m.Recipients) > 0 {
		o["whisper"] = true
	}
	return v.sendText(o)
}

func (v *view) textPresence(word string, id video.ParticipantID) object {
	return object{"textroom": word, "room": number(v.conn.room), "username": id, "display": id}
}
