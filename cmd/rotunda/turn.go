package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/turn"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// turnConfig is what the operator decided about the relay.
type turnConfig struct {
	Port, TLSPort     int    // portAuto: the usual one, or any free one; portOff: none
	Host              string // what clients call it; empty: found out
	Lifetime          time.Duration
	Allocations       int // in all
	ClientAllocations int // of each client
	Bandwidth         int // kbit/s of each, in each direction; 0: no limit
}

// The ports that are usual (RFC 8656 section 3.1).
const (
	usualTURNPort    = 3478
	usualTURNTLSPort = 5349
)

func defaultTURN() turnConfig {
	return turnConfig{
		Port: portAuto, TLSPort: portAuto, Lifetime: 12 * time.Hour,
		Allocations: 10_000, ClientAllocations: 32, Bandwidth: 20_000,
	}
}

// openTURN starts the relay to the media port.
func (h *house) openTURN() (err error) {
	c := h.config.TURN
	if c.Port == portOff {
		return nil
	}
	config := turn.Config{
		Port: c.Port, TLSPort: c.TLSPort, Media: h.engine.Addresses(), Lifetime: c.Lifetime,
		Allocations: c.Allocations, AllocationsEach: c.ClientAllocations, Bandwidth: 1000 * c.Bandwidth, Logger: h.log,
	}
	if config.Yield = c.Port == portAuto; config.Yield {
		config.Port = usualTURNPort
	}
	if config.TLSYield = c.TLSPort == portAuto; config.TLSYield {
		config.TLSPort = usualTURNTLSPort
	}
	if h.tls != nil {
		config.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: h.tls.GetCertificate}
	}
	if c.TLSPort == portWeb {
		shared := sharePort(h.listener, h.tls, h.log)
		h.later(shared.Close)
		h.listener, config.Ready = shared, shared.relay()
	}
	if h.turn, err = turn.New(config); err != nil {
		return fmt.Errorf("%w: choose other ports with --turn-port and --turn-tls-port, or 'off'", err)
	}
	h.later(h.turn.Close)
	if port := h.turn.Port(); config.Yield && port != usualTURNPort {
		h.log.Warn("another program has the usual port of TURN: firewalls may not know this one", "port", port, "setting", "--turn-port")
	}
	return h.metrics.Register(relayMetrics{h.turn})
}

// turnServers are the ICE servers that the relay is to clients, with credentials for one of them. None is named for STUN alone, which the relay
// does as well: browsers warn of five addresses.
func (h *house) turnServers(subject string) (servers []video.ICEServer, expires time.Time) {
	if h.turn == nil {
		return nil, expires
	}
	hosts, named := h.config.turnHosts(h.engine.Addresses())
	own := video.ICEServer{}
	own.Username, own.Credential, expires = h.turn.Credentials(subject)
	for _, host := range hosts {
		at := net.JoinHostPort(host, strconv.Itoa(h.turn.Port()))
		own.URLs = append(own.URLs, "turn:"+at+"?transport=udp", "turn:"+at+"?transport=tcp")
	}
	port := h.turn.TLSPort()
	if h.config.TURN.TLSPort == portWeb {
		port = h.config.webPort(h.listener.Addr().String())
	}
	if port != 0 && named {
		own.URLs = append(own.URLs, "turns:"+net.JoinHostPort(hosts[0], strconv.Itoa(port))+"?transport=tcp")
	}
	return []video.ICEServer{own}, expires
}

// webPort is the port clients reach the web at.
func (c *Config) webPort(listening string) int {
	at, err := url.Parse(c.baseURL(listening))
	if err != nil {
		return 0
	}
	if port, err := strconv.Atoi(at.Port()); err == nil {
		return port
	}
	return 443 // the relay is on it over TLS alone
}

// turnHosts are what clients call the relay, and whether that is a name, for which there may be a certificate. Without one it is
// the best address of each family of the media port.
func (c *Config) turnHosts(media []netip.AddrPort) (hosts []string, named bool) {
	host := c.TURN.Host
	switch {
	case host != "":
	case c.PublicURL != nil:
		host = c.PublicURL.Hostname()
	case len(c.ACMEDomains) > 0:
		host = c.ACMEDomains[0]
	}
	if host != "" {
		_, notAddress := netip.ParseAddr(host)
		return []string{host}, notAddress != nil
	}
	var have [2]bool
	for _, a := range media {
		family := 0
		if a.Addr().Is6() {
			family = 1
		}
		if !have[family] {
			have[family] = true
			hosts = append(hosts, a.Addr().String())
		}
	}
	return hosts, false
}

// relayMetrics are the counters of the relay.
type relayMetrics struct{ *turn.Server }

var (
	relaysOpen       = prometheus.NewDesc("rotunda_turn_allocations", "Relays there are.", nil, nil)
	relayConnections = prometheus.NewDesc("rotunda_turn_connections", "Connections to the relay over TCP and TLS.", nil, nil)
	relayBytes       = prometheus.NewDesc("rotunda_turn_bytes_total", "Bytes of media relayed.", []string{"direction"}, nil)
	relayDropped     = prometheus.NewDesc("rotunda_turn_packets_dropped_total", "Packets beyond the bandwidth of a relay.", nil, nil)
	relaysRefused    = prometheus.NewDesc("rotunda_turn_refused_total", "What the relay refused.", []string{"reason"}, nil)
)

// Describe lists the metrics of the relay.
func (relayMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{relaysOpen, relayConnections, relayBytes, relayDropped, relaysRefused} {
		descriptions <- d
	}
}

// Collect reads the relay's counters.
func (r relayMetrics) Collect(metrics chan<- prometheus.Metric) {
	s := r.Stats()
	metrics <- prometheus.MustNewConstMetric(relaysOpen, prometheus.GaugeValue, float64(s.Allocations))
	metrics <- prometheus.MustNewConstMetric(relayConnections, prometheus.GaugeValue, float64(s.Connections))
	metrics <- prometheus.MustNewConstMetric(relayBytes, prometheus.CounterValue, float64(s.BytesIn), "from_client")
	metrics <- prometheus.MustNewConstMetric(relayBytes, prometheus.CounterValue, float64(s.BytesOut), "to_client")
	metrics <- prometheus.MustNewConstMetric(relayDropped, prometheus.CounterValue, float64(s.PacketsDropped))
	for reason, n := range map[string]uint64{
		"allocations": s.AllocationsRefused, "connections": s.ConnectionsRefused, "address": s.Forbidden, "credentials": s.Unauthorized,
	} {
		metrics <- prometheus.MustNewConstMetric(relaysRefused, prometheus.CounterValue, float64(n), reason)
	}
}
