package sfu

// departuresKept is how many packets of a connection are remembered until the client tells of them: 0.4 s at 100 Mbit/s. It
// is a power of two.
const departuresKept = 4096

// departures numbers the packets of a connection, whatever their line, and remembers when they left, so that the client can tell
// how each one fared. They have no pointers, and take 32 KiB.
type departures struct {
	next    uint64 // number of the next packet; its lower half is sent
	octets  uint64 // of all so far
	ring    []departure
	cluster uint8 // the probe that is under way, 0 if none
}

// departure is one packet.
type departure struct {
	at      uint32 // when it left, in units of 1,024 ns; starts over after 73 minutes
	size    uint16 // bytes, sealed
	cluster uint8  // the probe it was part of, 0 if none
	fate    fate
}

// fate is what is known of a packet that left.
type fate uint8

const (
	unsent fate = iota // or sent more than once, so that nothing can be learned from it
	underway
	came
	missing
)

// open makes room to remember, once.
func (d *departures) open() {
	if d.ring == nil {
		d.ring = make([]departure, departuresKept)
	}
}

// add numbers a packet that leaves now.
func (d *departures) add(now int64, size int) uint16 {
	number := d.next
	d.next++
	d.octets += uint64(size)
	d.ring[number&(departuresKept-1)] = departure{uint32(now >> 10), uint16(size), d.cluster, underway}
	return uint16(number)
}

// find returns the latest packet with this number, or nil if it is not remembered any more.
func (d *departures) find(number uint16) *departure {
	last := d.next - 1
	full := last - uint64(uint16(last)-number)
	if full > last || d.next-full > uint64(len(d.ring)) {
		return nil
	}
	return &d.ring[full&(departuresKept-1)]
}

// forget makes that nothing is learned from this packet: it leaves a second time.
func (d *departures) forget(number uint16) {
	if p := d.find(number); p != nil {
		p.fate = unsent
	}
}

// flying returns how many bytes left since the packet with this number, itself included.
func (d *departures) flying(from uint16) int64 {
	bytes := int64(0)
	for n := from; n != uint16(d.next); n++ {
		p := d.find(n)
		if p == nil {
			break
		}
		bytes += int64(p.size)
	}
	return bytes
}

// since returns how long ago, in ns, the packet left.
func (p *departure) since(now int64) int64 { return int64(uint32(now>>10)-p.at) << 10 }
