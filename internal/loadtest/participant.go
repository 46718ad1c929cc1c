package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// joinTimeout is how long it may take from opening a socket to media.
	joinTimeout  = 15 * time.Second
	leaveTimeout = 5 * time.Second
)

// errDismissed is why someone who was told to go before media flowed is not waited for.
var errDismissed = errors.New("told to leave")

// participant is someone in a room, who either publishes or watches everybody who does. The goroutine of stay has it; another reads its
// socket and answers what comes.
type participant struct {
	run       *run
	room      room
	number    int // among all of a run
	publishes bool

	socket    *signalling
	transport *transport
	receiver  *receiver // nil for a publisher
	arrivals  *arrivals
	opening   sync.WaitGroup
	alone     chan struct{} // closed when there is nobody to watch
	secured   chan struct{} // closed when media can flow
	failed    chan error    // why it cannot

	// The rest belongs to whoever reads the socket.
	ctx     context.Context
	streams map[string]bool // that were subscribed to
	lines   []line
	offers  int
	asking  bool // an offer has no answer yet
	wanted  int  // pairs of lines that there should be
}

// stay is all of a participant's life: join, send or watch until it is time to go, leave. joined is called once, when media flows. The
// error is why it did not, or why it ended early.
func (p *participant) stay(ctx context.Context, leave <-chan struct{}, joined func()) error {
	p.alone, p.secured, p.failed = make(chan struct{}), make(chan struct{}), make(chan error, 1)
	p.streams, p.arrivals = map[string]bool{}, newArrivals()
	l := p.run.loops[p.number%len(p.run.loops)]
	p.transport = newTransport(l, p.run.identity, path{loss: p.run.plan.Loss, delay: int64(p.run.plan.Delay)})
	if !p.publishes {
		p.receiver = newReceiver(rand.Uint32(), &p.run.plan, p.arrivals)
		p.transport.receiver = p.receiver
	}
	ctx, cancel := context.WithCancel(ctx)
	p.ctx = ctx
	joining, late := context.WithTimeoutCause(ctx, joinTimeout, fmt.Errorf("no media within %v", joinTimeout))
	defer func() {
		cancel()
		p.opening.Wait()
		p.transport.close()
		late()
	}()
	var err error
	if p.socket, err = dialSignalling(joining, p.run.plan.URL, p.notice); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.listen(ctx) }()
	defer func() {
		p.socket.close()
		<-ended //nolint:errcheck // closing it was ours
	}()
	switch err := p.awaitMedia(joining, ended, leave); {
	case errors.Is(err, errDismissed):
		return p.leave(ctx, ended)
	case err != nil:
		return err
	}
	joined()
	select {
	case err := <-ended:
		ended <- err
		return err
	case err := <-p.failed:
		return err
	case <-leave:
	case <-ctx.Done():
		return ctx.Err()
	}
	return p.leave(ctx, ended)
}

// awaitMedia returns when media flows: when a publisher can send, and when a subscriber has got a packet of everything there was.
func (p *participant) awaitMedia(ctx context.Context, ended chan error, leave <-chan struct{}) error {
	enough := p.secured
	switch {
	case !p.publishes && p.run.plan.Churn > 0:
		enough = p.arrivals.some // of the streams there were some may have gone meanwhile
	case !p.publishes:
		enough = p.arrivals.every
	}
	select {
	case <-enough:
		return nil
	case <-p.alone:
		return nil
	case <-leave:
		return errDismissed
	case err := <-ended:
		ended <- err
		return err
	case err := <-p.failed:
		return err
	case <-ctx.Done():
		if came, want := p.arrivals.counts(); came > 0 {
			return fmt.Errorf("%w but of %d of %d tracks", context.Cause(ctx), came, want)
		}
		return context.Cause(ctx)
	}
}

// leave says so and waits for the server to close the socket.
func (p *participant) leave(ctx context.Context, ended chan error) error {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := p.socket.ask(ctx, "leave", fields{}, nil); err != nil {
		return err
	}
	select {
	case err := <-ended:
		ended <- err
		if errors.Is(err, errLeft) {
			return nil
		}
		return err
	case <-ctx.Done():
		return errors.New("the server does not answer leave")
	}
}

// listen enters the room and answers what comes until the socket ends.
func (p *participant) listen(ctx context.Context) error {
	hello := fields{"version": 1, "token": p.room.token, "client": fields{"name": "rotunda loadtest", "version": p.run.version}}
	if err := p.socket.ask(ctx, "hello", hello, p.run.greeted); err != nil {
		return err
	}
	// Requests are carried out in order, so that this need not wait for the reply.
	if err := p.socket.ask(ctx, "join", fields{"participant_id": video.NewUUID()}, p.entered); err != nil {
		return err
	}
	return p.socket.listen(ctx)
}

// entered takes the snapshot of the session.
func (p *participant) entered(data json.RawMessage) error {
	var snapshot struct {
		Streams []struct {
			ID string `json:"id"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(data, &snapshot); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if p.publishes {
		return p.publish()
	}
	if len(snapshot.Streams) == 0 {
		close(p.alone)
		return nil
	}
	p.arrivals.expect(len(snapshot.Streams) * p.run.plan.tracks())
	for _, s := range snapshot.Streams {
		if err := p.subscribe(s.ID); err != nil {
			return err
		}
	}
	// One offer with all the lines it takes spares the round trip in which the server would ask for them.
	return p.offer(len(snapshot.Streams))
}

func (p *participant) subscribe(stream string) error {
	if p.streams[stream] {
		return nil
	}
	p.streams[stream] = true
	f := fields{"stream_id": stream, "audio": p.run.plan.AudioBitRate > 0, "video": p.run.plan.VideoBitRate > 0, "quality": p.run.plan.Quality}
	return p.socket.ask(p.ctx, "subscribe", f, nil)
}

// offer opens receive lines until there are this many pairs.
func (p *participant) offer(pairs int) error {
	p.wanted = max(p.wanted, pairs)
	if p.asking || 2*p.wanted <= len(p.lines) {
		return nil
	}
	for len(p.lines) < 2*p.wanted {
		p.lines = append(p.lines, line{kind: video.Audio}, line{kind: video.Video})
	}
	p.asking = true
	return p.socket.ask(p.ctx, "offer", fields{"sdp": p.sdp()}, p.answered)
}

func (p *participant) sdp() string {
	p.offers++
	return writeOffer(uint64(p.number)+1, p.offers, p.transport.local, p.run.identity.fingerprint, p.lines)
}

func (p *participant) answered(data json.RawMessage) error {
	a, err := p.readAnswer(data)
	if err != nil {
		return err
	}
	p.asking = false
	p.transport.loop.do(func() { p.receiver.expect(a) })
	p.open(a, nil)
	return p.offer(p.wanted)
}

func (p *participant) readAnswer(data json.RawMessage) (*answer, error) {
	var reply struct {
		SDP string `json:"sdp"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return nil, fmt.Errorf("read reply: %w", err)
	}
	return readAnswer(reply.SDP)
}

// open makes the media connection if that has not begun, and then calls a function in the loop.
func (p *participant) open(a *answer, then func(now int64)) {
	if p.offers > 1 {
		return
	}
	p.opening.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, joinTimeout)
		defer cancel()
		if err := p.transport.open(ctx, a); err != nil {
			p.failed <- err
			return
		}
		if then != nil {
			p.transport.loop.do(func() { then(p.transport.loop.now()) })
		}
		close(p.secured)
	})
}

// publish sends what the plan says on new lines.
func (p *participant) publish() error {
	plan, sources := &p.run.plan, []*source(nil)
	f := fields{"key": "loadtest"}
	if plan.AudioBitRate > 0 {
		src := p.run.newSource(opusType)
		src.mid, src.bitRate = strconv.Itoa(len(p.lines)), plan.AudioBitRate
		f["audio"] = fields{"mid": src.mid, "enabled": true}
		p.lines = append(p.lines, line{kind: video.Audio, sends: true, ssrc: src.ssrc})
		sources = append(sources, src)
	}
	if plan.VideoBitRate > 0 {
		l, layers := p.videoLine(strconv.Itoa(len(p.lines)))
		f["video"] = fields{"mid": strconv.Itoa(len(p.lines)), "enabled": true}
		p.lines = append(p.lines, l)
		sources = append(sources, layers...)
	}
	f["sdp"] = p.sdp()
	return p.socket.ask(p.ctx, "publish", f, func(data json.RawMessage) error {
		a, err := p.readAnswer(data)
		if err != nil {
			return err
		}
		s := &sender{t: p.transport, sources: sources, numbered: a.sequences}
		p.open(a, func(now int64) { s.begin(now, float64(p.number%16)/16) })
		return nil
	})
}

// videoLine is the line of our video and its layers, from the best down: each has half the width and a quarter of the bit rate of the one above.
func (p *participant) videoLine(mid string) (line, []*source) {
	l := line{kind: video.Video, sends: true}
	var layers []*source
	for i, rid := range []string{"h", "m", "l"}[:p.run.plan.Layers] {
		src := p.run.newSource(vp8Type)
		src.mid, src.bitRate, src.width, src.height = mid, p.run.plan.VideoBitRate>>(2*i), 1280>>i, 720>>i
		if p.run.plan.Layers > 1 {
			src.rid = rid
			l.rids = append(l.rids, rid)
		} else {
			l.ssrc, l.rtx = src.ssrc, src.rtx
		}
		layers = append(layers, src)
	}
	return l, layers
}

// notice follows the session: it watches whoever comes.
func (p *participant) notice(kind string, frame []byte) error {
	if p.publishes {
		return nil
	}
	var n struct {
		Stream struct {
			ID string `json:"id"`
		} `json:"stream"`
		Audio int `json:"audio"`
		Video int `json:"video"`
	}
	switch kind {
	case "stream_published":
		if err := json.Unmarshal(frame, &n); err != nil {
			return fmt.Errorf("read notice: %w", err)
		}
		return p.subscribe(n.Stream.ID)
	case "lines_wanted":
		if err := json.Unmarshal(frame, &n); err != nil {
			return fmt.Errorf("read notice: %w", err)
		}
		return p.offer(max(n.Audio, n.Video))
	}
	return nil
}
