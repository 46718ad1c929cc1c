package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
)

// media is sfu's engine as live asks for it. Neither package knows the other's types.
type media struct{ *sfu.Engine }

// NewTransport makes the connection of one participant or viewer.
func (m media) NewTransport(config live.TransportConfig) (live.Transport, error) {
	transport, err := m.Engine.NewTransport(sfu.TransportConfig{
		Session: config.Session, Participant: config.Participant, Updates: config.Updates, TwoWay: config.TwoWayAudio,
	})
	if err != nil {
		return nil, err // and no typed nil
	}
	return transport, nil
}

var (
	packetsReceived = prometheus.NewDesc("rotunda_media_packets_received_total", "RTP packets accepted from publishers.", nil, nil)
	packetsSent     = prometheus.NewDesc("rotunda_media_packets_sent_total", "RTP packets sent to subscribers.", nil, nil)
	packetsUnsent   = prometheus.NewDesc("rotunda_media_packets_unsent_total", "RTP packets sent to subscribers that a full or failing socket did not take.", nil, nil)
	packetsShed     = prometheus.NewDesc("rotunda_media_packets_shed_total", "RTP packets of video kept back from subscribers because there was too much to do.", nil, nil)
	joinsRefused    = prometheus.NewDesc("rotunda_media_connections_refused_total", "Media connections refused because there was too much to do.", nil, nil)
	busyShare       = prometheus.NewDesc("rotunda_media_busy_ratio", "Part of its time that the busiest reader of the media port needs, 0 to 1.", nil, nil)
	shedShare       = prometheus.NewDesc("rotunda_media_shedding_ratio", "Part of the subscribers' lines that get no video because there is too much to do, 0 to 1.", nil, nil)
	packetsRepaired = prometheus.NewDesc("rotunda_media_packets_retransmitted_total", "RTP packets sent again on request.", nil, nil)
	packetsRestored = prometheus.NewDesc("rotunda_media_packets_restored_total", "RTP packets of audio lost on the way here and put in from the copy in a later one.", nil, nil)
	packetsBad      = prometheus.NewDesc("rotunda_media_packets_undecryptable_total", "Packets dropped because SRTP refused them.", nil, nil)
	packetsForeign  = prometheus.NewDesc("rotunda_media_packets_unsupported_total", "Packets a subscriber was not sent because it does not take their codec.", nil, nil)
	keyframesAsked  = prometheus.NewDesc("rotunda_media_keyframe_requests_total", "Keyframes asked of publishers.", nil, nil)
	dataSent        = prometheus.NewDesc("rotunda_media_data_sent_total", "Lossy messages sent to receivers.", nil, nil)
	dataDropped     = prometheus.NewDesc("rotunda_media_data_dropped_total", "Lossy messages not sent to receivers that were too slow.", nil, nil)
	pathProbes      = prometheus.NewDesc("rotunda_media_probes_total", "Short bursts of padding sent to learn whether the path to a client carries more.", nil, nil)
	pathsLimited    = prometheus.NewDesc("rotunda_media_transports_limited", "Media connections whose path carries less than the client wants.", nil, nil)
	pathsEstimated  = prometheus.NewDesc("rotunda_media_limited_bits_per_second", "Sum of what the paths of those connections are estimated to carry.", nil, nil)
	picturesPaused  = prometheus.NewDesc("rotunda_media_subscriptions_paused", "Subscriptions whose picture finds no room on the path to the client.", nil, nil)
	transportsOpen  = prometheus.NewDesc("rotunda_media_transports", "Media connections there are.", nil, nil)
	tcpOpen         = prometheus.NewDesc("rotunda_media_tcp_connections", "Connections to the TCP port of media.", nil, nil)
	tcpRefused      = prometheus.NewDesc("rotunda_media_tcp_connections_refused_total", "Connections to the TCP port of media that were refused because there were too many.", nil, nil)
	tcpDropped      = prometheus.NewDesc("rotunda_media_tcp_packets_dropped_total", "RTP packets sent to subscribers over TCP whose connection takes less.", nil, nil)
	sessionsRouted  = prometheus.NewDesc("rotunda_media_sessions", "Sessions that have media connections.", nil, nil)
)

// Describe lists the metrics of the engine.
func (media) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		packetsReceived, packetsSent, packetsUnsent, packetsShed, joinsRefused, busyShare, shedShare, packetsRepaired, packetsRestored, packetsBad, packetsForeign, keyframesAsked, dataSent, dataDropped, pathProbes, pathsLimited, pathsEstimated, picturesPaused, transportsOpen, tcpOpen, tcpRefused, tcpDropped, sessionsRouted,
	} {
		descriptions <- d
	}
}

// Collect reads the engine's counters.
func (m media) Collect(metrics chan<- prometheus.Metric) {
	s := m.Stats()
	for d, total := range map[*prometheus.Desc]uint64{
		packetsReceived: s.PacketsReceived, packetsSent: s.PacketsSent, packetsRepaired: s.PacketsRetransmitted, packetsRestored: s.PacketsRestored,
		packetsUnsent: s.PacketsUnsent, packetsShed: s.PacketsShed, joinsRefused: s.ConnectionsRefused,
		dataSent: s.DataSent, dataDropped: s.DataDropped,
		tcpRefused: s.TCPConnectionsRefused, tcpDropped: s.TCPPacketsDropped,
		packetsBad: s.PacketsUndecryptable, packetsForeign: s.PacketsUnsupported, keyframesAsked: s.KeyframeRequests, pathProbes: s.Probes,
	} {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(total))
	}
	metrics <- prometheus.MustNewConstMetric(busyShare, prometheus.GaugeValue, s.Busy)
	metrics <- prometheus.MustNewConstMetric(shedShare, prometheus.GaugeValue, s.Shedding)
	metrics <- prometheus.MustNewConstMetric(pathsLimited, prometheus.GaugeValue, float64(s.TransportsLimited))
	metrics <- prometheus.MustNewConstMetric(pathsEstimated, prometheus.GaugeValue, float64(s.BandwidthEstimated))
	metrics <- prometheus.MustNewConstMetric(picturesPaused, prometheus.GaugeValue, float64(s.SubscriptionsPaused))
	metrics <- prometheus.MustNewConstMetric(transportsOpen, prometheus.GaugeValue, float64(s.Transports))
	metrics <- prometheus.MustNewConstMetric(tcpOpen, prometheus.GaugeValue, float64(s.TCPConnections))
	metrics <- prometheus.MustNewConstMetric(sessionsRouted, prometheus.GaugeValue, float64(s.Routers))
}
