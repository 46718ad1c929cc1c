package main

import (
	"github.com/prometheus/client_golang/prometheus"

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
