package sfu

import (
	"log/slog"
	"sync/atomic"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

const (
	// batchPackets is how many packets a batch holds; then it is flushed.
	batchPackets = 256
	// maxOutgoing is the longest packet we send: what our header extension, RTX and sealing add to the longest that comes.
	maxOutgoing = packet.MaxSize + extensionSize + descriptorMargin + 2 + sealOverhead
	batchBytes  = batchPackets*1280 + maxOutgoing
)

// batch collects packets on their way out until a burst is over, so that the kernel gets those of one client together.
// It belongs to one goroutine.
type batch struct {
	engine *Engine
	tally

	shedding shedding
	limits   limits // that the ticker met in a round

	slab    []byte
	used    int
	out     []outgoing
	chains  []chain
	made    int    // packets since the batch was
	overTCP int    // chains
	turn    uint64 // of this batch until its next flush, and of no other: chains of an earlier turn are not there any more
	sender  sender
}

// outgoing is a sealed packet in the slab.
type outgoing struct {
	at, size int
	next     int // of the same chain, -1 for the last
}

// chain is the packets of one kind for one client, in their order.
type chain struct {
	to          *path
	first, last int
	audio       bool
}

// chained is where a connection's packets of one kind are in a batch.
type chained struct {
	turn  uint64
	chain int
	audio bool
}

// tally counts what happened since the last flush.
type tally struct {
	received, sent, unsent, shed, undecryptable, unsupported, retransmitted, restored, probes uint64
}

// segmentation says whether the kernel cuts messages into datagrams.
type segmentation struct {
	off atomic.Bool
	log *slog.Logger
}

// refused notes that it does not, and says so once.
func (s *segmentation) refused() {
	if !s.off.Swap(true) {
		s.log.Info("the kernel does not cut messages into datagrams: each packet is sent by itself")
	}
}

func newBatch(e *Engine) *batch {
	b := &batch{
		engine: e, slab: make([]byte, batchBytes), out: make([]outgoing, 0, batchPackets), chains: make([]chain, 0, batchPackets), turn: e.turns.Add(1),
	}
	b.sender.init(e)
	return b
}

// nearlyFull reports whether it is time to flush at the next opportunity, rather than in the midst of a packet's viewers.
func (b *batch) nearlyFull() bool { return len(b.out) >= batchPackets*3/4 }

// room returns the space for the next packet, of maxOutgoing bytes.
func (b *batch) room() []byte {
	if len(b.out) == cap(b.out) || b.used+maxOutgoing > len(b.slab) {
		b.flush()
	}
	return b.slab[b.used : b.used+maxOutgoing]
}

// add puts the packet that was written to the room, and is n bytes long, behind those of its chain.
func (b *batch) add(c *chained, to *path, n int) {
	this := len(b.out)
	b.made++
	b.out = append(b.out, outgoing{at: b.used, size: n, next: -1})
	b.used += n
	if c.turn == b.turn && b.chains[c.chain].to == to {
		chain := &b.chains[c.chain]
		b.out[chain.last].next = this
		chain.last = this
		return
	}
	c.turn, c.chain = b.turn, len(b.chains)
	b.chains = append(b.chains, chain{to, this, this, c.audio})
	if to.tcp != nil {
		b.overTCP++
	}
}

// queue hands the connections of clients over TCP what is theirs.
func (b *batch) queue() {
	now := b.engine.Now()
	for _, c := range b.chains {
		if c.to.tcp != nil {
			c.to.tcp.sendChain(b, c.first, c.audio, now)
		}
	}
	b.overTCP = 0
}

// flush sends what there is and publishes the tally.
func (b *batch) flush() {
	if len(b.out) > 0 {
		b.unsent += uint64(b.sender.send(b))
		if b.overTCP > 0 {
			b.queue()
		}
		b.sent += uint64(len(b.out))
		b.used, b.out, b.chains = 0, b.out[:0], b.chains[:0]
		b.turn = b.engine.turns.Add(1)
	}
	if b.tally != (tally{}) {
		b.engine.counters.add(&b.tally)
		b.tally = tally{}
	}
}
