package signal

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// The frames the server sends. api/signalling.schema.json describes each.
type (
	replyFrame struct {
		Type string `json:"type"`
		Re   int64  `json:"re"`
		Data any    `json:"data"`
	}
	refusalFrame struct {
		Type  string    `json:"type"`
		Re    int64     `json:"re"`
		Error errorBody `json:"error"`
	}
	errorBody struct {
		Code    video.Code `json:"code"`
		Message string     `json:"message"`
		Field   string     `json:"field,omitempty"`
	}
)

// The data of replies.
type (
	helloReply struct {
		Version        int               `json:"version"`
		Room           roomBody          `json:"room"`
		ICEServers     []video.ICEServer `json:"ice_servers"`
		Grants         grantsBody        `json:"grants"`
		TokenExpiresAt timestamp         `json:"token_expires_at"`
		Limits         limitsBody        `json:"limits"`
		QualitySecs    float64           `json:"quality_interval_secs,omitempty"`
		Server         serverBody        `json:"server"`
	}
	roomBody struct {
		ID              video.RoomID `json:"id"`
		UniqueName      string       `json:"unique_name,omitempty"`
		MaxParticipants int          `json:"max_participants"`
		E2EE            bool         `json:"e2ee,omitempty"`
	}
	grantsBody struct {
		Publish      bool `json:"publish"`
		Subscribe    bool `json:"subscribe"`
		SendMessages bool `json:"send_messages"`
	}
	limitsBody struct {
		FrameBytes   int64 `json:"frame_bytes"`
		MessageBytes int   `json:"message_bytes"`
		ContextBytes int   `json:"context_bytes"`
		Streams      int   `json:"streams"`
	}
	serverBody struct {
		Version string `json:"version"`
	}
	joinReply struct {
		SessionID     video.SessionID     `json:"session_id"`
		ParticipantID video.ParticipantID `json:"participant_id"`
		snapshotBody
		Resume *resumeBody `json:"resume,omitempty"`
	}
	resumeBody struct {
		Secret    string  `json:"secret"`
		GraceSecs float64 `json:"grace_secs"`
	}
	resumeReply struct {
		Seq            uint64            `json:"seq"`
		Received       int64             `json:"received"`
		TokenExpiresAt timestamp         `json:"token_expires_at"`
		ICEServers     []video.ICEServer `json:"ice_servers"`
		Snapshot       *snapshotBody     `json:"snapshot,omitempty"`
	}
	snapshotBody struct {
		Participants []participantBody `json:"participants"`
		Streams      []streamBody      `json:"streams"`
		Recording    bool              `json:"recording"`
		Speakers     speakersBody      `json:"speakers"`
	}
	publishReply struct {
		StreamID video.StreamID `json:"stream_id"`
		SDP      string         `json:"sdp,omitempty"`
	}
	offerReply struct {
		SDP string `json:"sdp"`
	}
	sendMessageReply struct {
		NotDelivered []video.ParticipantID `json:"not_delivered"`
	}
	updateTokenReply struct {
		TokenExpiresAt timestamp `json:"token_expires_at"`
	}
	emptyReply struct{}
)

type participantBody struct {
	ID               video.ParticipantID `json:"id"`
	Context          string              `json:"context,omitempty"`
	ReceivesMessages bool                `json:"receives_messages"`
	JoinedAt         timestamp           `json:"joined_at"`
	ConnectionLost   bool                `json:"connection_lost,omitempty"`
}

func participantOf(p live.Presence) participantBody {
	return participantBody{p.ID, p.Context, p.ReceivesMessages, timestamp(p.JoinedAt), p.ConnectionLost}
}

func snapshotOf(s live.Snapshot) snapshotBody {
	body := snapshotBody{
		Participants: make([]participantBody, 0, len(s.Participants)),
		Streams:      make([]streamBody, 0, len(s.Streams)),
		Recording:    s.Recording,
		Speakers:     speakersOf(s.Speakers),
	}
	for _, p := range s.Participants {
		body.Participants = append(body.Participants, participantOf(p))
	}
	for _, st := range s.Streams {
		body.Streams = append(body.Streams, streamOf(st))
	}
	return body
}

// speakersBody is who is heard speaking.
type speakersBody struct {
	Streams  []video.StreamID     `json:"streams"`
	Dominant *video.ParticipantID `json:"dominant"`
}

func speakersOf(s live.Speakers) speakersBody {
	body := speakersBody{Streams: append([]video.StreamID{}, s.Streams...)}
	if s.Dominant != "" {
		body.Dominant = &s.Dominant
	}
	return body
}

type streamBody struct {
	ID            video.StreamID      `json:"id"`
	ParticipantID video.ParticipantID `json:"participant_id"`
	Key           string              `json:"key"`
	Audio         flagsBody           `json:"audio"`
	Video         flagsBody           `json:"video"`
}

type flagsBody struct {
	Enabled  bool `json:"enabled"`
	Censored bool `json:"censored"`
}

func streamOf(s video.Stream) streamBody {
	return streamBody{
		s.ID, s.ParticipantID, s.Key,
		flagsBody{s.AudioEnabled, s.AudioCensored},
		flagsBody{s.VideoEnabled, s.VideoCensored},
	}
}

// timestamp is a time as all frames have it: UTC with six fractional digits.
type timestamp time.Time

const timestampLayout = "2006-01-02T15:04:05.000000Z"

// MarshalText implements encoding.TextMarshaler.
func (t timestamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, timestampLayout), nil
}

// render writes a frame. All frames are of types that always encode.
func render(buf []byte, frame any) []byte {
	b := bytes.NewBuffer(buf)
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(frame); err != nil {
		panic("signal: a frame does not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func reply(re int64, data any) ws.Text {
	return render(nil, replyFrame{"reply", re, data})
}

func refusal(re int64, e *video.Error) ws.Text {
	return render(nil, refusalFrame{"error", re, errorBody{e.Code, e.Message, e.Field}})
}

// noticeFrame is a notice on its way. The writer renders it.
type noticeFrame struct {
	seq    uint64
	notice live.Notice
}

// Size implements ws.Frame: about, and the same each time.
func (f noticeFrame) Size() int {
	const head = 64
	switch n := f.notice.(type) {
	case live.Message:
		return head + len(n.Body) + 40*len(n.Recipients)
	case live.Data:
		return head + 4*len(n.Payload)/3 + len(n.Topic) + 40*len(n.Recipients)
	case live.Receiving:
		return head + 96*len(n.Lines)
	case live.Speakers:
		return head + 64 + 39*len(n.Streams)
	case live.ParticipantJoined:
		return head + 128 + len(n.Participant.Context)
	case live.ICEServers:
		return head + 512*len(n.Servers)
	default:
		return head + 256
	}
}

// AppendTo implements ws.Frame.
func (f noticeFrame) AppendTo(buf []byte) []byte {
	switch n := f.notice.(type) {
	case live.Message:
		return f.appendMessage(buf, n)
	case live.Data:
		return render(buf, struct {
			noticeHead
			From       video.ParticipantID   `json:"from"`
			Topic      string                `json:"topic"`
			Recipients []video.ParticipantID `json:"recipients"`
			SentAt     timestamp             `json:"sent_at"`
			Data       []byte                `json:"data"`
		}{f.head("data"), n.From, n.Topic, append([]video.ParticipantID{}, n.Recipients...), timestamp(n.SentAt), n.Payload})
	case live.ParticipantJoined:
		return render(buf, struct {
			noticeHead
			Participant participantBody `json:"participant"`
		}{f.head("participant_joined"), participantOf(n.Participant)})
	case live.ParticipantLeft:
		return render(buf, struct {
			noticeHead
			ID     video.ParticipantID `json:"participant_id"`
			Reason video.LeftReason    `json:"reason"`
		}{f.head("participant_left"), n.ID, n.Reason})
	case live.StreamPublished:
		return f.appendStream(buf, "stream_published", n.Stream)
	case live.StreamUpdated:
		return f.appendStream(buf, "stream_updated", n.Stream)
	case live.StreamUnpublished:
		return render(buf, struct {
			noticeHead
			ID video.StreamID `json:"stream_id"`
		}{f.head("stream_unpublished"), n.ID})
	case live.ConnectionChanged:
		return render(buf, struct {
			noticeHead
			ID        video.ParticipantID `json:"participant_id"`
			Connected bool                `json:"connected"`
		}{f.head("connection_changed"), n.ID, n.Connected})
	case live.RecordingChanged:
		return render(buf, struct {
			noticeHead
			Recording bool `json:"recording"`
		}{f.head("recording_changed"), n.Recording})
	case live.Speakers:
		return render(buf, struct {
			noticeHead
			speakersBody
		}{f.head("speakers"), speakersOf(n)})
	case live.VideoPaused:
		return render(buf, struct {
			noticeHead
			ID     video.StreamID `json:"stream_id"`
			Paused bool           `json:"paused"`
			Reason string         `json:"reason"`
		}{f.head("subscription_paused"), n.ID, n.Paused, "bandwidth"})
	case live.LinesWanted:
		return render(buf, struct {
			noticeHead
			Audio int `json:"audio"`
			Video int `json:"video"`
		}{f.head("lines_wanted"), n.Audio, n.Video})
	case live.Receiving:
		return f.appendReceive(buf, n)
	case live.ICEServers:
		return render(buf, struct {
			noticeHead
			Servers []video.ICEServer `json:"ice_servers"`
		}{f.head("ice_servers_changed"), n.Servers})
	case live.LayersWanted:
		return render(buf, struct {
			noticeHead
			StreamID video.StreamID `json:"stream_id"`
			Layers   int            `json:"layers"`
		}{f.head("layers_wanted"), n.StreamID, n.Layers})
	}
	panic("signal: a notice without a frame")
}

type noticeHead struct {
	Type string `json:"type"`
	Seq  uint64 `json:"seq"`
}

func (f noticeFrame) head(kind string) noticeHead { return noticeHead{kind, f.seq} }

func (f noticeFrame) appendStream(buf []byte, kind string, s video.Stream) []byte {
	return render(buf, struct {
		noticeHead
		Stream streamBody `json:"stream"`
	}{f.head(kind), streamOf(s)})
}

func (f noticeFrame) appendReceive(buf []byte, n live.Receiving) []byte {
	type line struct {
		MID      string         `json:"mid"`
		StreamID video.StreamID `json:"stream_id"`
		Kind     video.Kind     `json:"kind"`
	}
	lines := make([]line, len(n.Lines))
	for i, l := range n.Lines {
		lines[i] = line(l)
	}
	return render(buf, struct {
		noticeHead
		Lines []line `json:"lines"`
	}{f.head("receive"), lines})
}

// appendMessage puts the message in as it was sent, byte for byte: encoding it anew would cost time for each receiver
// and could change it.
func (f noticeFrame) appendMessage(buf []byte, n live.Message) []byte {
	buf = append(buf, `{"type":"message","seq":`...)
	buf = strconv.AppendUint(buf, f.seq, 10)
	buf = append(buf, `,"from":"`...)
	buf = append(buf, n.From...)
	buf = append(buf, `","recipients":[`...)
	for i, id := range n.Recipients {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, '"')
		buf = append(buf, id...)
		buf = append(buf, '"')
	}
	buf = append(buf, `],"sent_at":"`...)
	buf = n.SentAt.UTC().AppendFormat(buf, timestampLayout)
	buf = append(buf, `","message":`...)
	buf = append(buf, n.Body...)
	return append(buf, '}')
}
