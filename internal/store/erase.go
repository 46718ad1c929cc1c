package store

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// eraseBatch is how many participants one transaction erases, so that a running server waits for none of them long.
const eraseBatch = 200

// Person says whose data to erase: one participant, or everyone who joined with exactly this context.
type Person struct {
	AccountID     video.AccountID
	ParticipantID video.ParticipantID // or, if empty,
	Context       string              // which must not be empty
}

// Erasure counts what was erased.
type Erasure struct {
	Participants int // whose context was emptied
	Deliveries   int // events that held it
	Attempts     int // answers to those events, which may have repeated it
	Present      int // participants left as they are, because they are in a session and their events are still to come
}

func (e *Erasure) add(more Erasure) {
	e.Participants += more.Participants
	e.Deliveries += more.Deliveries
	e.Attempts += more.Attempts
}

// Erase empties a person's contexts wherever they are kept: with the participants, in the events that webhooks are told, and
// in what was answered to those; and deletes what was measured of the person's media, which says what browser it came with. Ids and times stay, because a session's record needs them. Participants who are still in a
// session are left alone and counted. It works in batches; after an error it can be called again. An unknown participant
// is an error with CodeNotFound.
func (s *Store) Erase(ctx context.Context, person Person) (Erasure, error) {
	number, err := s.existing(ctx, person.AccountID)
	if err != nil {
		return Erasure{}, err
	}
	who := sought{number, person}
	if err := s.checkPerson(ctx, person); err != nil {
		return Erasure{}, err
	}
	var sum Erasure
	for again := true; again; {
		err := s.write(ctx, "erase", func(ctx context.Context, tx bun.Tx) error {
			ids, err := who.gone(ctx, tx)
			if again = len(ids) == eraseBatch; err != nil || len(ids) == 0 {
				return err
			}
			batch, err := eraseContexts(ctx, tx, number, ids)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := s.auditTx(ctx, tx, number, "participant.erase", string(id), ""); err != nil {
					return err
				}
			}
			sum.add(batch)
			return nil
		})
		if err != nil {
			return sum, err
		}
	}
	sum.Present, err = who.count(ctx, s.reads, "left_at IS NULL")
	return sum, err
}

// Erasable counts the participants Erase would find: those it would erase, and those in a session.
func (s *Store) Erasable(ctx context.Context, person Person) (gone, present int, err error) {
	number, err := s.existing(ctx, person.AccountID)
	if err != nil {
		return 0, 0, err
	}
	if err := s.checkPerson(ctx, person); err != nil {
		return 0, 0, err
	}
	who := sought{number, person}
	if gone, err = who.count(ctx, s.reads, "left_at IS NOT NULL"); err != nil {
		return 0, 0, err
	}
	present, err = who.count(ctx, s.reads, "left_at IS NULL")
	return gone, present, err
}

func (s *Store) checkPerson(ctx context.Context, person Person) error {
	switch {
	case person.ParticipantID != "":
		_, err := s.Participant(ctx, person.AccountID, person.ParticipantID)
		return err
	case person.Context == "":
		return video.Errorf(video.CodeInvalid, "an empty context is nobody's")
	}
	return nil
}

// sought finds the participants a Person stands for.
type sought struct {
	account account
	person  Person
}

func (w sought) among(query *bun.SelectQuery) *bun.SelectQuery {
	query = query.Model((*participantRow)(nil)).Where("account = ?", w.account)
	if w.person.ParticipantID != "" {
		return query.Where("id = ?", w.person.ParticipantID)
	}
	return query.Where("context_key = ?", contextKey(w.person.Context)).Where("context = ?", []byte(w.person.Context))
}

func (w sought) gone(ctx context.Context, tx bun.Tx) (ids []video.ParticipantID, err error) {
	err = w.among(tx.NewSelect()).Column("id").Where("left_at IS NOT NULL").Limit(eraseBatch).Scan(ctx, &ids)
	return ids, err
}

func (w sought) count(ctx context.Context, db bun.IDB, test string) (int, error) {
	n, err := w.among(db.NewSelect()).Where(test).Count(ctx)
	if err != nil {
		return 0, failed("count participants", err)
	}
	return int(n), nil
}

// eraseContexts empties the contexts of these participants, who are no more than eraseBatch.
func eraseContexts(ctx context.Context, tx bun.Tx, number account, ids []video.ParticipantID) (Erasure, error) {
	var done Erasure
	n, err := affected(tx.NewUpdate().Model((*participantRow)(nil)).
		Set("context = ?", []byte{}).Set("context_key = ?", contextKey("")).
		Where("account = ?", number).Where("id IN (?)", bun.List(ids)).Where("context <> ?", []byte{}).Exec(ctx))
	if err != nil {
		return Erasure{}, err
	}
	done.Participants = int(n)
	if _, err := tx.NewDelete().Model((*qualityRow)(nil)).Where("account = ?", number).Where("participant_id IN (?)", bun.List(ids)).Exec(ctx); err != nil {
		return Erasure{}, err
	}
	var told []struct {
		Seq     int64
		Payload string
	}
	err = tx.NewSelect().Table("deliveries").Column("seq", "payload").Where("account = ?", number).
		Where("participant_id <> ''").Where("participant_id IN (?)", bun.List(ids)).Scan(ctx, &told)
	if err != nil || len(told) == 0 {
		return done, err
	}
	events := make([]int64, len(told))
	for i, event := range told {
		events[i] = event.Seq
		payload, held := withoutContext(event.Payload)
		if !held {
			continue
		}
		done.Deliveries++
		_, err := tx.NewUpdate().Table("deliveries").Set("payload = ?", payload).Where("seq = ?", event.Seq).Exec(ctx)
		if err != nil {
			return Erasure{}, err
		}
	}
	n, err = affected(tx.NewUpdate().Table("attempts").Set("response_body = ''").
		Where("delivery IN (?)", bun.List(events)).Where("response_body <> ''").Exec(ctx))
	done.Attempts = int(n)
	return done, err
}

// withoutContext empties every text under the key "context" in an event, and reports whether there was one. An event that is
// no JSON is emptied altogether.
func withoutContext(event string) (without string, held bool) {
	decoder := json.NewDecoder(bytes.NewBufferString(event))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "{}", event != "{}"
	}
	if !blankContexts(value) {
		return event, false
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "{}", true
	}
	return string(bytes.TrimSpace(out.Bytes())), true
}

func blankContexts(value any) (held bool) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if text, is := member.(string); is && key == "context" && text != "" {
				value[key], held = "", true
			} else if blankContexts(member) {
				held = true
			}
		}
	case []any:
		for _, member := range value {
			held = blankContexts(member) || held
		}
	}
	return held
}
