package live

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Line is a media line that carries one kind of a stream, and whether its owner has it switched on.
type Line struct {
	MID     string
	Enabled bool
}

// PublishRequest is a stream to publish. At least one of Audio and Video is given.
type PublishRequest struct {
	Key          string
	Audio, Video *Line
	Offer        string // SDP; empty when all lines are negotiated already
}

// Published is the outcome of Publish. Answer is empty when there was no offer.
type Published struct {
	StreamID video.StreamID
	Answer   string
}

func (r *PublishRequest) check() error {
	switch {
	case r.Key == "" || len(r.Key) > video.MaxStreamKeyBytes || !utf8.ValidString(r.Key):
		return invalid("/key", "the key must be 1 to %d bytes of UTF-8", video.MaxStreamKeyBytes)
	case r.Key == video.ReservedStreamKey:
		return invalid("/key", "the key %q is reserved", r.Key)
	case r.Audio == nil && r.Video == nil:
		return invalid("", "a stream needs audio or video")
	case r.Audio != nil && r.Audio.MID == "":
		return invalid("/audio/mid", "the mid is missing")
	case r.Video != nil && r.Video.MID == "":
		return invalid("/video/mid", "the mid is missing")
	case r.Audio != nil && r.Video != nil && r.Audio.MID == r.Video.MID:
		return invalid("/video/mid", "audio and video need a line each")
	}
	if r.Offer != "" {
		return r.checkOffer()
	}
	return nil
}

func (r *PublishRequest) lines() (lines video.Lines) {
	if r.Audio != nil {
		lines.AudioMID = r.Audio.MID
	}
	if r.Video != nil {
		lines.VideoMID = r.Video.MID
	}
	return lines
}

// Publish publishes a stream. The key and the lines are reserved while the offer is answered; on any error both are
// free again. Errors: forbidden, invalid_argument, key_in_use, too_many, media_failed.
func (p *Participant) Publish(ctx context.Context, request PublishRequest, then func(Published)) (Published, error) {
	return p.publish(ctx, p.m.link, request, then)
}

func (p *Participant) publish(ctx context.Context, on *link, request PublishRequest, then func(Published)) (Published, error) {
	if err := request.check(); err != nil {
		return Published{}, err
	}
	if err := p.do(ctx, func() error { return p.reserve(on, &request) }); err != nil {
		return Published{}, err
	}
	var answer string
	var failure error
	if request.Offer != "" {
		answer, failure = on.answer(ctx, request.Offer)
	}
	published, err := ask(context.WithoutCancel(ctx), p.m.session, func() (Published, error) {
		delete(p.m.reserved, request.Key)
		if request.Offer != "" {
			defer on.endNegotiation()
		}
		if failure != nil {
			return Published{}, failure
		}
		st, err := p.bind(on, &request)
		if err != nil {
			return Published{}, err
		}
		published := Published{StreamID: st.ID, Answer: answer}
		if then != nil {
			then(published)
		}
		p.m.session.announceStream(st)
		return published, nil
	})
	return published, gone(err)
}

// reserve runs in the loop.
func (p *Participant) reserve(on *link, request *PublishRequest) error {
	m := p.m
	switch {
	case !on.in:
		return errLeft
	case !m.grant.Grants.Publish:
		return forbidden("publishing")
	}
	own := len(m.reserved)
	lines := request.lines()
	if _, reserved := m.reserved[request.Key]; reserved {
		return keyInUse(request.Key)
	}
	for _, other := range m.reserved {
		if other.on != on {
			continue
		}
		if err := overlap(lines, other.lines); err != nil {
			return err
		}
	}
	for _, st := range m.session.streams {
		if st.owner != m {
			continue
		}
		own++
		if st.Key == request.Key {
			return keyInUse(request.Key)
		}
		if st.carrier != on {
			continue
		}
		if err := overlap(lines, st.lines); err != nil {
			return err
		}
	}
	if own >= video.MaxStreamsPerParticipant {
		return video.Errorf(video.CodeTooMany, "a participant publishes at most %d streams", video.MaxStreamsPerParticipant)
	}
	if request.Offer != "" {
		if err := on.beginNegotiation(); err != nil {
			return err
		}
	}
	m.reserved[request.Key] = reservation{on, lines}
	return nil
}

// announceStream tells of a stream that was published. Its owner knows all of it but that a moderator silenced it. It runs
// in the loop.
func (s *session) announceStream(st *stream) {
	s.notePublished(st)
	s.host.config.Quality.Published(s.record.ID, st.Stream)
	s.tell(StreamPublished{st.Stream}, st.owner)
	if st.AudioCensored {
		st.owner.listener.Notify(StreamUpdated{st.Stream})
	}
}

// bind makes the stream. It runs in the loop.
func (p *Participant) bind(on *link, request *PublishRequest) (*stream, error) {
	m, s := p.m, p.m.session
	if !m.in || !on.in {
		return nil, errLeft
	}
	st := &stream{
		Stream: video.Stream{
			ID: video.StreamID(s.host.config.NewID()), ParticipantID: m.presence.ID, Key: request.Key,
			AudioEnabled:  request.Audio != nil && request.Audio.Enabled,
			VideoEnabled:  request.Video != nil && request.Video.Enabled,
			AudioCensored: m.muted && request.Audio != nil,
		},
		lines: request.lines(),
		owner: m, carrier: on,
	}
	if err := on.transport.Publish(st.ID, st.lines); err != nil {
		return nil, mediaFailed(context.Background(), "the stream cannot be published", err)
	}
	st.VideoCodec = on.transport.VideoCodec(st.ID)
	if m.recorded {
		s.keep(st)
	}
	st.setGates()
	s.streams = append(s.streams, st)
	s.mixIn(st)
	s.tuneLeg(m)
	s.listenTo()
	s.logger.Info("stream published", "participant", m.presence.ID, "stream", st.ID, "key", st.Key)
	return st, nil
}

// setGates lets through what its owner enabled and nobody censored.
func (st *stream) setGates() {
	if st.lines.AudioMID != "" {
		st.setGate(video.Audio, gateOf(st.AudioEnabled, st.AudioCensored))
	}
	if st.lines.VideoMID != "" {
		st.setGate(video.Video, gateOf(st.VideoEnabled, st.VideoCensored))
	}
}

// setGate tells a recording that something may come before it comes, and that nothing comes when nothing does any more.
func (st *stream) setGate(kind video.Kind, gate Gate) {
	if gate == GateOpen {
		st.tellGate(kind, gate)
	}
	st.carrier.transport.SetGate(st.ID, kind, gate == GateOpen)
	if kind == video.Audio && st.mixed != nil {
		st.mixed.SetOn(gate == GateOpen)
	}
	if gate != GateOpen {
		st.tellGate(kind, gate)
	}
}

// UpdateStream sets what the participant switched on or off in a stream of its own; nil keeps. The others are told if
// anything changed. Switching on needs the grant to publish. Errors: stream_not_found, invalid_argument, forbidden.
func (p *Participant) UpdateStream(ctx context.Context, id video.StreamID, audio, video *bool, then func()) error {
	return p.do(ctx, func() error {
		st, err := p.own(id)
		if err != nil {
			return err
		}
		before := st.Stream
		switch {
		case audio != nil && *audio && st.lines.AudioMID == "":
			return invalid("/audio", "the stream has no audio line")
		case video != nil && *video && st.lines.VideoMID == "":
			return invalid("/video", "the stream has no video line")
		case !p.m.grant.Grants.Publish && (audio != nil && *audio && !st.AudioEnabled || video != nil && *video && !st.VideoEnabled):
			return forbidden("publishing")
		}
		if audio != nil {
			st.AudioEnabled = *audio
		}
		if video != nil {
			st.VideoEnabled = *video
		}
		call(then)
		if st.Stream != before {
			st.setGates()
			p.m.session.tuneLeg(p.m)
			p.m.session.noteEnabled(st, before)
			p.m.session.tell(StreamUpdated{st.Stream}, p.m)
			p.m.session.tellSpeakers()
		}
		return nil
	})
}

// Unpublish withdraws a stream of the participant's own; its lines may carry the next. Error: stream_not_found.
func (p *Participant) Unpublish(ctx context.Context, id video.StreamID, then func()) error {
	return p.do(ctx, func() error {
		st, err := p.own(id)
		if err != nil {
			return err
		}
		p.m.session.unpublish(st, then)
		return nil
	})
}

// unpublish runs in the loop.
func (s *session) unpublish(st *stream, then func()) {
	s.withdraw(st, StreamEnded)
	call(then)
	s.noteUnpublished(st)
	s.tell(StreamUnpublished{st.ID}, st.owner)
	s.logger.Info("stream unpublished", "participant", st.ParticipantID, "stream", st.ID)
}

// own returns the stream if it is the participant's. It runs in the loop.
func (p *Participant) own(id video.StreamID) (*stream, error) {
	st := p.m.session.stream(id)
	switch {
	case st == nil:
		return nil, errNoStream
	case st.owner != p.m:
		return nil, video.Errorf(video.CodeStreamNotFound, "the stream is someone else's").WithField("/stream_id")
	}
	return st, nil
}

// overlap refuses lines another stream of the participant uses.
func overlap(lines, other video.Lines) error {
	used := func(mid string) bool { return mid != "" && (mid == other.AudioMID || mid == other.VideoMID) }
	switch {
	case used(lines.AudioMID):
		return invalid("/audio/mid", "another stream uses the line %q", lines.AudioMID)
	case used(lines.VideoMID):
		return invalid("/video/mid", "another stream uses the line %q", lines.VideoMID)
	}
	return nil
}

func keyInUse(key string) error {
	return video.Errorf(video.CodeKeyInUse, "there is a stream under the key %q already", key).WithField("/key")
}

func invalid(field, format string, args ...any) error {
	return video.Errorf(video.CodeInvalid, "%s", fmt.Sprintf(format, args...)).WithField(field)
}

func call(f func()) {
	if f != nil {
		f()
	}
}
