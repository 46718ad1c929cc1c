package video

import "time"

// QualityInterval is the grid on which media is measured: how often a client reports, and the server looks at its own figures.
const QualityInterval = 10 * time.Second

// QualitySource is who measured.
type QualitySource string

const (
	QualityByClient QualitySource = "client"
	QualityByServer QualitySource = "server"
)

// Client is the program a participant came with.
type Client struct {
	Name      string // of the SDK, as the client says it
	Version   string
	UserAgent string // of the browser, as it said when it connected
}

// Path is how a client's media gets to the server. The server cannot tell a relay from the client itself; clients can.
type Path string

const (
	PathUDP      Path = "udp"
	PathTCP      Path = "tcp"
	PathRelayUDP Path = "relay_udp" // by a TURN server that the client reaches over UDP, and so on
	PathRelayTCP Path = "relay_tcp"
	PathRelayTLS Path = "relay_tls"
)

// QualitySample is what one end measured of a participant's media in one interval.
type QualitySample struct {
	Source   QualitySource
	At       time.Time     // the end of the interval
	Interval time.Duration // how long it was
	Connection
	Tracks []TrackQuality
}

// Connection is what was measured of a media connection. What is 0 or empty is not known.
type Connection struct {
	Path      Path
	RoundTrip time.Duration
	Available int64 // what the path carries away from the one who measured, as that one estimates (bit/s)
}

// Limitation is what keeps a browser from sending the picture it would like to send.
type Limitation string

const (
	LimitedByBandwidth Limitation = "bandwidth"
	LimitedByCPU       Limitation = "cpu"
	LimitedByOther     Limitation = "other"
)

// TrackQuality is what was measured of one kind of one stream, or of one layer of it, in one interval. Counts are of the interval. What
// is 0 or empty was not measured, or did not happen.
type TrackQuality struct {
	TrackID
	Layer     string // the layer that was sent to the participant last; of what it publishes, the layer measured
	LimitedBy Limitation

	Octets        int64 // of payload
	Packets       int64 // that arrived; by the end that sends: that were sent
	Lost          int64 // that did not arrive, nor did their repair, as far as is known
	Repaired      int64 // that were lost and came when they were asked for
	Width, Height int64 // of the picture
	Frames        int64 // encoded or decoded
	Freezes       int64
	Frozen        time.Duration // how long the picture stood still in them
	Concealed     time.Duration // sound that was made up
	Paused        time.Duration // the picture was held back by the server
	Jitter        time.Duration // as RFC 3550 estimates it
	RoundTrip     time.Duration
}

// TrackID says which track a measurement is of, and on which of its ways.
type TrackID struct {
	Publishes   bool // by the participant who is measured; else it receives
	StreamID    StreamID
	PublisherID ParticipantID // of what is received
	Key         string
	Kind        Kind
}

// ConnectionTotals are the figures the server has of one media connection.
type ConnectionTotals struct {
	SessionID     SessionID
	ParticipantID ParticipantID
	Connection
	Lines []LineTotals
}

// LineTotals are totals of one RTP source since it began. One that the server sends goes on when another stream takes it over. Counts
// start over after 2^32.
type LineTotals struct {
	Publishes     bool // the client sends it
	SSRC          uint32
	StreamID      StreamID
	Kind          Kind
	Layer         string
	Octets        uint32 // of payload
	Packets       uint32
	Lost          int64 // may shrink, when what was lost comes late
	Repaired      uint32
	Jitter        time.Duration
	RoundTrip     time.Duration
	Width, Height int
	Paused        bool
}

// QualityMinute is what is kept of one minute of a participant, in a form of its keeper's.
type QualityMinute struct {
	AccountID     AccountID
	SessionID     SessionID
	ParticipantID ParticipantID
	At            time.Time // when the minute began
	Data          []byte
}

// QualityMinutesQuery asks for the minutes of a participant that began in a span of time, oldest first.
type QualityMinutesQuery struct {
	AccountID     AccountID
	ParticipantID ParticipantID
	At            Span
	Limit         int
}

// QualityQuery asks for what was measured of a participant in a span of time, in steps of the resolution.
type QualityQuery struct {
	AccountID     AccountID
	ParticipantID ParticipantID
	At            Span          // of the beginnings of steps
	Resolution    time.Duration // at least QualityInterval
	Limit         int           // of steps, at least 1
}

// QualityStep is what both ends measured of a participant in one step of time. An end that measured nothing is nil.
type QualityStep struct {
	At                 time.Time // when it began
	Client             Client
	ByClient, ByServer *QualitySample
}

// QualityNews is the last sample that an end took of a participant who is in a session.
type QualityNews struct {
	ParticipantID ParticipantID
	Client        Client
	Sample        QualitySample
}

// Loss is the part of the packets that did not arrive, 0 to 1, as this end measured.
func (t *TrackQuality) Loss(by QualitySource) float64 {
	all := t.Packets
	if sends := t.Publishes == (by == QualityByClient); !sends {
		all += t.Lost
	}
	if all <= 0 {
		return 0
	}
	return min(float64(t.Lost)/float64(all), 1)
}
