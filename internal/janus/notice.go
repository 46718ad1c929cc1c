package janus

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Notify implements live.Listener. It runs in the session loop.
func (v *view) Notify(n live.Notice) {
	if v.over {
		return
	}
	switch n := n.(type) {
	case live.ParticipantJoined:
		v.joined(n.Participant)
	case live.ParticipantLeft:
		v.left(n)
	case live.StreamPublished:
		f := &feed{n.Stream, v.number()}
		v.feeds = append(v.feeds, f)
		v.push(v.listener, videoroom, object{"videoroom": "event", "publishers": []object{publisherOf(f)}})
	case live.StreamUpdated:
		v.updated(n.Stream)
	case live.StreamUnpublished:
		v.unpublished(n.ID)
	case live.Speakers:
		v.speakers(n)
	case live.Message:
		v.deliver(n)
	case live.Removed:
		v.removed(n.Reason)
	}
}

// Take implements live.ChoosyListener. It runs in the session loop.
func (v *view) Take(n live.Notice) bool {
	if m, ok := n.(live.Message); ok && !v.over {
		return v.deliver(m)
	}
	return false // data has no form in the dialect
}

func (v *view) joined(p live.Presence) {
	met := v.meet(p)
	for i := range v.legs(met) { // R before M, each in a push of its own
		v.pushBridge(func() object { return object{"audiobridge": "joined", "participants": v.legs(met)[i : i+1]} })
	}
	if p.ReceivesMessages {
		v.sendText(v.textPresence("join", p.ID))
	}
}

// left takes the streams away first: the client keeps a participant that has one.
func (v *view) left(n live.ParticipantLeft) {
	p := v.person(n.ID)
	if p == nil {
		return
	}
	for _, f := range slices.Clone(v.feeds) {
		if f.ParticipantID == n.ID {
			v.unpublished(f.ID)
		}
	}
	gone := func(word string, id uint64) {
		v.pushBridge(func() object { return object{"audiobridge": "event", word: id} })
	}
	if n.Reason == video.LeftKicked {
		gone("kicked", p.id)
		gone("leaving", p.mix)
	} else {
		gone("leaving", p.mix)
		gone("leaving", p.id)
	}
	v.people = slices.DeleteFunc(v.people, func(other *person) bool { return other == p })
	if p.ReceivesMessages {
		v.sendText(v.textPresence("leave", p.ID))
	}
}

func (v *view) unpublished(id video.StreamID) {
	i := slices.IndexFunc(v.feeds, func(f *feed) bool { return f.ID == id })
	if i < 0 {
		v.own = slices.DeleteFunc(v.own, func(o *ownFeed) bool { return o.streamID == id })
		return
	}
	f := v.feeds[i]
	v.feeds = slices.Delete(v.feeds, i, i+1)
	for _, word := range []string{"unpublished", "leaving"} { // web reads the one, Android the other
		v.push(v.listener, videoroom, object{"videoroom": "event", word: f.id})
	}
}

func (v *view) updated(s video.Stream) {
	i := slices.IndexFunc(v.feeds, func(f *feed) bool { return f.ID == s.ID })
	if i < 0 {
		v.updatedOwn(s)
		return
	}
	f := v.feeds[i]
	before := f.Stream
	f.Stream = s
	if s.AudioEnabled != before.AudioEnabled || s.VideoEnabled != before.VideoEnabled {
		v.push(v.listener, videoroom, object{"videoroom": "event", "id": f.id, "display": displayOfStream(s)})
	}
	if s.AudioCensored != before.AudioCensored {
		v.pushModeration(f.id, s.AudioCensored)
	}
}

func (v *view) pushModeration(id uint64, censored bool) {
	word := "unmuted"
	if censored {
		word = "muted"
	}
	v.push(v.listener, videoroom, object{"videoroom": "event", "id": id, "audio-moderation": word})
}

func (v *view) updatedOwn(s video.Stream) {
	i := slices.IndexFunc(v.own, func(o *ownFeed) bool { return o.streamID == s.ID })
	if i < 0 {
		return
	}
	v.own[i].censored = s.AudioCensored
	v.tellCensored(v.own[i])
}

// tellCensored tells the client that a stream of its own is censored, or no more, as soon as it knows its number.
func (v *view) tellCensored(o *ownFeed) {
	if o.known && o.streamID != "" && o.told != o.censored {
		o.told = o.censored
		v.pushModeration(o.id, o.censored)
	}
}

// speakers tells who began to speak, and who ended.
func (v *view) speakers(n live.Speakers) {
	before := v.speaking
	v.speaking = n
	v.talking.Store(len(n.Streams) > 0)
	for _, id := range before.Streams {
		if !slices.Contains(n.Streams, id) {
			v.tellTalking(id, "stopped-talking", 0)
		}
	}
	for i, id := range n.Streams {
		if !slices.Contains(before.Streams, id) {
			v.tellTalking(id, "talking", n.Loudness[i])
		}
	}
}

// repeatTalking says again who speaks.
func (v *view) repeatTalking() {
	for i, id := range v.speaking.Streams {
		v.tellTalking(id, "talking", v.speaking.Loudness[i])
	}
}

// fullScale is how loud nothing is louder than, in dB above digital silence (RFC 6464). Janus counts down from it.
const fullScale = 127

// tellTalking says that somebody talks, on the legs of both plugins.
func (v *view) tellTalking(id video.StreamID, word string, loudness int) {
	number := uint64(0)
	if i := slices.IndexFunc(v.feeds, func(f *feed) bool { return f.ID == id }); i >= 0 {
		number = v.feeds[i].id
		if p := v.person(v.feeds[i].ParticipantID); p != nil {
			v.pushBridge(func() object { return object{"audiobridge": word, "id": p.mix} })
		}
	} else if i := slices.IndexFunc(v.own, func(o *ownFeed) bool { return o.streamID == id }); i >= 0 {
		number = v.own[i].id
	}
	if number != 0 {
		v.push(v.listener, videoroom, object{
			"videoroom": word, "id": number, "audio-level-packets": 100, "audio-level-dBov-avg": float64(fullScale - loudness),
		})
	}
}

// removed is the last thing the session tells.
func (v *view) removed(reason video.LeftReason) {
	v.release()
	v.over = true
	v.talking.Store(false)
	c := v.conn
	switch reason {
	case video.LeftKicked:
		v.push(v.register, audiobridge, object{"audiobridge": "event", "kicked": v.selfID})
		c.shutLater(c.config.FarewellTime, closeKicked)
	case video.LeftSessionEnded, video.LeftRoomDeleted:
		v.push(v.register, audiobridge, object{"audiobridge": "destroyed"})
		c.shut(closeEnded)
	case video.LeftServerShutdown:
		c.shut(closeShutdown)
	case video.LeftDuplicate:
		c.shut(closeReplaced)
	case video.LeftServerCrashed:
		c.shut(closeInternal)
	}
}
