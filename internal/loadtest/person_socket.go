package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// dial opens a socket and has it read.
func (p *person) dial(ctx context.Context) error {
	dialing, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	socket, err := dialSignalling(dialing, p.crowd.plan.URL, p.notice)
	if err != nil {
		return err
	}
	if p.socket != nil {
		socket.resumed, socket.last = true, p.socket.last // ids of requests go on
	}
	p.socket, p.reading = socket, make(chan struct{})
	reading := p.reading
	go func() {
		p.ended = socket.listen(ctx)
		close(reading)
	}()
	return nil
}

// ask makes a request and waits for its answer, which a function may take before any notice that follows. A refusal is a *RefusalError.
func (p *person) ask(ctx context.Context, kind string, f fields, take func(json.RawMessage) error) error {
	came := make(chan error, 1)
	err := p.socket.send(ctx, f, awaiting{
		kind: kind,
		then: func(data json.RawMessage) error {
			if take == nil {
				came <- nil
			} else {
				came <- take(data)
			}
			return nil
		},
		refused: func(refused *RefusalError) error { came <- refused; return nil },
	})
	if err != nil {
		return p.lost(err)
	}
	late := time.NewTimer(answerTime)
	defer late.Stop()
	select {
	case err := <-came:
		return err
	case <-p.reading:
		select {
		case err := <-came: // the answer was the last that came
			return err
		default:
			return p.end()
		}
	case <-late.C:
		return fmt.Errorf("no answer to %s within %v", kind, answerTime)
	}
}

// lost is why a socket does not take a request: what the server said when it closed it, if it did.
func (p *person) lost(err error) error {
	select {
	case <-p.reading:
		return p.end()
	case <-time.After(answerTime):
		return err
	}
}

// notice keeps what is told. It runs in the goroutine that reads.
func (p *person) notice(kind string, frame []byte) error {
	var n struct {
		Seq         int64
		Participant struct{ ID string }
		Gone        string `json:"participant_id"`
		Stream      struct {
			ID    string
			Owner string `json:"participant_id"`
		}
		StreamID     string `json:"stream_id"`
		Audio, Video int
		Layers       int
	}
	if err := json.Unmarshal(frame, &n); err != nil {
		return fmt.Errorf("read notice: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n.Seq != p.seq+1 {
		return fmt.Errorf("notice %d (%s) follows %d", n.Seq, kind, p.seq)
	}
	p.seq = n.Seq
	switch kind {
	case "participant_joined":
		p.others[n.Participant.ID] = true
	case "participant_left":
		delete(p.others, n.Gone)
	case "stream_published":
		p.streams[n.Stream.ID] = true
	case "stream_unpublished":
		delete(p.streams, n.StreamID)
	case "lines_wanted":
		p.wanted = max(p.wanted, n.Audio, n.Video)
	case "layers_wanted":
		p.sendLayers(n.StreamID, n.Layers)
	}
	return nil
}

// resume comes back over another socket after some time without one: mostly within the grace, sometimes too late.
func (p *person) resume(ctx context.Context) error {
	cut := time.Now()
	p.socket.close()
	<-p.reading
	grace := p.crowd.plan.Grace
	away, tooLate := time.Duration(p.random.Int64N(int64(grace/2))), p.random.IntN(8) == 0
	if tooLate {
		away = 2*grace + 2*time.Second // a lost socket is noticed, and then the grace begins
	}
	if err := pause(ctx, away); err != nil {
		return err
	}
	if err := p.dial(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	seq := p.seq
	p.mu.Unlock()
	err := p.ask(ctx, "resume", fields{"version": 1, "token": p.room.token, "participant_id": p.id, "secret": p.secret, "seq": seq}, p.resumed)
	refused, ok := errors.AsType[*RefusalError](err)
	switch {
	case ok && refused.Code == "not_resumable" && tooLate:
		return &over{"resume too late"}
	case ok && refused.Code == "not_resumable" && (time.Since(cut) > grace || putOut(refused.Message)):
		return &over{"resume after the end"}
	case err != nil:
		return err
	case tooLate:
		return fmt.Errorf("resumed after %v, and the grace is %v", away, grace)
	}
	p.crowd.did("resume")
	return nil
}

// putOut reports whether a refusal to resume says that somebody was put out meanwhile.
func putOut(message string) bool {
	return strings.HasSuffix(message, "session_ended") || strings.HasSuffix(message, "kicked")
}

func (p *person) resumed(reply json.RawMessage) error {
	var r struct {
		Seq      int64
		Snapshot *snapshot
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("read reply to resume: %w", err)
	}
	if r.Snapshot == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq = r.Seq
	p.know(*r.Snapshot)
	return nil
}
