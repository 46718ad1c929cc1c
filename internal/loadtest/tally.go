package loadtest

// tally is what was counted of the media. All but expected and delivered are totals since the start.
type tally struct {
	sent, sentBytes       uint64 // packets published, and their payloads
	resent                uint64 // sent again because the server asked
	arrived, arrivedBytes uint64 // packets that came from the server, before any were lost by emulation
	received              uint64 // packets that participants got, each counted once
	repaired              uint64 // of those, by being sent again
	duplicates            uint64
	lost                  uint64 // numbers that are missing in what participants got
	lostUp, lostDown      uint64 // by emulation
	dropped               uint64 // by the kernel, because the generator did not fetch them in time
	unauthentic           uint64
	sampled               uint64 // packets decrypted
	unknown               uint64 // packets of no line that was negotiated
}

func (s *tally) addTransport(t *transport) {
	s.dropped += uint64(t.dropped)
	if t.sender != nil {
		for _, src := range t.sender.sources {
			s.sent += src.sent
			s.sentBytes += src.octets
			s.resent += src.resent
		}
	}
	if t.receiver != nil {
		for _, in := range t.receiver.all {
			s.received += in.reception.Received()
			s.repaired += in.repaired
			s.duplicates += in.duplicates
			s.lost += in.lost()
		}
	}
}

func (in *incoming) lost() uint64 {
	highest, begun := in.reception.Highest()
	if !begun {
		return 0
	}
	if expected := highest - in.before; expected > in.reception.Received() {
		return expected - in.reception.Received()
	}
	return 0
}

func (s *tally) add(other tally) {
	s.sent += other.sent
	s.sentBytes += other.sentBytes
	s.resent += other.resent
	s.arrived += other.arrived
	s.arrivedBytes += other.arrivedBytes
	s.received += other.received
	s.repaired += other.repaired
	s.duplicates += other.duplicates
	s.lost += other.lost
	s.lostUp += other.lostUp
	s.lostDown += other.lostDown
	s.dropped += other.dropped
	s.unauthentic += other.unauthentic
	s.sampled += other.sampled
	s.unknown += other.unknown
}

// since is what was counted after an earlier total. Packets that were missing then may have come.
func (s tally) since(before tally) tally {
	s.sent -= before.sent
	s.sentBytes -= before.sentBytes
	s.resent -= before.resent
	s.arrived -= before.arrived
	s.arrivedBytes -= before.arrivedBytes
	s.received -= before.received
	s.repaired -= before.repaired
	s.duplicates -= before.duplicates
	s.lost -= min(s.lost, before.lost)
	s.lostUp -= before.lostUp
	s.lostDown -= before.lostDown
	s.dropped -= before.dropped
	s.unauthentic -= before.unauthentic
	s.sampled -= before.sampled
	s.unknown -= before.unknown
	return s
}
