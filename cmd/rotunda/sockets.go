package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/janus"
	signalling "github.com/rotunda-rtc/rotunda/internal/signal"
)

// socketMetrics are the counters of signalling.
type socketMetrics struct{ *signalling.Handler }

var (
	socketsLost    = prometheus.NewDesc("rotunda_signalling_lost_total", "Sockets of participants that were lost.", nil, nil)
	socketsResumed = prometheus.NewDesc("rotunda_signalling_resumed_total", "Participants that went on over another socket.", nil, nil)
	socketsAway    = prometheus.NewDesc("rotunda_signalling_away", "Participants whose socket is lost and whose grace is running.", nil, nil)
)

// Describe lists the metrics of signalling.
func (socketMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{socketsLost, socketsResumed, socketsAway} {
		descriptions <- d
	}
}

// Collect reads the counters.
func (m socketMetrics) Collect(metrics chan<- prometheus.Metric) {
	s := m.Stats()
	metrics <- prometheus.MustNewConstMetric(socketsLost, prometheus.CounterValue, float64(s.Lost))
	metrics <- prometheus.MustNewConstMetric(socketsResumed, prometheus.CounterValue, float64(s.Resumed))
	metrics <- prometheus.MustNewConstMetric(socketsAway, prometheus.GaugeValue, float64(s.Away))
}

// dialectMetrics are the counters of the Janus dialect.
type dialectMetrics struct{ *janus.Handler }

var (
	dialectSockets = prometheus.NewDesc("rotunda_janus_sockets", "Sockets of the Janus dialect.", nil, nil)
	dialectRefused = prometheus.NewDesc("rotunda_janus_sessions_refused_total", "Sessions of the Janus dialect that were told why they may not go on.", nil, nil)
	dialectCut     = prometheus.NewDesc("rotunda_janus_sockets_cut_total", "Sockets of the Janus dialect closed because their clients broke a limit or fell silent.", nil, nil)
)

// Describe lists the metrics of the dialect.
func (dialectMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{dialectSockets, dialectRefused, dialectCut} {
		descriptions <- d
	}
}

// Collect reads the counters.
func (m dialectMetrics) Collect(metrics chan<- prometheus.Metric) {
	s := m.Stats()
	metrics <- prometheus.MustNewConstMetric(dialectSockets, prometheus.GaugeValue, float64(s.Sockets))
	metrics <- prometheus.MustNewConstMetric(dialectRefused, prometheus.CounterValue, float64(s.Refused))
	metrics <- prometheus.MustNewConstMetric(dialectCut, prometheus.CounterValue, float64(s.Cut))
}
