package video

import "time"

// FindingCode names a fault of somebody's media.
type FindingCode string

const (
	FoundConnectionLost FindingCode = "connection_lost" // the connection broke, and came back or not
	FoundUplinkLoss     FindingCode = "uplink_loss"     // what was published got lost on its way to the server
	FoundUplinkNarrow   FindingCode = "uplink_narrow"   // the way to the server carries less than the client would send
	FoundCPULimited     FindingCode = "cpu_limited"     // the client's device is too slow to encode what it would send
	FoundDownlinkLoss   FindingCode = "downlink_loss"   // what was received got lost on its way from the server
	FoundDownlinkNarrow FindingCode = "downlink_narrow" // the way from the server carries less than was asked for
	FoundPublisher      FindingCode = "publisher"       // what froze had got lost before it came to the server
	FoundInterrupted    FindingCode = "interrupted"     // pictures froze or sound was made up, and nothing measured says why
	FoundHighRoundTrip  FindingCode = "high_round_trip" // the way is long or its queues are
	FoundJitter         FindingCode = "jitter"          // packets came unevenly
	FoundRelay          FindingCode = "relay"           // media went over a relay, or by TCP: no fault, but slower
)

// Side is where a fault was.
type Side string

const (
	SideNone    Side = "none" // nobody's: there was none
	SideNetwork Side = "participant_network"
	SideDevice  Side = "participant_device"
	SideOther   Side = "other_participant"
	SideUnknown Side = "unknown"
)

// Finding is a fault, and when it was seen.
type Finding struct {
	Code        FindingCode
	Side        Side
	Publishes   bool          // it is about what the participant publishes; else, what it receives
	PublisherID ParticipantID // of FoundPublisher: whose stream it was
	Text        string        // in words, without saying on whose side
	Worst       float64       // the worst that was seen: a part of 1, milliseconds, or bit/s, as Unit says
	Unit        string        // ratio, ms, bps, or empty
	Spans       []Span        // when, oldest first
}

// Duration is for how long a fault was seen.
func (f Finding) Duration() (sum time.Duration) {
	for _, span := range f.Spans {
		sum += span.Until.Sub(span.From)
	}
	return sum
}

// Diagnosis is what went wrong with a participant's media in a span of time: a sentence, and the findings behind it, the worst first.
type Diagnosis struct {
	Measured   Span          // from the first to the last step in which anything was
	Resolution time.Duration // of the steps it is made of
	Sentence   string
	Side       Side // of the worst finding
	Findings   []Finding
}
