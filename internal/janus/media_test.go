package janus_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	bridge = "janus.plugin.audiobridge"
	videos = "janus.plugin.videoroom"
	texts  = "janus.plugin.textroom"
)

// display renders a display of the client's.
func (c *client) display(extra string) string {
	return base64.StdEncoding.EncodeToString([]byte(`{"participantId":"` + c.id + `"` + extra + `}`))
}

func streamDisplay(key string, audio, picture bool) string {
	return fmt.Sprintf(`,"stream":{"id":"beef0000-0000-4000-8000-000000000000","key":%q,"isAudioEnabled":%t,"isVideoEnabled":%t}`, key, audio, picture)
}

// until reads to the first frame that fits.
func (c *client) until(what string, fits func(object) bool) object {
	c.t.Helper()
	var seen []string
	for {
		frame, err := c.tryRead()
		if err != nil {
			c.t.Fatalf("no %s: %v, after %s", what, err, seen)
		}
		if fits(frame) {
			return frame
		}
		b, _ := json.Marshal(frame)
		seen = append(seen, string(b))
	}
}

// ask sends a request and returns the answer to it.
func (c *client) ask(request object) object {
	c.t.Helper()
	transaction := c.send(request)
	return c.until("answer", func(f object) bool { return f["transaction"] == transaction })
}

func (c *client) attach(plugin string) float64 {
	c.t.Helper()
	return c.ask(object{"janus": "attach", "plugin": plugin})["data"].(object)["id"].(float64)
}

// tell sends a message to a handle and returns the plugin's data and the SDP of the answer, if there is one.
func (c *client) tell(handle float64, body object, description ...string) (data object, sdp string) {
	c.t.Helper()
	request := object{"janus": "message", "handle_id": handle, "body": body}
	if len(description) > 0 {
		request["jsep"] = object{"type": description[0], "sdp": description[1]}
	}
	answer := c.ask(request)
	if data, _ = answer["plugindata"].(object)["data"].(object); data["error_code"] != nil {
		c.t.Fatalf("%v: %v", body, data)
	}
	if j, ok := answer["jsep"].(object); ok {
		sdp = j["sdp"].(string)
	}
	return data, sdp
}

// push reads to the next push with this element.
func (c *client) push(element string) object {
	c.t.Helper()
	frame := c.until("push with "+element, func(f object) bool {
		p, ok := f["plugindata"].(object)
		return ok && f["transaction"] == nil && p["data"].(object)[element] != nil
	})
	return frame["plugindata"].(object)["data"].(object)
}

func (c *client) connection(options ...func(*webrtc.API)) *webrtc.PeerConnection {
	c.t.Helper()
	var se webrtc.SettingEngine
	se.SetIncludeLoopbackCandidate(true)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	if err := se.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil { // as browsers do
		c.t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(append(options, webrtc.WithSettingEngine(se))...).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = pc.Close() })
	return pc
}

func (c *client) local(pc *webrtc.PeerConnection, description webrtc.SessionDescription, err error) string {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(description); err != nil {
		c.t.Fatal(err)
	}
	<-gathered
	return pc.LocalDescription().SDP
}

func (c *client) offer(pc *webrtc.PeerConnection) string {
	c.t.Helper()
	offer, err := pc.CreateOffer(nil)
	return c.local(pc, offer, err)
}

func (c *client) remote(pc *webrtc.PeerConnection, kind webrtc.SDPType, sdp string) {
	c.t.Helper()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		c.t.Fatalf("%v refused: %v\n%s", kind, err, sdp)
	}
}

func (c *client) answer(pc *webrtc.PeerConnection, offer string) string {
	c.t.Helper()
	c.remote(pc, webrtc.SDPTypeOffer, offer)
	answer, err := pc.CreateAnswer(nil)
	return c.local(pc, answer, err)
}

// enter joins as the web client does, without messages: R, L, M with an offer of audio on which nothing is sent yet.
func (c *client) enter() {
	c.t.Helper()
	c.session = c.ask(object{"janus": "create"})["data"].(object)["id"].(float64)
	c.tell(c.attach(bridge), object{"request": "join", "room": c.room, "display": c.display(`,"canReceiveMessages":true`), "muted": true})
	c.tell(c.attach(videos), object{"request": "join", "room": c.room, "ptype": "publisher", "display": c.display("")})
	mix := c.attach(bridge)
	c.tell(mix, object{"request": "join", "room": c.room, "display": c.display(streamDisplay("audiobridge", true, false))})
	pc := c.connection()
	var err error
	if c.up, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mix", "mix"); err != nil {
		c.t.Fatal(err)
	}
	if _, err := pc.AddTransceiverFromTrack(c.up, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}); err != nil {
		c.t.Fatal(err)
	}
	c.down = make(chan *webrtc.TrackRemote, 1)
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { c.down <- track })
	_, answer := c.tell(mix, object{"request": "configure", "display": c.display(streamDisplay("audiobridge", true, false))}, "offer", c.offer(pc))
	if !strings.Contains(answer, "a=sendrecv") {
		c.t.Fatalf("the mixed leg was answered\n%s", answer)
	}
	c.remote(pc, webrtc.SDPTypeAnswer, answer)
}

// publish publishes a camera and keeps sending pictures until the test ends.
func (c *client) publish(key string) (handle float64, pc *webrtc.PeerConnection) {
	c.t.Helper()
	handle, pc, tracks := c.announce(key)
	c.keepSending(tracks)
	return handle, pc
}

// open publishes a stream on whose tracks, of audio and video, nothing is sent yet.
func (c *client) open(key string) (handle float64, tracks []*webrtc.TrackLocalStaticRTP) {
	c.t.Helper()
	handle, _, tracks = c.announce(key)
	return handle, tracks
}

func (c *client) announce(key string) (handle float64, pc *webrtc.PeerConnection, tracks []*webrtc.TrackLocalStaticRTP) {
	c.t.Helper()
	display := c.display(streamDisplay(key, true, true))
	handle = c.attach(videos)
	c.tell(handle, object{"request": "join", "room": c.room, "ptype": "publisher", "display": display})
	pc = c.connection()
	connected := make(chan struct{}, 1)
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			connected <- struct{}{}
		}
	})
	for _, mime := range []string{webrtc.MimeTypeOpus, webrtc.MimeTypeVP8} {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime, "stream")
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
			c.t.Fatal(err)
		}
		tracks = append(tracks, track)
	}
	data, answer := c.tell(handle, object{"request": "configure", "audio": true, "video": true, "bitrate": 500000, "display": display}, "offer", c.offer(pc))
	if data["configured"] != "ok" || data["video_codec"] != "vp8" {
		c.t.Errorf("configured %v", data)
	}
	c.remote(pc, webrtc.SDPTypeAnswer, answer)
	c.tell(handle, object{"request": "configure", "audio": true, "video": true, "display": display})
	within(c.t, connected, "the connection")
	return handle, pc, tracks
}

func (c *client) keepSending(tracks []*webrtc.TrackLocalStaticRTP) {
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for n := uint16(0); ; n++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			_ = tracks[0].WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 960}, Payload: []byte{0xfc, 1, 2}})
			_ = tracks[1].WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: n, Timestamp: uint32(n) * 450},
				Payload: []byte{0x90, 0x80, 0x80 | byte(n>>8), byte(n), 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01},
			})
		}
	})
	c.t.Cleanup(func() { close(stop); sending.Wait() })
}

// subscribe takes a feed as the server offers it.
func (c *client) subscribe(feed any) (handle float64, tracks chan *webrtc.TrackRemote) {
	c.t.Helper()
	handle = c.attach(videos)
	data, offer := c.tell(handle, object{"request": "join", "room": c.room, "ptype": "subscriber", "feed": feed, "audio": true, "video": true})
	if data["videoroom"] != "attached" || data["id"] != feed || data["display"] == "" {
		c.t.Errorf("attached %v", data)
	}
	pc := c.connection()
	tracks = make(chan *webrtc.TrackRemote, 2)
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { tracks <- track })
	if started, _ := c.tell(handle, object{"request": "start", "room": c.room}, "answer", c.answer(pc, offer)); started["started"] != "ok" {
		c.t.Errorf("started %v", started)
	}
	return handle, tracks
}

func within[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("timed out waiting for %s", what)
		panic("unreachable")
	}
}

// native is a participant of another entrance.
func (h *house) native() (*live.Participant, chan live.Notice) {
	h.t.Helper()
	heard := make(chan live.Notice, 256)
	grant, _ := h.tokens.Verify(h.t.Context(), h.token())
	p, _, err := h.host.Join(h.t.Context(), live.JoinRequest{
		Grant: grant, ID: video.ParticipantID(video.NewUUID()), ReceivesMessages: true, Listener: live.ListenerFunc(func(n live.Notice) { heard <- n }),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return p, heard
}

func hear[N live.Notice](t *testing.T, heard chan live.Notice) N {
	t.Helper()
	for {
		if n, ok := within(t, heard, fmt.Sprintf("%T", *new(N))).(N); ok {
			return n
		}
	}
}

// TestCall goes through publishing, subscribing, switching, muting and leaving, with real media, beside a native participant.
func TestCall(t *testing.T) {
	h := newHouse(t)
	native, heard := h.native()
	a, b := h.dial(), h.dial()
	a.enter()
	b.enter()
	published, _ := a.publish("self")

	stream := hear[live.StreamPublished](t, heard).Stream
	if string(stream.ParticipantID) != a.id || stream.Key != "self" || !stream.AudioEnabled || !stream.VideoEnabled {
		t.Errorf("the native participant hears of %+v", stream)
	}
	feed := b.push("publishers")["publishers"].([]any)[0].(object)
	if feed["audio_codec"] != "opus" || feed["video_codec"] != "vp8" {
		t.Errorf("published %v", feed)
	}
	shown, _ := base64.StdEncoding.DecodeString(feed["display"].(string))
	if !strings.Contains(string(shown), `"participantId":"`+a.id+`","stream":{"id":"`+string(stream.ID)+`","key":"self"`) {
		t.Errorf("display %s", shown)
	}
	subscribed, tracks := b.subscribe(feed["id"])
	kinds := map[webrtc.RTPCodecType]bool{}
	for range 2 {
		track := within(t, tracks, "a track")
		kinds[track.Kind()] = true
		if _, _, err := track.ReadRTP(); err != nil {
			t.Fatal(err)
		}
	}
	if len(kinds) != 2 {
		t.Errorf("tracks of %v", kinds)
	}
	if paused, _ := b.tell(subscribed, object{"request": "pause", "room": b.room}); paused["paused"] != "ok" {
		t.Errorf("paused %v", paused)
	}
	if configured, _ := b.tell(subscribed, object{"request": "configure", "audio": true, "video": true}); configured["configured"] != "ok" {
		t.Errorf("configured %v", configured)
	}

	a.tell(published, object{"request": "configure", "audio": true, "video": true, "display": a.display(streamDisplay("self", false, true))})
	if changed := hear[live.StreamUpdated](t, heard).Stream; changed.AudioEnabled || !changed.VideoEnabled {
		t.Errorf("switched %+v", changed)
	}
	changed := b.push("display")
	if shown, _ := base64.StdEncoding.DecodeString(changed["display"].(string)); changed["id"] != feed["id"] || !strings.Contains(string(shown), `"isAudioEnabled":false`) {
		t.Errorf("push %v %s", changed, shown)
	}
	only := video.Selection{IDs: []video.ParticipantID{video.ParticipantID(a.id)}}
	if _, err := h.host.Mute(t.Context(), h.room.ID, native.SessionID(), only); err != nil {
		t.Fatal(err)
	}
	if moderated := b.push("audio-moderation"); moderated["id"] != feed["id"] || moderated["audio-moderation"] != "muted" {
		t.Errorf("push %v", moderated)
	}
	if moderated := a.push("audio-moderation"); moderated["audio-moderation"] != "muted" {
		t.Errorf("its own push %v", moderated)
	}

	second, _ := a.publish("presentation")
	if late := b.push("publishers")["publishers"].([]any)[0].(object); late["audio_moderated"] != true {
		t.Errorf("published while muted: %v", late)
	}
	if moderated := a.push("audio-moderation"); moderated["audio-moderation"] != "muted" {
		t.Errorf("its own push %v", moderated)
	}
	if gone := a.ask(object{"janus": "detach", "handle_id": second}); gone["janus"] != "success" {
		t.Errorf("detach %v", gone)
	}
	b.push("unpublished")
	_ = a.socket.Close(1000, "")
	if gone := b.push("unpublished"); gone["unpublished"] != feed["id"] {
		t.Errorf("push %v", gone)
	}
	if gone := b.push("leaving"); gone["leaving"] != feed["id"] {
		t.Errorf("push %v", gone)
	}
	if left := hear[live.ParticipantLeft](t, heard); string(left.ID) != a.id || left.Reason != video.LeftByChoice {
		t.Errorf("left %+v", left)
	}
	for range 2 {
		if detached := b.ask(object{"janus": "detach", "handle_id": subscribed}); detached["janus"] != "success" {
			t.Errorf("detach %v", detached)
		}
	}
}

// TestClosedConnectionUnpublishes: that is how Android ends a stream.
func TestClosedConnectionUnpublishes(t *testing.T) {
	h := newHouse(t)
	_, heard := h.native()
	a := h.dial()
	a.enter()
	_, pc := a.publish("self")
	hear[live.StreamPublished](t, heard)
	if err := pc.Close(); err != nil {
		t.Fatal(err)
	}
	hear[live.StreamUnpublished](t, heard)
	a.publish("another")
	hear[live.StreamPublished](t, heard)
}

// TestMessages goes both ways between the text channel and a native participant.
func TestMessages(t *testing.T) {
	h := newHouse(t)
	native, heard := h.native()
	a := h.dial()
	a.session = a.ask(object{"janus": "create"})["data"].(object)["id"].(float64)
	handle := a.attach(texts)
	data, offer := a.tell(handle, object{"request": "setup", "room": a.room})
	room := data["janus_room_id"].(float64)
	pc := a.connection()
	if data, _ = a.tell(handle, object{"request": "ack"}, "answer", a.answer(pc, offer)); data["result"] != "ok" {
		t.Errorf("ack %v", data)
	}
	channel, err := pc.CreateDataChannel("JanusDataChannel", nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, came := make(chan struct{}), make(chan object, 64)
	channel.OnOpen(func() { close(opened) })
	channel.OnMessage(func(m webrtc.DataChannelMessage) {
		var o object
		if json.Unmarshal(m.Data, &o) == nil && m.IsString {
			came <- o
		}
	})
	within(t, opened, "the channel")
	say := func(o object) {
		b, _ := json.Marshal(o)
		if err := channel.SendText(string(b)); err != nil {
			t.Fatal(err)
		}
	}
	say(object{"textroom": "join", "transaction": "x1", "room": room, "username": a.id, "display": a.id})
	if joined := within(t, came, "the answer"); joined["textroom"] != "success" || joined["transaction"] != "x1" {
		t.Errorf("joined %v", joined)
	}
	hi := `{"message":{"type":"text","payload":"hi"},"recipients":[]}`
	say(object{"textroom": "message", "transaction": "early", "room": room, "text": hi})
	if early := within(t, came, "the answer"); early["error_code"] != 422.0 {
		t.Errorf("before the join %v", early)
	}
	a.tell(a.attach(bridge), object{"request": "join", "room": a.room, "display": a.display(`,"canReceiveMessages":true`)})
	say(object{"textroom": "message", "transaction": "x2", "room": room, "text": hi})
	if success := within(t, came, "the answer"); success["textroom"] != "success" || success["sent"] != nil {
		t.Errorf("answer %v", success)
	}
	if echo := within(t, came, "the echo"); echo["from"] != a.id || echo["whisper"] != nil || echo["text"] != hi || echo["room"] != room {
		t.Errorf("echo %v", echo)
	}
	if m := hear[live.Message](t, heard); string(m.Body) != `{"type":"text","payload":"hi"}` || string(m.From) != a.id {
		t.Errorf("message %+v", m)
	}
	nobody := video.NewUUID()
	say(object{"textroom": "message", "transaction": "x3", "room": room, "text": hi, "tos": []string{string(native.ID()), nobody}})
	if success := within(t, came, "the answer"); success["sent"].(object)[string(native.ID())] != true || success["sent"].(object)[nobody] != false {
		t.Errorf("answer %v", success)
	}
	if m := hear[live.Message](t, heard); len(m.Recipients) != 2 {
		t.Errorf("message %+v", m)
	}
	if _, err := native.SendMessage(t.Context(), []byte(`{"type":"text","payload":"<you>"}`), []video.ParticipantID{video.ParticipantID(a.id)}, nil); err != nil {
		t.Fatal(err)
	}
	whisper := within(t, came, "the whisper")
	var words struct {
		Message    object   `json:"message"`
		Recipients []string `json:"recipients"`
	}
	if err := json.Unmarshal([]byte(whisper["text"].(string)), &words); err != nil || words.Message["payload"] != "<you>" || len(words.Recipients) != 1 || whisper["whisper"] != true {
		t.Errorf("whisper %v, %v", whisper, err)
	}
	for text, code := range map[string]float64{
		`{"textroom":"dance","transaction":"e"}`: 415,
		`nonsense`:                               412,
		`{"textroom":"message","transaction":"e","room":1,"text":""}`:                                               417,
		fmt.Sprintf(`{"textroom":"message","transaction":"e","room":%v,"text":"words"}`, uint32(room)):              414,
		fmt.Sprintf(`{"textroom":"join","transaction":"e","room":%v,"username":%q}`, uint32(room), video.NewUUID()): 414,
	} {
		if err := channel.SendText(text); err != nil {
			t.Fatal(err)
		}
		if refused := within(t, came, "the refusal"); refused["textroom"] != "error" || refused["error_code"] != code {
			t.Errorf("%s: %v", text, refused)
		}
	}
	native.Leave(video.LeftByChoice)
	if gone := within(t, came, "the leave"); gone["textroom"] != "leave" || gone["username"] != string(native.ID()) {
		t.Errorf("leave %v", gone)
	}
}
