package loadtest

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Report is what a run has shown. Its JSON is what --json writes.
type Report struct {
	Plan          Plan    `json:"plan"`
	ServerVersion string  `json:"server_version"`
	Seconds       float64 `json:"seconds"` // of measuring

	Joins     Joins     `json:"joins"`
	Packets   Packets   `json:"packets"`
	Delivery  Delivery  `json:"delivery"`
	Latency   Latency   `json:"latency_ms"`
	Server    *Server   `json:"server"` // null without its process id
	Generator Generator `json:"generator"`
	Errors    []Fault   `json:"errors"`
}

// Joins are how participants came in, from the opening of the signalling socket on. Those of churn are among them.
type Joins struct {
	Joined    int   `json:"joined"`
	Failed    int   `json:"failed"`
	Left      int   `json:"left"` // by churn
	Lost      int   `json:"lost"` // after they had joined
	Published Times `json:"published_ms"`
	First     Times `json:"first_packet_ms"`
	Picture   Times `json:"first_picture_ms"`
	Whole     Times `json:"all_streams_ms"`
}

// Times sums up durations, in milliseconds.
type Times struct {
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
	Count int     `json:"count"`
}

// Packets are the media packets of the time of measuring.
type Packets struct {
	SentPerSecond       float64 `json:"sent_per_second"`      // by publishers
	ForwardedPerSecond  float64 `json:"forwarded_per_second"` // that came from the server, those sent again included
	ReceivedPerSecond   float64 `json:"received_per_second"`  // that subscribers got past the emulated loss, each counted once
	ForwardedBitsSecond float64 `json:"forwarded_bits_per_second"`

	Sent        uint64  `json:"sent"`
	Forwarded   uint64  `json:"forwarded"`
	Received    uint64  `json:"received"`
	Lost        uint64  `json:"lost"` // numbers that are missing after all repair
	LostPercent float64 `json:"lost_percent"`
	Repaired    uint64  `json:"repaired"` // came when the subscriber asked again
	Resent      uint64  `json:"resent"`   // by publishers, because the server asked
	Duplicates  uint64  `json:"duplicates"`
	EmulatedUp  uint64  `json:"lost_by_emulation_up"`
	EmulatedDn  uint64  `json:"lost_by_emulation_down"`
	Dropped     uint64  `json:"dropped_by_generator"` // in its own sockets: the machine was too busy
	Unauthentic uint64  `json:"unauthentic"`          // of those that were decrypted
	Decrypted   uint64  `json:"decrypted"`
}

// Delivery compares, from each subscriber's first packet of a source to the end, what was sent with what arrived. It is empty with churn or
// simulcast, where a line carries several sources.
type Delivery struct {
	Expected uint64 `json:"expected"`
	Received uint64 `json:"received"`
}

// Latency is how long packets took from a publisher's encoder to a subscriber's socket, in milliseconds.
type Latency struct {
	P50     float64 `json:"p50"`
	P95     float64 `json:"p95"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
	Samples uint64  `json:"samples"`
}

// Server is what its process took.
type Server struct {
	Cores               float64 `json:"cores"`
	MicrosPerPacket     float64 `json:"cpu_us_per_forwarded_packet"`
	MillisPerJoin       float64 `json:"cpu_ms_per_join"` // without the packets forwarded meanwhile
	MemoryBytes         int64   `json:"memory_bytes"`
	BytesPerParticipant int64   `json:"memory_bytes_per_participant"` // what it grew by
}

// Generator is what this process took.
type Generator struct {
	Cores           float64 `json:"cores"`
	MicrosPerPacket float64 `json:"cpu_us_per_packet"` // sent or received
	LongestPause    float64 `json:"longest_pause_ms"`
}

// Fault is an error and how often it was.
type Fault struct {
	Error string `json:"error"`
	Count int    `json:"count"`
}

// Fault says what was wrong with a run as a whole, or nothing.
func (r *Report) Fault() string {
	switch {
	case r.Joins.Failed > 0:
		return "participants could not join"
	case r.Joins.Lost > 0:
		return "participants were lost"
	case r.Packets.Received == 0:
		return "no media flowed"
	}
	return ""
}

// look is all that is counted, at one moment.
type look struct {
	at             time.Time
	tally          tally
	server         usage
	generator      usage
	joined, failed int
}

func (r *run) look() look {
	l := look{tally: r.total(), generator: ownUsage(), at: time.Now()}
	if r.plan.ServerPID != 0 {
		var err error
		if l.server, err = usageOf(r.plan.ServerPID); err != nil {
			r.note(err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.joined, l.failed = r.outcomes.joined, r.outcomes.failed
	return l
}

// total is what was counted in all loops.
func (r *run) total() tally {
	var sum tally
	for _, l := range r.loops {
		l.do(func() { sum.add(l.total()) })
	}
	return sum
}

func (r *run) setMeasuring(on bool) {
	for _, l := range r.loops {
		l.do(func() {
			l.measuring = on
			if on {
				l.pause, l.last, l.latency = 0, l.now(), histogram{}
			}
		})
	}
}

// report makes the figures of the time from one look to another; begun and filled are the looks before and after the joins.
func (r *run) report(begun, filled, from, to look, delivery Delivery) *Report {
	seconds := to.at.Sub(from.at).Seconds()
	n := to.tally.since(from.tally)
	report := &Report{
		Plan: r.plan, Seconds: seconds, Delivery: delivery, Errors: []Fault{},
		Packets: Packets{
			SentPerSecond: float64(n.sent) / seconds, ForwardedPerSecond: float64(n.arrived) / seconds,
			ReceivedPerSecond: float64(n.received) / seconds, ForwardedBitsSecond: float64(n.arrivedBytes) * 8 / seconds,
			Sent: n.sent, Forwarded: n.arrived, Received: n.received, Lost: n.lost, Repaired: n.repaired, Resent: n.resent,
			Duplicates: n.duplicates, EmulatedUp: n.lostUp, EmulatedDn: n.lostDown, Dropped: n.dropped, Unauthentic: n.unauthentic, Decrypted: n.sampled,
		},
	}
	if n.lost > 0 {
		report.Packets.LostPercent = 100 * float64(n.lost) / float64(n.lost+n.received)
	}
	report.Latency, report.Generator.LongestPause = r.latency()
	spent := to.generator.cpuSince(from.generator)
	report.Generator.Cores = spent.Seconds() / seconds
	report.Generator.MicrosPerPacket = micros(spent) / float64(max(n.sent+n.arrived, 1))
	if r.plan.ServerPID != 0 {
		report.Server = r.serverShare(begun, filled, from, to, n.arrived)
	}
	return report
}

// serverShare is what the server took. What its joins cost is what it took while they happened, less the cost of the packets of that time.
func (r *run) serverShare(begun, filled, from, to look, forwarded uint64) *Server {
	spent := to.server.cpuSince(from.server)
	s := &Server{
		Cores: spent.Seconds() / to.at.Sub(from.at).Seconds(), MemoryBytes: to.server.resident,
		BytesPerParticipant: max(0, to.server.resident-begun.server.resident) / int64(r.plan.participants()),
	}
	if forwarded > 0 {
		s.MicrosPerPacket = micros(spent) / float64(forwarded)
	}
	if joins := filled.joined - begun.joined; joins > 0 {
		media := s.MicrosPerPacket * float64(filled.tally.arrived-begun.tally.arrived)
		s.MillisPerJoin = max(0, micros(filled.server.cpuSince(begun.server))-media) / 1000 / float64(joins)
	}
	return s
}

func (r *run) latency() (Latency, float64) {
	var all histogram
	var pause time.Duration
	for _, l := range r.loops {
		l.do(func() {
			all.merge(&l.latency)
			pause = max(pause, l.pause)
		})
	}
	return Latency{
		P50: millis(all.percentile(50)), P95: millis(all.percentile(95)), P99: millis(all.percentile(99)), Max: millis(all.most), Samples: all.count,
	}, millis(pause)
}

func (r *Report) addOutcomes(o *outcomes, server string) {
	r.ServerVersion = server
	r.Joins = Joins{
		Joined: o.joined, Failed: o.failed, Left: o.left, Lost: o.lost,
		Published: timesOf(o.published), First: timesOf(o.first), Picture: timesOf(o.pictures), Whole: timesOf(o.wholes),
	}
	for text, n := range o.errors {
		r.Errors = append(r.Errors, Fault{text, n})
	}
	slices.SortFunc(r.Errors, func(a, b Fault) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Error, b.Error)) })
}

func timesOf(all []time.Duration) Times {
	if len(all) == 0 {
		return Times{}
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(percent float64) float64 {
		return millis(sorted[max(int(math.Ceil(percent/100*float64(len(sorted))))-1, 0)])
	}
	return Times{P50: at(50), P99: at(99), Max: at(100), Count: len(sorted)}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
