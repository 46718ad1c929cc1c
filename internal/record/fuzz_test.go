package record

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// FuzzReorder puts packets of any numbers, at any times, through the reorder buffer: each comes out once, in order, or is too
// late, and what is missing is told.
func FuzzReorder(f *testing.F) {
	f.Add([]byte{1, 0, 1, 0, 3, 9, 0xfe, 0, 5, 200, 1, 0})
	f.Add([]byte{1, 0, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 0x9c, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r reorder
		var out []uint64
		var lost, late uint64
		began := false // anew: numbers start elsewhere
		r.deliver = func(s *slot, missing uint64) {
			n := s.media.Number
			if len(out) > 0 && !began && n != out[len(out)-1]+1+missing {
				t.Fatalf("%d after %d, with %d missing", n, out[len(out)-1], missing)
			}
			began = false
			out = append(out, n)
			lost += missing
		}
		r.late = func(*slot) { late++ }
		number, now, in := uint64(1<<20), int64(1), uint64(0)
		for ; len(b) >= 2; b = b[2:] {
			step := int64(int8(b[0]))
			if b[1]&1 != 0 {
				step *= 100
			}
			number = uint64(int64(number) + step)
			now += int64(b[1]>>1) * 10e6
			if r.started && number+farBehind < r.next {
				r.flush()
				began = true
			}
			in++
			r.add(&slot{media: packet.Media{Number: number, Arrived: now}})
			r.expire(now)
			held := uint64(r.held)
			if uint64(len(out))+late+held != in || held > reorderWindow {
				t.Fatalf("of %d packets %d came out, %d were late, %d wait", in, len(out), late, held)
			}
			if held > 0 && now-r.since >= reorderWait {
				t.Fatalf("they wait since %d at %d", r.since, now)
			}
		}
		r.flush()
		if uint64(len(out))+late != in || r.held != 0 || slices.ContainsFunc(r.slots[:], func(s *slot) bool { return s != nil }) {
			t.Fatalf("of %d packets %d came out, %d were late, %d are left", in, len(out), late, r.held)
		}
	})
}

// FuzzTrack has a track record anything, in any order of events: nothing panics, and every file that comes of it is whole, with
// times that move forward.
func FuzzTrack(f *testing.F) {
	for which, codec := range codecs {
		clip := clipOf(f, codec)
		b := []byte{byte(which)}
		for _, m := range flat(packets(clip, 1<<16, 5, firstMoment))[:12] {
			m.Payload = m.Payload[:min(len(m.Payload), 60)]
			marker := byte(0)
			if m.Marker {
				marker = 1
			}
			b = append(b, 0, 1, 4, 4, marker, byte(len(m.Payload)))
			b = append(b, m.Payload...)
		}
		f.Add(append(b, 3, 0, 0, 9, 1, 0, 2, 0, 0, 90, 0, 0, 4, 7, 200, 0, 0, 0))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || len(b) > 4000 {
			return
		}
		bench := newBench(t)
		log := &lines{}
		bench.recorder.config.Logger = slog.New(slog.NewTextHandler(log, nil))
		made := map[string]*memory{}
		bench.recorder.create = func(path string) (storage, error) {
			made[path] = &memory{}
			return made[path], nil
		}
		codec := codecs[int(b[0])%len(codecs)]
		track := bench.track(formats[codec].kind, func() {})
		m := packet.Media{Codec: codec, ClockRate: 90000, Number: 1 << 16, Arrived: firstMoment}
		for b = b[1:]; len(b) >= 6; {
			op, number, timestamp, time, flags, size := b[0], int8(b[1]), int8(b[2]), b[3], b[4], int(b[5])
			b = b[6:]
			switch op % 8 {
			case 3:
				track.gate([]GapReason{"", GapDisabled, GapCensored}[flags%3])
				bench.at(bench.clock + int64(time)*1e8)
			case 4:
				m.Layer = int(flags)
			case 5:
				track.Source(packet.Source{})
			case 6:
				m.Codec = codecs[int(flags)%len(codecs)]
			case 7:
				bench.at(bench.clock + int64(time)*1e7)
			default:
				m.Number = uint64(int64(m.Number) + int64(number))
				m.Timestamp += uint32(int32(timestamp) << (flags >> 3))
				m.Arrived = bench.clock + int64(time)*1e6
				m.Sampled = m.Arrived - 20e6
				if flags&2 != 0 { // as wrong as the tap lets it be
					m.Sampled += int64(timestamp) * 78e6
				}
				m.Marker = flags&1 != 0
				size = min(size, len(b))
				m.Payload, b = b[:size], b[size:]
				bench.take(track, m)
			}
		}
		bench.stop()
		if n := log.count("panicked"); n > 0 {
			t.Fatal(log.b.String())
		}
		counts := bench.rows.counts()
		if counts[0] != counts[1]+counts[2] || bench.recorder.Unfinished() != 0 {
			t.Fatalf("started, ended, failed: %v", counts)
		}
		for _, row := range bench.rows.ended {
			media := made[bench.recorder.path(row.ID, formats[packet.Codec(row.Codec)].extension)]
			_, index := indexIn(t, made[bench.recorder.path(row.ID, indexExtension)].b)
			blocks := blocksIn(t, media.b)
			if int64(len(media.b)) != row.SizeBytes || len(blocks) == 0 || row.Type == video.Video && !blocks[0].keyframe {
				t.Fatalf("%d bytes of %d, %d frames", len(media.b), row.SizeBytes, len(blocks))
			}
			for i := range blocks[1:] {
				if blocks[i+1].at <= blocks[i].at {
					t.Fatalf("a frame at %s after one at %s", blocks[i+1].at, blocks[i].at)
				}
			}
			if last := blocks[len(blocks)-1].at; row.Duration < last || *index[len(index)-1].End != row.Duration.Microseconds() {
				t.Fatalf("%s long, the last frame is at %s, the index ends with %d", row.Duration, last, *index[len(index)-1].End)
			}
			before := int64(-1)
			for _, line := range index[:len(index)-1] {
				if line.At == nil || *line.At < before || line.Until != 0 && line.Until < *line.At+shortestGap.Microseconds() {
					t.Fatalf("line %+v after %d", line, before)
				}
				before = *line.At
			}
		}
	})
}
