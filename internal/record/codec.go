package record

import (
	"encoding/binary"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// format is how a codec is kept in a file.
type format struct {
	kind      video.Kind
	extension string
	docType   string
	codecID   string
}

var formats = map[packet.Codec]format{
	packet.CodecOpus: {video.Audio, ".webm", "webm", "A_OPUS"},
	packet.CodecVP8:  {video.Video, ".webm", "webm", "V_VP8"},
	packet.CodecVP9:  {video.Video, ".webm", "webm", "V_VP9"},
	packet.CodecAV1:  {video.Video, ".webm", "webm", "V_AV1"},
	packet.CodecH264: {video.Video, ".mkv", "matroska", "V_MPEG4/ISO/AVC"}, // WebM has no H264
}

// maxParameters is the longest that codec data may be; real ones are some tens of bytes.
const maxParameters = 4 << 10

// opusHead is the identification header (RFC 7845 section 5.1): stereo of 48 kHz, which decoders also make of packets in
// mono. Nothing is skipped at the start, because a recording may begin in the midst of a sound.
var opusHead = []byte{'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0}

// codecPrivate is what a decoder is given before the first frame, which is f. It reports false if no file can begin here.
func codecPrivate(codec packet.Codec, f *packet.Frame) (private []byte, ok bool) {
	switch codec {
	case packet.CodecOpus:
		return opusHead, true
	case packet.CodecAV1:
		return av1Configuration(f.Data)
	case packet.CodecH264:
		return avcConfiguration(f.Data)
	}
	return nil, true
}

// avcConfiguration makes the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1) from the parameters in a key
// frame.
func avcConfiguration(frame []byte) ([]byte, bool) {
	var sps, pps [][]byte
	for rest := frame; len(rest) > 4; {
		end := 4 + int(binary.BigEndian.Uint32(rest))
		nal := rest[4:end]
		switch nal[0] & 0x1f {
		case 7:
			sps = append(sps, nal)
		case 8:
			pps = append(pps, nal)
		}
		rest = rest[end:]
	}
	size := 0
	for _, nal := range slices.Concat(sps, pps) {
		size += len(nal)
	}
	if size > maxParameters || len(sps) == 0 || len(sps[0]) < 4 || len(pps) == 0 || len(sps) > 31 || len(pps) > 255 {
		return nil, false
	}
	b := []byte{1, sps[0][1], sps[0][2], sps[0][3], 0xff, 0xe0 | byte(len(sps))}
	for _, nal := range sps {
		b = binary.BigEndian.AppendUint16(b, uint16(len(nal)))
		b = append(b, nal...)
	}
	b = append(b, byte(len(pps)))
	for _, nal := range pps {
		b = binary.BigEndian.AppendUint16(b, uint16(len(nal)))
		b = append(b, nal...)
	}
	if sps[0][1] == 100 { // High: 4:2:0 of 8 bits
		b = append(b, 0xfd, 0xf8, 0xf8, 0)
	}
	return b, true
}

// av1Configuration makes the AV1CodecConfigurationRecord (AV1 in ISOBMFF section 2.3.3) from the sequence header in a key
// frame.
func av1Configuration(frame []byte) ([]byte, bool) {
	obu, s, ok := packet.FindAV1Sequence(frame)
	if !ok || len(obu) > maxParameters {
		return nil, false
	}
	flags := s.Tier<<7 | s.ChromaPosition
	for bit, set := range map[byte]bool{6: s.HighBitDepth, 5: s.TwelveBit, 4: s.Monochrome, 3: s.SubsamplingX, 2: s.SubsamplingY} {
		if set {
			flags |= 1 << bit
		}
	}
	return append([]byte{0x81, s.Profile<<5 | s.Level, flags, 0}, obu...), true
}
