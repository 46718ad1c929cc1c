package main

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/mixer"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// openMixer makes what the sound of sessions is mixed with. It costs nothing until somebody wants a mix.
func (h *house) openMixer() error {
	h.mixer = mixer.New(mixer.Config{Now: h.engine.Now, Log: h.log, Bitrate: h.config.MixBitrate * 1000})
	h.later(h.mixer.Close)
	counts := h.mixer.Counts()
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rotunda_mixes", Help: "Sessions whose sound is being mixed.",
	}, func() float64 { return float64(h.mixer.Mixes()) })
	if err := h.metrics.Register(gauge); err != nil {
		return err
	}
	for _, counter := range []struct {
		name, help string
		value      *atomic.Uint64
	}{
		{"rotunda_mix_packets_encoded_total", "Packets of mixed sound made.", &counts.Encoded},
		{"rotunda_mix_packets_decoded_total", "Packets decoded to be mixed.", &counts.Decoded},
		{"rotunda_mix_packets_late_total", "Packets that came too late to be mixed.", &counts.Late},
		{"rotunda_mix_packets_dropped_total", "Packets for which mixes had no room.", &counts.Dropped},
		{"rotunda_mix_packets_broken_total", "Packets that cannot be decoded to be mixed.", &counts.Broken},
		{"rotunda_mix_losses_recovered_total", "Packets missing in mixes that were made from the copy in the next.", &counts.Recovered},
		{"rotunda_mix_losses_concealed_total", "Pieces of sound in mixes that were made up for want of packets.", &counts.Concealed},
		{"rotunda_mix_overruns_total", "Times that a mix left sound out because the server was too slow.", &counts.Overruns},
		{"rotunda_mix_restarts_total", "Times that libopus failed in a mix and was started again.", &counts.Restarts},
	} {
		if err := h.metrics.Register(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: counter.name, Help: counter.help}, func() float64 { return float64(counter.value.Load()) },
		)); err != nil {
			return err
		}
	}
	return nil
}

// mixes is mixer's engine as live asks for it. Neither package knows the other's types.
type mixes struct{ *mixer.Engine }

func (m mixes) Open() (live.Mix, error) {
	mix, err := m.Engine.Open()
	if err != nil {
		return nil, err // and no typed nil
	}
	return sessionMix{mix}, nil
}

type sessionMix struct{ *mixer.Mix }

func (m sessionMix) AddSource(owner video.ParticipantID, leg bool) (live.MixSource, error) {
	source, err := m.Mix.AddSource(owner, leg)
	if err != nil {
		return nil, err
	}
	return source, nil
}

func (m sessionMix) AddListener(owner video.ParticipantID, to live.MixReceiver) (live.MixListener, error) {
	listener, err := m.Mix.AddListener(owner, mixReceiver{to})
	if err != nil {
		return nil, err
	}
	return listener, nil
}

type mixReceiver struct{ to live.MixReceiver }

func (r mixReceiver) Send(f *mixer.Frame) { r.to.SendMixed(f.Number, f.Timestamp, f.Marker, f.Payload) }
