package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/opus"
)

// voice is a vowel of a low voice with some breath, which rises and falls four times a second.
func voice(sample int) float64 {
	t := float64(sample) / opus.SampleRate
	v := 0.1 * rand.NormFloat64()
	for harmonic := 1.0; harmonic <= 20; harmonic++ {
		v += math.Sin(2*math.Pi*120*harmonic*t) / harmonic
	}
	return 0.1 * v * (1 + 0.5*math.Sin(2*math.Pi*4*t))
}

// encode makes two seconds of packets as a browser's microphone does.
func encode(library *opus.Library, sound func(sample int) float64) ([][]byte, error) {
	instance, err := library.NewInstance()
	if err != nil {
		return nil, err
	}
	defer func() { _ = instance.Close() }()
	encoder, err := instance.NewEncoder(opus.EncoderConfig{Channels: 1, Application: opus.Voice, Bitrate: 32_000, Complexity: 9, FEC: true})
	if err != nil {
		return nil, err
	}
	pcm, packet := make([]float32, frameSize), make([]byte, opus.MaxPacket)
	var packets [][]byte
	for n := range 100 {
		for i := range pcm {
			pcm[i] = float32(sound(n*frameSize + i))
		}
		size, err := encoder.Encode(pcm, packet)
		if err != nil {
			return nil, err
		}
		packets = append(packets, slices.Clone(packet[:size]))
	}
	return packets, nil
}
