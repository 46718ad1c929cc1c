package record

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// While a keyframe is needed, it is asked for again after keyframeEvery ns, then after twice as long, and so on, at most
// keyframeDoublings times doubled: some senders never give one that a file can begin with.
const (
	keyframeEvery     = 500e6
	keyframeDoublings = 4
)

// track keeps one kind of one stream. Source and Take are the media path's; everything else is the session's goroutine's.
type track struct {
	session *session
	of      video.RecordedStream
	kind    video.Kind
	queue   queue

	source    packet.Source
	codec     packet.Codec
	encoding  encoding
	heard     bool // packets came since the last look
	order     reorder
	assembler *packet.Assembler
	time      timeline
	joined    bool // timestamps go on from the last frame
	emit      func(*packet.Frame)

	broken  bool      // no frame can be decoded until the next keyframe
	asked   int64     // when a keyframe was asked for
	asks    int       // how often since the last frame
	closed  GapReason // why nothing comes now
	why     GapReason // why nothing came since the last frame
	lost    uint64    // packets since the last frame
	allLost uint64    // packets of this recording

	recording *recording // nil until the first frame
	over      bool       // nothing will be kept any more
}

// encoding says whose numbers and timestamps belong together.
type encoding struct {
	source int
	layer  int
}

func newTrack(s *session, of video.RecordedStream, kind video.Kind) *track {
	t := &track{session: s, of: of, kind: kind, broken: kind == video.Video}
	t.order.deliver, t.order.late = t.deliver, t.queue.release
	t.emit = t.frame
	return t
}

// Source implements packet.Sink. Called again, as for a publisher that comes back, it says that what is taken from now on
// is numbered and timed otherwise.
func (t *track) Source(source packet.Source) {
	size := videoQueueBytes
	if t.kind == video.Audio {
		size = audioQueueBytes
	}
	t.queue.open(source, size)
}

// Take implements packet.Sink.
func (t *track) Take(m *packet.Media) { t.queue.put(m) }

// guarded runs a function of the track. If it panics, the track ends, and nothing else.
func (t *track) guarded(f func()) {
	if !t.over && !t.survives(f) {
		t.survives(t.close)
	}
}

// survives runs a function and reports whether it did not panic.
func (t *track) survives(f func()) (well bool) {
	defer func() {
		if p := recover(); p != nil {
			t.logger().Error("a recorded track panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}

func (t *track) logger() *slog.Logger {
	return t.session.recorder.config.Logger.With("session", t.of.SessionID, "participant", t.of.ParticipantID, "stream", t.of.StreamKey, "kind", t.kind)
}

func (t *track) now() int64 { return t.session.recorder.config.Clock() }

// look writes what came, and does what time asks for.
func (t *track) look() {
	first, source := t.queue.takeAll()
	t.source = source
	for s := first; s != nil && !t.over; {
		next := s.next
		t.take(s)
		s = next
	}
	if t.over {
		return
	}
	now := t.now()
	t.order.expire(now)
	if r := t.recording; r != nil && r.writer.due(now) {
		t.check(r.flush())
	}
	if t.recording != nil && t.session.recorder.low(now) {
		t.check(errLow)
	}
	wait := int64(keyframeEvery) << min(max(t.asks-1, 0), keyframeDoublings)
	if t.broken && t.heard && now-t.asked >= wait && t.source.Keyframe != nil {
		t.asked = now
		t.asks++
		t.source.Keyframe()
	}
	t.heard = false
}

// take takes a packet from the queue.
func (t *track) take(s *slot) {
	t.heard = true
	arrived := s.media.Arrived // the slot is not ours any more once it is in order
	switch m := &s.media; {
	case m.Codec != t.codec:
		t.restart()
		t.finish()
		t.codec, t.encoding = m.Codec, encoding{s.source, m.Layer}
		if t.assembler = packet.NewAssembler(m.Codec); t.assembler == nil || formats[m.Codec].kind != t.kind {
			t.logger().Error("a stream cannot be recorded: its codec is unknown", "codec", m.Codec)
			t.close()
			return
		}
		t.broken = t.kind == video.Video
	case t.encoding != (encoding{s.source, m.Layer}):
		t.restart()
		t.encoding = encoding{s.source, m.Layer}
	}
	t.order.add(s)
	t.order.expire(arrived)
}

// restart writes what waits: what comes next is numbered and timed otherwise.
func (t *track) restart() {
	t.order.reset()
	if t.assembler != nil {
		t.assembler.Flush(t.emit)
	}
	t.joined = false
}

// deliver takes the next packet in order.
func (t *track) deliver(s *slot, lost uint64) {
	t.lost += lost
	if t.why == "" { // what a gate keeps back is not lost
		t.allLost += lost
	}
	if !t.over {
		t.assembler.Push(&s.media, lost > 0, t.emit)
	}
	t.queue.release(s)
}

// frame takes the next frame.
func (t *track) frame(f *packet.Frame) {
	if t.over {
		return
	}
	if t.kind == video.Video {
		if !f.Complete || !f.Follows {
			t.broken = true
		}
		if t.broken && (!f.Complete || !f.Keyframe) {
			return
		}
	}
	at := t.time.place(f, t.joined)
	t.joined = true
	if t.recording == nil {
		if ok, err := t.begin(f, at); !ok {
			t.broken = true
			return
		} else if err != nil {
			t.close()
			return
		}
	}
	t.broken = false
	if t.check(t.recording.add(f, at, t.gap())) {
		t.lost, t.why, t.asks = 0, t.closed, 0
	}
}

// gap is why nothing came since the last frame, should it have been long.
func (t *track) gap() GapReason {
	switch {
	case t.why != "":
		return t.why
	case t.lost > 0:
		return GapLost
	}
	return GapSilent
}

// gate notes why nothing comes. What came last holds until the next frame, so that the gap has a reason when it ends.
func (t *track) gate(closed GapReason) {
	t.closed = closed
	if closed != "" {
		t.why = closed
	}
}

// begin starts the recording with its first frame. It reports false if none can start with it.
func (t *track) begin(f *packet.Frame, at int64) (ok bool, err error) {
	private, ok := codecPrivate(t.codec, f)
	if !ok || t.kind == video.Video && f.Width == 0 {
		return false, nil
	}
	r := t.session.recorder
	row := video.Recording{
		ID: video.NewUUID(), AccountID: t.of.AccountID, RoomID: t.of.RoomID, SessionID: t.of.SessionID, ParticipantID: t.of.ParticipantID,
		StreamID: t.of.StreamID, StreamKey: t.of.StreamKey, Status: video.RecordingProcessing, Type: t.kind, Codec: string(t.codec),
		StartedAt: time.UnixMicro(r.wall(at)).UTC(),
	}
	row.CreatedAt, row.UpdatedAt = row.StartedAt, row.StartedAt
	r.config.Rows.RecordingStarted(row)
	t.allLost = 0
	if r.low(t.now()) {
		err = errLow
	} else {
		t.recording, err = r.begin(row, private, f, at)
	}
	if err != nil {
		r.failed(row, err)
	}
	return true, err
}

// check ends the track if there was an error. It reports whether there was none.
func (t *track) check(err error) bool {
	if err == nil {
		return true
	}
	t.logger().Error("a recording ends early", "error", err)
	t.close()
	return false
}

// stop writes what came and ends the track.
func (t *track) stop() {
	t.look()
	if !t.over {
		t.restart()
	}
	t.close()
}

// close ends the track as it is.
func (t *track) close() {
	if t.over {
		return
	}
	t.over = true
	t.finish()
	if dropped := t.queue.close(); dropped > 0 {
		t.logger().Warn("packets were not recorded: the disk was too slow", "dropped", dropped)
	}
}

// finish ends the recording there is, if any.
func (t *track) finish() {
	r := t.recording
	if r == nil {
		return
	}
	t.recording = nil
	if t.allLost > 0 {
		t.logger().Info("packets of a recording were lost", "recording", r.row.ID, "lost", t.allLost)
	}
	t.session.recorder.finish(r)
}
