package mixer

import (
	"encoding/binary"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// FuzzSource feeds a source what nobody would send: any numbers, timestamps, arrivals and payloads. It goes on, keeps within its memory,
// and what comes out is within reason.
func FuzzSource(f *testing.F) {
	r := newRig(f)
	for _, p := range voicePackets(f)[:5] {
		f.Add(append([]byte{1, 0, 0xc0, 3, 20, 40}, p.Payload...))
	}
	f.Add([]byte{1, 0, 0xc0, 3, 20, 3, 0xf8, 1, 2, 200, 0xff, 0, 0x80, 90, 3, 0x08, 0, 0, 3, 1, 1, 1, 0, 2, 0xf8, 1})
	f.Add([]byte{2, 0, 1, 0, 0, 4, 0x7b, 0x83, 1, 1, 2, 0, 0xbf, 3, 0, 4, 0xf8, 1, 2, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		made := newSource(&r.engine.counts)
		defer made.close()
		r.now = 0
		s := &Source{mix: r.mix, queue: made.queue, source: made}
		m := packet.Media{Codec: packet.CodecOpus, ClockRate: 48_000, Arrived: r.now}
		pcm := make([]float32, frameSize)
		for steps := 0; len(script) >= 6 && steps < 200; steps++ {
			how, jump, length := script[0], binary.LittleEndian.Uint16(script[1:]), int(script[5])
			m.Number += uint64(int8(how))
			if how%16 == 15 {
				m.Number = uint64(jump) << 40
			}
			m.Timestamp += uint32(int16(jump))
			if how%32 == 31 {
				m.Timestamp += 1 << (script[4] % 32)
			}
			m.Arrived += int64(script[3]) * 1e6
			m.Level, m.HasLevel = script[4], script[4]%3 != 0
			m.Payload = script[6:min(6+length, len(script))]
			script = script[6+len(m.Payload):]
			s.Take(&m)
			if script != nil && how%8 == 7 {
				s.Source(packet.Source{})
			}
			if how%4 != 0 {
				continue // several packets in a frame
			}
			r.now += rigFrameNS * int64(1+how%3)
			made.receive(0)
			if _, err := made.play(r.mix.instance, r.now/rigFrameNS*frameSize, how%64 != 12, pcm); err != nil {
				t.Fatal(err)
			}
			if peak := loudest(pcm); !(peak <= 3) {
				t.Fatalf("the amplitude is %f", peak)
			}
			if len(made.held) > slots || len(made.pcm) > 4*48_000 {
				t.Fatalf("%d packets are held, %d samples", len(made.held), len(made.pcm))
			}
		}
	})
}
