package packet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
)

const width, height, clipFrames, keyDistance = 320, 180, 30, 10

var codecs = []packet.Codec{packet.CodecOpus, packet.CodecVP8, packet.CodecVP9, packet.CodecAV1, packet.CodecH264}

func clipOf(tb testing.TB, codec packet.Codec) *packettest.Clip {
	tb.Helper()
	if codec == packet.CodecOpus {
		return packettest.Tone(tb, clipFrames)
	}
	return packettest.Video(tb, codec, width, height, clipFrames, keyDistance)
}

// packetsOf cuts a whole clip, by frame. Numbers and timestamps wrap in its midst.
func packetsOf(tb testing.TB, codec packet.Codec) (*packettest.Clip, [][]packet.Media) {
	clip := clipOf(tb, codec)
	cutter := packettest.NewCutter(clip, 1<<17-20, 0-15*clip.Step)
	frames := make([][]packet.Media, len(clip.Frames))
	for i, f := range clip.Frames {
		frames[i] = cutter.Cut(f, clip.Step)
	}
	return clip, frames
}

// assembled is what an assembler gives, with its own data.
func assembled(codec packet.Codec, packets []packet.Media) []packet.Frame {
	var frames []packet.Frame
	a := packet.NewAssembler(codec)
	emit := func(f *packet.Frame) {
		kept := *f
		kept.Data = bytes.Clone(f.Data)
		frames = append(frames, kept)
	}
	next := packets[0].Number
	for i := range packets {
		a.Push(&packets[i], packets[i].Number != next, emit)
		next = packets[i].Number + 1
	}
	a.Flush(emit)
	return frames
}

func flat(frames [][]packet.Media) []packet.Media {
	var all []packet.Media
	for _, f := range frames {
		all = append(all, f...)
	}
	return all
}

// inFile is an encoded frame in the form packet.Frame.Data has.
func inFile(codec packet.Codec, frame []byte) []byte {
	switch codec {
	case packet.CodecH264:
		var out []byte
		for _, nal := range bytes.Split(bytes.ReplaceAll(frame, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1})[1:] {
			if kind := nal[0] & 0x1f; kind != 9 && kind != 12 {
				out = binary.BigEndian.AppendUint32(out, uint32(len(nal)))
				out = append(out, nal...)
			}
		}
		return out
	case packet.CodecAV1:
		return bytes.TrimPrefix(frame, []byte{0x12, 0}) // a temporal delimiter
	}
	return frame
}

func TestFramesComeBackAsTheyWere(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			clip, packets := packetsOf(t, codec)
			frames := assembled(codec, flat(packets))
			if len(frames) != clipFrames {
				t.Fatalf("%d frames of %d", len(frames), clipFrames)
			}
			for i, f := range frames {
				key := codec == packet.CodecOpus || i%keyDistance == 0
				if !f.Complete || f.Keyframe != key || f.Follows != (i > 0) || f.Timestamp != packets[i][0].Timestamp {
					t.Errorf("frame %d: complete %t, keyframe %t, follows %t", i, f.Complete, f.Keyframe, f.Follows)
				}
				if key && codec != packet.CodecOpus && (f.Width != width || f.Height != height) {
					t.Errorf("frame %d is %dx%d", i, f.Width, f.Height)
				}
				if want := inFile(codec, clip.Frames[i]); !bytes.Equal(f.Data, want) {
					t.Fatalf("frame %d has %d bytes, not the %d it had: %x… for %x…", i, len(f.Data), len(want), f.Data[:12], want[:12])
				}
			}
		})
	}
}

// Whichever packet of a clip is missing: the frame it belongs to never passes for complete, all others do, and who comes
// next knows that something is missing.
func TestAMissingPacketIsNoticed(t *testing.T) {
	for _, codec := range codecs[1:] {
		t.Run(string(codec), func(t *testing.T) {
			clip, packets := packetsOf(t, codec)
			for broken := range clip.Frames {
				for gone := range packets[broken] {
					if broken == 0 && gone == 0 || broken == clipFrames-1 {
						continue // nobody can tell
					}
					all := [][]packet.Media{}
					all = append(all, packets[:broken]...)
					all = append(all, packets[broken][:gone], packets[broken][gone+1:])
					all = append(all, packets[broken+1:]...)
					sound := true // since the last key frame
					for _, f := range assembled(codec, flat(all)) {
						i := int(int32(f.Timestamp-packets[0][0].Timestamp)) / int(clip.Step)
						sound = f.Complete && (f.Keyframe || sound && f.Follows)
						if want := i < broken || i/keyDistance > broken/keyDistance; sound != want {
							t.Fatalf("without packet %d of frame %d, frame %d of %d bytes is decodable: %t", gone, broken, i, len(f.Data), sound)
						}
						if sound && !bytes.Equal(f.Data, inFile(codec, clip.Frames[i])) {
							t.Fatalf("without packet %d of frame %d, frame %d is not what it was", gone, broken, i)
						}
					}
				}
			}
		})
	}
}

// Browsers that give up the rest of a frame number on as if nothing had been there: only the marker is missing. H264 does
// not promise markers (RFC 6184 section 5.1).
func TestFrameEnds(t *testing.T) {
	for _, codec := range codecs {
		_, packets := packetsOf(t, codec)
		all := flat(packets[:5])
		for i := range all {
			all[i].Marker = false
		}
		frames := assembled(codec, all)
		for i, f := range frames {
			want := codec == packet.CodecOpus || codec == packet.CodecH264 && i < 4 // nobody saw the end of the last
			if f.Complete != want {
				t.Errorf("without markers, frame %d of %d of %s is complete: %t", i, len(frames), codec, f.Complete)
			}
		}
		if len(frames) != 5 {
			t.Errorf("%d frames of %s", len(frames), codec)
		}
	}

	_, packets := packetsOf(t, packet.CodecVP8)
	var probed []packet.Media // padding between and within frames carries a number and nothing else
	number := uint64(0)
	for _, m := range flat(packets[:5]) {
		padding := packet.Media{Codec: packet.CodecVP8, Number: number, Timestamp: m.Timestamp - 1}
		m.Number = number + 1
		number += 2
		probed = append(probed, padding, m)
	}
	for i, f := range assembled(packet.CodecVP8, probed) {
		if !f.Complete || f.Follows != (i > 0) {
			t.Errorf("with padding, frame %d: complete %t, follows %t", i, f.Complete, f.Follows)
		}
	}
}

// A sender that never ends its frame must not fill the memory.
func TestFramesAreBounded(t *testing.T) {
	for _, codec := range codecs[1:] {
		_, packets := packetsOf(t, codec)
		endless := []packet.Media{packets[0][0]}
		endless[0].Marker = false
		if len(packets[0]) == 1 {
			t.Fatal("the first frame is too small for this test")
		}
		for size := 0; size < 2*packet.MaxFrame; size += len(packets[0][1].Payload) {
			m := packets[0][1]
			m.Number, m.Marker = endless[0].Number+uint64(len(endless)), false
			endless = append(endless, m)
		}
		frames := assembled(codec, endless)
		if len(frames) != 1 || frames[0].Complete || len(frames[0].Data) > packet.MaxFrame+packet.MaxSize {
			t.Errorf("%s: %d frames", codec, len(frames))
		}
	}
}

func TestOpusDuration(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   time.Duration
	}{
		{nil, 0},
		{[]byte{0 << 3}, 10 * time.Millisecond},
		{[]byte{3 << 3}, 60 * time.Millisecond},
		{[]byte{11<<3 | 1}, 120 * time.Millisecond},
		{[]byte{13 << 3}, 20 * time.Millisecond},
		{[]byte{16 << 3}, 2500 * time.Microsecond},
		{[]byte{31 << 3}, 20 * time.Millisecond},
		{[]byte{31<<3 | 2}, 40 * time.Millisecond},
		{[]byte{31<<3 | 3, 6}, 120 * time.Millisecond},
		{[]byte{31<<3 | 3, 7}, 0}, // longer than any packet may be
		{[]byte{31<<3 | 3}, 0},
	} {
		if got := packet.OpusDuration(c.packet); got != c.want {
			t.Errorf("%x: %s, want %s", c.packet, got, c.want)
		}
	}
	for _, f := range packettest.Tone(t, clipFrames).Frames {
		if packet.OpusDuration(f) != 20*time.Millisecond {
			t.Fatalf("libopus wrote %x…: %s", f[:2], packet.OpusDuration(f))
		}
	}
}

// FuzzAssembler feeds packets of any content: b holds them one after another, each behind its length and its flags.
func FuzzAssembler(f *testing.F) {
	for which, codec := range codecs {
		_, packets := packetsOf(f, codec)
		var b []byte
		for _, m := range flat(packets[:2]) {
			b = append(b, byte(len(m.Payload)), byte(len(m.Payload)>>8)&7)
			if m.Marker {
				b[len(b)-1] |= 0x80
			}
			b = append(b, m.Payload...)
		}
		f.Add(uint8(which), b)
	}
	for which, payloads := range map[uint8][]string{ // what the packets above do not have
		1: {"\x10", "\x90\x80\x81\x02", "\x90\xf0\xff\xff\x07\x40\x00\x01"},
		2: {"\x8a\x01\x38\x01\x40\x00\xb4\x02\x54\x00", "\xbc\x81\x02\x03\x01\x82\x49", "\x02\xf8"},
		3: {"\x50\x08\x0a", "\xd0\x01", "\x90\x05\x32", "\x2c\x80\x80\x80\x80\x80\x80\x80\x80\x80"},
		4: {"\x18\x00\x02\x09\x10\x00\x03\x67\x42", "\x7c\x85", "\x7c\x45", "\x7c\xc5", "\x18\x00\x00", "\x09"},
	} {
		var b []byte
		for _, p := range payloads {
			b = append(append(b, byte(len(p)), 0), p...)
		}
		f.Add(which, b)
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		codec := codecs[int(which)%len(codecs)]
		a := packet.NewAssembler(codec)
		emit := func(f *packet.Frame) {
			if f.Width < 0 || f.Height < 0 || (f.Width == 0) != (f.Height == 0) {
				t.Fatalf("a picture of %dx%d", f.Width, f.Height)
			}
			if !f.Complete {
				return
			}
			switch codec {
			case packet.CodecAV1:
				packet.FindAV1Sequence(f.Data)
			case packet.CodecOpus:
				packet.OpusDuration(f.Data)
			case packet.CodecH264: // lengths and units fill the frame exactly
				for rest := f.Data; len(rest) > 0; {
					rest = rest[4+binary.BigEndian.Uint32(rest):]
				}
			}
		}
		for n := uint64(0); len(b) >= 2; n++ {
			size := min(int(b[0])|int(b[1]&7)<<8, len(b)-2)
			m := packet.Media{Codec: codec, Number: n, Timestamp: uint32(b[1] >> 5 & 1), Marker: b[1]&0x80 != 0, Payload: b[2 : 2+size]}
			a.Push(&m, b[1]&0x40 != 0, emit)
			b = b[2+size:]
		}
		a.Flush(emit)
	})
}

// A key frame that begins with a delimiter stands by itself too, in one packet with its parameters or before them.
func TestH264Delimiters(t *testing.T) {
	aud, sps, pps, idr := []byte{9, 0x10}, []byte{0x67, 66, 0, 30}, []byte{0x68, 1}, []byte{0x65, 0x88, 1}
	together := []byte{24}
	for _, nal := range [][]byte{aud, sps, pps} {
		together = append(binary.BigEndian.AppendUint16(together, uint16(len(nal))), nal...)
	}
	for _, payloads := range [][][]byte{{together, idr}, {aud, sps, pps, idr}} {
		var packets []packet.Media
		for i, p := range payloads {
			packets = append(packets, packet.Media{Codec: packet.CodecH264, Number: uint64(i), Marker: i == len(payloads)-1, Payload: p})
		}
		frames := assembled(packet.CodecH264, packets)
		if len(frames) != 1 || !frames[0].Complete || !frames[0].Keyframe || frames[0].Follows {
			t.Errorf("in %d packets: %+v", len(payloads), frames)
		}
	}
}

// Some senders give the parameters once. Then a key frame stands by itself without them; otherwise it does not, because the
// lost packet may have held new ones.
func TestH264KeyframesWithoutParameters(t *testing.T) {
	sps, pps, idr, slice := []byte{0x67, 66, 0, 30}, []byte{0x68, 1}, []byte{0x65, 0x88, 1}, []byte{0x41, 0x9a}
	for _, bare := range []bool{true, false} {
		var packets []packet.Media
		add := func(number uint64, marker bool, payload []byte) {
			packets = append(packets, packet.Media{Codec: packet.CodecH264, Number: number, Timestamp: uint32(number / 10), Marker: marker, Payload: payload})
		}
		add(10, false, sps)
		add(11, false, pps)
		add(12, true, idr)
		if !bare {
			add(13, true, slice)
		} else {
			packets[2].Number, packets[2].Timestamp = 20, 2
			packets[1].Marker = true
			packets[1].Number, packets[0].Number = 19, 18
		}
		add(30, true, idr)
		frames := assembled(packet.CodecH264, packets)
		last := frames[len(frames)-1]
		if last.Timestamp != 3 || last.Follows || last.Complete != bare || last.Keyframe != bare {
			t.Errorf("parameters sent once: %t, a key frame after a loss: %+v", bare, last)
		}
	}
}

// Sound needs no marker: a packet is given out when it comes, not when the next one does, which may be after a long silence.
func TestSoundIsGivenOutAtOnce(t *testing.T) {
	a := packet.NewAssembler(packet.CodecOpus)
	var got []string
	for n, payload := range []string{"\xfca", "", "\xfcb", "\xfcc"} { // padding in between, and one timestamp twice
		m := packet.Media{Codec: packet.CodecOpus, Number: uint64(n), Timestamp: uint32(min(n, 2)), Payload: []byte(payload)}
		a.Push(&m, n == 3, func(f *packet.Frame) { got = append(got, fmt.Sprintf("%q %t %t", f.Data, f.Complete, f.Follows)) })
	}
	want := []string{`"\xfca" true false`, `"\xfcb" true true`, `"\xfcc" true false`}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
