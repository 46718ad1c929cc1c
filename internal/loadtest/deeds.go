package loadtest

import (
	"context"
	"errors"
	"slices"
)

// act does one thing at random. What cannot be done at present is left out.
func (p *person) act(ctx context.Context) error {
	switch n := p.random.IntN(100); {
	case n < 30:
		return p.watch(ctx)
	case n < 50:
		return p.watchOtherwise(ctx)
	case n < 60:
		return p.stopWatching(ctx)
	case n < 70:
		return p.say(ctx)
	case n < 80:
		return p.mute(ctx)
	case n < 86:
		return p.appear(ctx)
	case n < 89 && p.secured():
		return p.restartICE(ctx, p.random.IntN(2) == 0)
	case n < 91 && p.secured():
		return p.replaceMedia(ctx)
	case n < 96:
		return p.resume(ctx)
	}
	p.crowd.did("ping")
	p.mu.Lock()
	seq := p.seq
	p.mu.Unlock()
	return p.ask(ctx, "ping", fields{"seq": seq}, nil)
}

// mostWatched is how many streams somebody takes at most.
const mostWatched = 4

// watch takes one more stream.
func (p *person) watch(ctx context.Context) error {
	p.forgetGone()
	stream := p.pick(p.notTaken())
	if stream == "" || len(p.taken) >= mostWatched {
		return nil
	}
	err := p.ask(ctx, "subscribe", p.choice(stream), nil)
	if err == nil {
		p.taken[stream] = true
	}
	return p.unlessGone("subscribe", err)
}

func (p *person) watchOtherwise(ctx context.Context) error {
	stream := p.pick(p.taken)
	if stream == "" {
		return nil
	}
	return p.unlessGone("change subscription", p.ask(ctx, "update_subscription", p.choice(stream), nil))
}

func (p *person) stopWatching(ctx context.Context) error {
	stream := p.pick(p.taken)
	if stream == "" {
		return nil
	}
	delete(p.taken, stream)
	return p.unlessGone("unsubscribe", p.ask(ctx, "unsubscribe", fields{"stream_id": stream}, nil))
}

// choice is how a stream is wanted: any size, shown or not, sound or not.
func (p *person) choice(stream string) fields {
	f := fields{"stream_id": stream, "audio": p.random.IntN(5) > 0, "video": p.random.IntN(5) > 0, "visible": p.random.IntN(4) > 0}
	switch p.random.IntN(3) {
	case 0:
		f["quality"] = []string{"low", "medium", "high"}[p.random.IntN(3)]
	case 1:
		width := 80 << p.random.IntN(5)
		f["max_width"], f["max_height"] = width, width*9/16
	}
	return f
}

// say sends a message to all or to one.
func (p *person) say(ctx context.Context) error {
	p.crowd.did("message")
	f := fields{"message": fields{"type": "chat", "payload": randomText(1 + p.random.IntN(4000))}}
	p.mu.Lock()
	other := p.pick(p.others)
	p.mu.Unlock()
	if other != "" && p.random.IntN(2) == 0 {
		f["recipients"] = []string{other}
	}
	return p.ask(ctx, "send_message", f, nil)
}

// mute switches our own sound and picture on and off.
func (p *person) mute(ctx context.Context) error {
	if p.own == nil || p.own.id == "" {
		return nil
	}
	p.crowd.did("mute")
	f := fields{"stream_id": p.own.id, "audio": fields{"enabled": p.random.IntN(2) == 0}, "video": fields{"enabled": p.random.IntN(3) > 0}}
	return p.ask(ctx, "update_stream", f, nil)
}

// appear publishes if nothing is, and else withdraws it.
func (p *person) appear(ctx context.Context) error {
	if p.own != nil && p.own.id != "" {
		p.crowd.did("unpublish")
		return p.withdraw(ctx)
	}
	return p.publish(ctx)
}

// unlessGone passes over that a stream has gone before the request came.
func (p *person) unlessGone(what string, err error) error {
	if refused, ok := errors.AsType[*RefusalError](err); ok && (refused.Code == "stream_not_found" || refused.Code == "subscription_not_found") {
		return nil
	}
	if err == nil {
		p.crowd.did(what)
	}
	return err
}

func (p *person) forgetGone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for stream := range p.taken {
		if !p.streams[stream] {
			delete(p.taken, stream)
		}
	}
}

func (p *person) notTaken() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := map[string]bool{}
	for stream := range p.streams {
		if !p.taken[stream] {
			left[stream] = true
		}
	}
	return left
}

// pick is one of a set, empty if that is.
func (p *person) pick(set map[string]bool) string {
	if len(set) == 0 {
		return ""
	}
	all := make([]string, 0, len(set))
	for id := range set {
		all = append(all, id)
	}
	slices.Sort(all)
	return all[p.random.IntN(len(all))]
}

// secured reports whether media flows already: before, there is nothing to restart or to replace.
func (p *person) secured() (secured bool) {
	if p.transport == nil {
		return false
	}
	p.loop.do(func() { secured = p.transport.out != nil })
	return secured
}
