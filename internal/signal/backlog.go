package signal

import "github.com/rotunda-rtc/rotunda/internal/ws"

// What is kept of a participant's frames, so that a new socket can be told them again. It must fit into the queue of a socket,
// with the reply to resume before it.
const (
	backlogFrames = 768
	backlogBytes  = 2 << 20
)

// backlog has the frames that may not have arrived, in the order in which they were sent. Its zero value is empty.
type backlog struct {
	frames  []sent
	bytes   int
	arrived uint64 // the last notice the client said to have
	gap     uint64 // the last notice that was dropped
}

// sent is a frame that was sent after notice seq, or is it.
type sent struct {
	seq    uint64
	notice bool
	frame  ws.Frame
}

func (b *backlog) add(s sent) {
	b.frames = append(b.frames, s)
	b.bytes += s.frame.Size()
	if len(b.frames) > backlogFrames || b.bytes > backlogBytes {
		b.shrink()
	}
}

// heard forgets what a client has that heard this notice: all before it, too.
func (b *backlog) heard(seq uint64) {
	if seq <= b.arrived {
		return
	}
	b.arrived = seq
	b.keep(func(s sent) bool { return s.seq > seq || !s.notice && s.seq == seq })
	b.gap = max(b.gap, seq)
}

// since returns what to send to a client that heard this notice last, in order; some of the answers it may have. It
// reports false if notices of that are gone.
func (b *backlog) since(seq uint64) (frames []ws.Frame, complete bool) {
	for _, s := range b.frames {
		if s.seq > seq || s.seq == seq && !s.notice {
			frames = append(frames, s.frame)
		}
	}
	return frames, seq >= b.gap
}

// answers returns all answers there are.
func (b *backlog) answers() (frames []ws.Frame) {
	for _, s := range b.frames {
		if !s.notice {
			frames = append(frames, s.frame)
		}
	}
	return frames
}

// skip forgets the notices up to this one, the last: its client is told in another way.
func (b *backlog) skip(seq uint64) {
	b.keep(func(s sent) bool { return !s.notice })
	b.gap = seq
}

// shrink makes room: the older notices go, and only if that is not enough, the older answers. Requests wait for answers, and
// a client can be told of everything else by a snapshot.
func (b *backlog) shrink() {
	b.drop(func(s sent) bool { return s.notice })
	if len(b.frames) > backlogFrames/2 || b.bytes > backlogBytes/2 {
		b.drop(func(s sent) bool { return !s.notice })
	}
}

// drop forgets the oldest frames of a kind until half of what may be kept is free, or none of them is left.
func (b *backlog) drop(kind func(sent) bool) {
	count, bytes := len(b.frames), b.bytes
	b.keep(func(s sent) bool {
		if !kind(s) || count <= backlogFrames/2 && bytes <= backlogBytes/2 {
			return true
		}
		count, bytes = count-1, bytes-s.frame.Size()
		if s.notice {
			b.gap = s.seq
		}
		return false
	})
}

func (b *backlog) keep(wanted func(sent) bool) {
	kept := b.frames[:0]
	for _, s := range b.frames {
		if wanted(s) {
			kept = append(kept, s)
		} else {
			b.bytes -= s.frame.Size()
		}
	}
	clear(b.frames[len(kept):])
	b.frames = kept
}
