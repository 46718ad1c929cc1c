package record

import (
	"bytes"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
)

// What a decoder is told before the first frame is what ffmpeg would tell it.
func TestCodecPrivate(t *testing.T) {
	for _, c := range []struct {
		name  string
		codec packet.Codec
		args  []string
	}{
		{"H264 baseline", packet.CodecH264, []string{"-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-f", "h264"}},
		{"H264 high", packet.CodecH264, []string{"-c:v", "libx264", "-profile:v", "high", "-bf", "0", "-pix_fmt", "yuv420p", "-f", "h264"}},
		{"AV1 of libaom", packet.CodecAV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-f", "obu"}},
		{"AV1 of 10 bits", packet.CodecAV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p10", "-f", "obu"}},
		{"AV1 of 4:4:4 and 10 bits", packet.CodecAV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv444p10", "-f", "obu"}},
		{"AV1 of 12 bits", packet.CodecAV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p12", "-f", "obu"}},
		{"AV1 in grey", packet.CodecAV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "gray", "-f", "obu"}},
		{"AV1 in colours of its own", packet.CodecAV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-f", "obu"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			picture := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=322x182:r=25", "-frames:v", "1"}
			stream := packettest.FFmpeg(t, nil, append(append(picture, c.args...), "-")...)
			format := c.args[len(c.args)-1]
			want := codecPrivateIn(t, packettest.FFmpeg(t, stream, "-v", "error", "-f", format, "-i", "-", "-c", "copy", "-f", "matroska", "-"))

			a := packet.NewAssembler(c.codec)
			cutter := packettest.NewCutter(&packettest.Clip{Codec: c.codec}, 1, 1)
			var got []byte
			for _, m := range cutter.Cut(stream, 1) {
				a.Push(&m, false, func(f *packet.Frame) {
					if f.Width != 322 || f.Height != 182 || !f.Keyframe || !f.Complete {
						t.Errorf("%dx%d, keyframe %t, complete %t", f.Width, f.Height, f.Keyframe, f.Complete)
					}
					got, _ = codecPrivate(c.codec, f)
				})
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%x\nwant %x", got, want)
			}
		})
	}
}

// codecPrivateIn finds what ffmpeg wrote.
func codecPrivateIn(t *testing.T, file []byte) []byte {
	t.Helper()
	var found []byte
	var walk func(b []byte)
	walk = func(b []byte) {
		for len(b) > 0 {
			id, size, head := parseElement(b)
			if head == 0 {
				return
			}
			content := b[head:]
			if size < uint64(len(content)) {
				content = content[:size]
			}
			switch id {
			case idSegment, idTracks, idTrackEntry:
				walk(content)
			case idCodecPrivate:
				found = content
			}
			b = b[head+len(content):]
		}
	}
	walk(file)
	if found == nil {
		t.Fatal("ffmpeg wrote no codec data")
	}
	return found
}

// No file begins with a frame that a decoder could not be told about.
func TestNoCodecPrivate(t *testing.T) {
	long := append([]byte{0, 0, 0x20, 0, 0x67, 66, 0, 30}, make([]byte, 0x2000-4)...)
	for _, c := range []struct {
		codec packet.Codec
		data  []byte
	}{
		{packet.CodecH264, []byte{0, 0, 0, 3, 0x65, 0x88, 1}},
		{packet.CodecH264, []byte{0, 0, 0, 4, 0x67, 66, 0, 30}},
		{packet.CodecH264, append(long, 0, 0, 0, 2, 0x68, 1)}, // as long as only an attacker makes them
		{packet.CodecAV1, []byte{0x32, 1, 0}},
	} {
		if private, ok := codecPrivate(c.codec, &packet.Frame{Data: c.data}); ok {
			t.Errorf("%s: %x", c.codec, private)
		}
	}
}
