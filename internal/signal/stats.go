package signal

import "sync/atomic"

// Stats are what became of sockets since the handler was made, and who is away now.
type Stats struct {
	Lost    uint64 // sockets of participants that were lost and may be resumed
	Resumed uint64 // participants that went on over another socket, the lost ones and those that came before the loss was noticed
	Away    int    // participants whose socket is lost and whose grace is running
}

type counters struct {
	lost, resumed atomic.Uint64
	away          atomic.Int64
}

// Stats may be called by all.
func (h *Handler) Stats() Stats {
	return Stats{Lost: h.stays.lost.Load(), Resumed: h.stays.resumed.Load(), Away: int(h.stays.away.Load())}
}
