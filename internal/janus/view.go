package janus

import (
	"encoding/json"
	"slices"
	"sync/atomic"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// maxHeld is how many pushes may wait for a client to have digested an answer.
const maxHeld = 4096

// view is the session as one client knows it: numbers for people and streams, and which handles hear what. It renders the notices. It
// belongs to the session loop, and to the performer before there is one.
type view struct {
	conn         *conn
	web, android bool
	talking      atomic.Bool // somebody is

	self                    video.ParticipantID
	register, listener, mix uint64 // handles; 0: none
	selfID                  uint64 // of R
	last                    uint64 // number given out
	people                  []*person
	feeds                   []*feed
	own                     []*ownFeed
	speaking                live.Speakers
	text                    TextChannel

	holding bool
	held    []ws.Frame
	over    bool
}

// person is someone else in the session.
type person struct {
	live.Presence
	id, mix uint64
	stream  string // the id in the display of M
}

// feed is a stream of someone else.
type feed struct {
	video.Stream
	id uint64
}

// ownFeed is a stream of the client's own.
type ownFeed struct {
	id       uint64
	streamID video.StreamID // empty until it is published
	known    bool           // the client knows the id
	censored bool
	told     bool // that it is censored
}

func newView(c *conn) *view { return &view{conn: c} }

func (v *view) number() uint64 { v.last++; return v.last }

// begin takes in the session as it is at the join.
func (v *view) begin(s live.Snapshot) {
	for _, p := range s.Participants {
		if p.ID != v.self {
			v.meet(p)
		}
	}
	for _, st := range s.Streams {
		v.feeds = append(v.feeds, &feed{st, v.number()})
	}
	v.speaking = s.Speakers
	v.talking.Store(len(v.speaking.Streams) > 0)
	v.selfID = v.number()
}

func (v *view) meet(p live.Presence) *person {
	met := &person{Presence: p, id: v.number(), mix: v.number(), stream: video.NewUUID()}
	v.people = append(v.people, met)
	return met
}

func (v *view) person(id video.ParticipantID) *person {
	i := slices.IndexFunc(v.people, func(p *person) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return v.people[i]
}

func (v *view) feed(id uint64) *feed {
	i := slices.IndexFunc(v.feeds, func(f *feed) bool { return f.id == id })
	if i < 0 {
		return nil
	}
	return v.feeds[i]
}

// participants are the legs of the audiobridge but for the client's own.
func (v *view) participants() []object {
	legs := []object{}
	for _, p := range v.people {
		legs = append(legs, v.legs(p)...)
	}
	return legs
}

func (v *view) legs(p *person) []object {
	return []object{
		{"id": p.id, "setup": false, "muted": true, "display": displayOf(p.Presence, v.android)},
		{"id": p.mix, "setup": true, "muted": false, "display": mixDisplayOf(p.Presence, p.stream)},
	}
}

// publishers are the feeds of the videoroom.
func (v *view) publishers() []object {
	feeds := []object{}
	for _, f := range v.feeds {
		feeds = append(feeds, publisherOf(f))
	}
	return feeds
}

func publisherOf(f *feed) object {
	o := object{"id": f.id, "display": displayOfStream(f.Stream), "audio_codec": "opus", "talking": false}
	if f.VideoCodec != "" {
		o["video_codec"] = f.VideoCodec
	}
	if f.AudioCensored {
		o["audio_moderated"] = true
	}
	if f.VideoCensored {
		o["video_moderated"] = true
	}
	return o
}

// forget says that nothing is pushed to a handle any more.
func (v *view) forget(handle uint64) {
	for _, known := range []*uint64{&v.listener, &v.mix} {
		if *known == handle {
			*known = 0
		}
	}
}

// hold keeps pushes back until the client attaches again: it handles pushes before the answers that came earlier.
func (v *view) hold() { v.holding = v.web }

// release sends what was kept back.
func (v *view) release() {
	v.holding = false
	for _, f := range v.held {
		v.conn.socket.Send(f)
	}
	v.held = nil
}

// push sends an event to a handle, unless that is not there.
func (v *view) push(handle uint64, p plugin, data object) {
	if handle == 0 {
		return
	}
	data["room"] = v.conn.room
	f := frame(answer{Janus: "event", SessionID: v.conn.session.Load(), Sender: handle, PluginData: &pluginData{p, data}})
	switch {
	case !v.holding:
		v.conn.socket.Send(f)
	case len(v.held) >= maxHeld:
		v.conn.shut(closeFlood)
	default:
		v.held = append(v.held, f)
	}
}

// pushBridge sends an event to the legs of the audiobridge, made anew for each.
func (v *view) pushBridge(data func() object) {
	v.push(v.register, audiobridge, data())
	v.push(v.mix, audiobridge, data())
}

// sendText sends a message on the text channel.
func (v *view) sendText(o object) bool {
	if v.text == nil {
		return false
	}
	raw, err := json.Marshal(o)
	return err == nil && v.text.Send(raw)
}
