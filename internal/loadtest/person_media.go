package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// What somebody in a crowd publishes: little, so that many have room on a small machine.
const (
	crowdAudio      = 12_000 // bit/s
	crowdVideo      = 60_000 // of the best layer, bit/s
	crowdAudioFrame = 100 * time.Millisecond
	crowdVideoFrame = 200 * time.Millisecond
)

// ownStream is what somebody publishes: always on the same two lines, under another key each time.
type ownStream struct {
	id       string // empty while it is withdrawn
	key      int
	sources  []*source // sound, then the layers from the best down
	numbered bool
}

// ownLines are the lines that we send on.
const ownLines = 2

// publish offers the two lines if they are new, and publishes on them.
func (p *person) publish(ctx context.Context) error {
	f := fields{}
	if p.own == nil {
		s := p.newStream()
		p.mu.Lock()
		p.own = s
		p.mu.Unlock()
		f["sdp"] = p.sdp(p.connect())
	}
	s := p.own
	s.key++
	p.loop.do(func() {
		for _, src := range s.sources {
			src.off = false
		}
	})
	f["key"] = "camera" + strconv.Itoa(s.key)
	f["audio"], f["video"] = fields{"mid": s.sources[0].mid, "enabled": true}, fields{"mid": s.sources[1].mid, "enabled": true}
	var reply struct {
		ID  string `json:"stream_id"`
		SDP string
	}
	if err := p.ask(ctx, "publish", f, func(data json.RawMessage) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		defer func() { s.id = reply.ID }()
		return json.Unmarshal(data, &reply)
	}); err != nil {
		return err
	}
	p.crowd.did("publish")
	if reply.SDP != "" {
		if err := p.answer(ctx, reply.SDP); err != nil {
			return err
		}
	}
	p.send(s)
	return nil
}

// send begins to send a stream, or goes on with it.
func (p *person) send(s *ownStream) {
	p.loop.do(func() {
		if p.transport.sender == nil {
			p.transport.sender = &sender{t: p.transport, sources: s.sources}
		}
		p.transport.sender.numbered, p.transport.sender.stopped = s.numbered, false
		p.transport.sender.begin(p.loop.now(), float64(p.number%16)/16)
	})
}

func (p *person) newStream() *ownStream {
	r := p.crowd.run
	audio := r.newSource(opusType)
	audio.mid, audio.bitRate, audio.interval = strconv.Itoa(len(p.lines)), crowdAudio, int64(crowdAudioFrame)
	audio.level = byte(20 + p.random.IntN(60))
	p.lines = append(p.lines, line{kind: video.Audio, sends: true, ssrc: audio.ssrc})
	s := &ownStream{sources: []*source{audio}}
	l, mid := line{kind: video.Video, sends: true}, strconv.Itoa(len(p.lines))
	for i, rid := range []string{"h", "m", "l"} {
		layer := r.newSource(vp8Type)
		layer.mid, layer.rid, layer.bitRate, layer.interval = mid, rid, crowdVideo>>(2*i), int64(crowdVideoFrame)
		layer.width, layer.height = 1280>>i, 720>>i
		l.rids = append(l.rids, rid)
		s.sources = append(s.sources, layer)
	}
	p.lines = append(p.lines, l)
	return s
}

// withdraw unpublishes and sends nothing any more.
func (p *person) withdraw(ctx context.Context) error {
	p.mu.Lock()
	id := p.own.id
	p.own.id = ""
	p.mu.Unlock()
	p.loop.do(func() { p.transport.sender.stopped = true })
	return p.ask(ctx, "unpublish", fields{"stream_id": id}, nil)
}

// sendLayers sends no more layers of our stream than somebody wants. mu is held.
func (p *person) sendLayers(stream string, wanted int) {
	if p.own == nil || p.own.id != stream {
		return
	}
	layers := p.own.sources[1:]
	p.loop.do(func() {
		for i, src := range layers {
			off := len(layers)-i > wanted
			if src.off && !off {
				src.asked, src.begun = true, p.loop.now()
			}
			src.off = off
		}
	})
}

// connect makes the media connection's part on our side if there is none yet, and returns its credentials.
func (p *person) connect() credentials {
	if p.transport == nil {
		p.transport, p.receiver = p.newTransport()
	}
	return p.transport.local
}

func (p *person) newTransport() (*transport, *receiver) {
	plan := &p.crowd.plan
	var way path
	if p.number%2 == 1 {
		way = path{loss: plan.Loss, delay: int64(plan.Delay)}
	}
	t := newTransport(p.loop, p.crowd.run.identity, way)
	t.receiver = newReceiver(rand.Uint32(), &p.crowd.run.plan, newArrivals())
	return t, t.receiver
}

func (p *person) sdp(local credentials) string {
	p.offers++
	return writeOffer(uint64(p.number)+1, p.offers, local, p.crowd.run.identity.fingerprint, p.lines)
}

// openLines offers as many lines as the server wants.
func (p *person) openLines(ctx context.Context) error {
	p.mu.Lock()
	wanted := p.wanted
	p.mu.Unlock()
	have := len(p.lines) / 2
	if p.own != nil {
		have -= ownLines / 2
	}
	if have >= wanted {
		return nil
	}
	for ; have < wanted; have++ {
		p.lines = append(p.lines, line{kind: video.Audio}, line{kind: video.Video})
	}
	return p.offer(ctx, p.connect())
}

func (p *person) offer(ctx context.Context, local credentials) error {
	reply, err := p.askSDP(ctx, "offer", fields{"sdp": p.sdp(local)})
	if err != nil {
		return err
	}
	p.crowd.did("offer")
	return p.answer(ctx, reply)
}

func (p *person) askSDP(ctx context.Context, kind string, f fields) (string, error) {
	var reply struct{ SDP string }
	err := p.ask(ctx, kind, f, func(data json.RawMessage) error { return json.Unmarshal(data, &reply) })
	return reply.SDP, err
}

// answer takes the server's answer, and begins to connect if that was the first.
func (p *person) answer(ctx context.Context, text string) error {
	a, err := readAnswer(text)
	if err != nil {
		return err
	}
	t, first := p.transport, false
	p.loop.do(func() {
		t.receiver.expect(a)
		if t.sender != nil {
			t.sender.numbered = a.sequences
		}
		first = t.remote.ufrag == ""
		t.remote = a.remote
	})
	if p.own != nil {
		p.own.numbered = a.sequences
	}
	if first {
		p.opening.Go(func() {
			opening, cancel := context.WithTimeout(ctx, 2*joinTimeout)
			defer cancel()
			if err := t.open(opening, a); err != nil && ctx.Err() == nil && !t.hasClosed() {
				p.crowd.fault("connect", err)
			}
		})
	}
	return nil
}

// restartICE offers new credentials (RFC 8445 section 9), and may go on from another address.
func (p *person) restartICE(ctx context.Context, move bool) error {
	fresh := credentials{randomText(8), randomText(24)}
	reply, err := p.askSDP(ctx, "offer", fields{"sdp": p.sdp(fresh)})
	if err != nil {
		return err
	}
	a, err := readAnswer(reply)
	if err != nil {
		return err
	}
	if err := p.transport.restart(fresh, a, move); err != nil {
		return fmt.Errorf("restart ICE: %w", err)
	}
	p.crowd.did(map[bool]string{false: "restart ICE", true: "change address"}[move])
	return nil
}

// replaceMedia goes on over another connection.
func (p *person) replaceMedia(ctx context.Context) error {
	t, r := p.newTransport()
	streams := []fields{}
	if p.own != nil && p.own.id != "" {
		s := p.own
		streams = append(streams, fields{"stream_id": s.id, "audio": fields{"mid": s.sources[0].mid}, "video": fields{"mid": s.sources[1].mid}})
	}
	reply, err := p.askSDP(ctx, "replace_media", fields{"sdp": p.sdp(t.local), "streams": streams})
	if refused, ok := errors.AsType[*RefusalError](err); ok && refused.Code == "overloaded" {
		return nil
	}
	if err != nil {
		return err
	}
	p.crowd.did("replace media")
	p.transport.close()
	p.transport, p.receiver = t, r
	if err := p.answer(ctx, reply); err != nil {
		return err
	}
	if len(streams) > 0 {
		p.send(p.own)
	}
	return nil
}
