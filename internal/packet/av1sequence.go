package packet

// AV1Sequence is what a sequence header tells (AV1 bitstream specification section 5.5).
type AV1Sequence struct {
	Width, Height              int // at most
	Profile, Level, Tier       byte
	HighBitDepth, TwelveBit    bool
	Monochrome                 bool
	SubsamplingX, SubsamplingY bool
	ChromaPosition             byte
}

// FindAV1Sequence returns the first sequence header among OBUs that have sizes: the whole OBU, and what it tells.
func FindAV1Sequence(obus []byte) (obu []byte, seq AV1Sequence, ok bool) {
	for len(obus) > 0 {
		at := obuHeaderSize(obus[0])
		if len(obus) < at {
			break
		}
		n, size := leb128(obus[at:])
		if size == 0 || n > uint64(len(obus)-at-size) {
			break
		}
		end := at + size + int(n)
		if obus[0]>>3&15 == obuSequence {
			seq, ok = parseAV1Sequence(obus[at+size : end])
			return obus[:end], seq, ok
		}
		obus = obus[end:]
	}
	return nil, AV1Sequence{}, false
}

// parseAV1Sequence reads the payload of a sequence header. Names of fields in comments are those of the specification.
func parseAV1Sequence(p []byte) (s AV1Sequence, ok bool) {
	r := &bitReader{data: p, plain: true}
	s.Profile = byte(r.bits(3))
	r.bit() // still_picture
	reduced := r.bit() == 1
	if reduced {
		s.Level = byte(r.bits(5))
	} else {
		s.operatingPoints(r)
	}
	wide, high := int(r.bits(4))+1, int(r.bits(4))+1
	s.Width, s.Height = int(r.bits(wide))+1, int(r.bits(high))+1
	if !reduced && r.bit() == 1 { // frame_id_numbers_present_flag
		r.bits(7)
	}
	r.bits(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
	if !reduced {
		skipAV1Tools(r)
	}
	r.bits(3) // enable_superres, enable_cdef, enable_restoration
	s.color(r)
	return s, !r.failed
}

func (s *AV1Sequence) operatingPoints(r *bitReader) {
	delayBits := 0    // of the decoder model, if there is one
	if r.bit() == 1 { // timing_info_present_flag
		r.bits(32)        // num_units_in_display_tick
		r.bits(32)        // time_scale
		if r.bit() == 1 { // equal_picture_interval
			r.ue() // num_ticks_per_picture_minus_1
		}
		if r.bit() == 1 { // decoder_model_info_present_flag
			delayBits = int(r.bits(5)) + 1
			r.bits(32) // num_units_in_decoding_tick
			r.bits(10)
		}
	}
	displayDelay := r.bit() == 1
	for i := range int(r.bits(5)) + 1 {
		r.bits(12) // operating_point_idc
		level, tier := byte(r.bits(5)), byte(0)
		if level > 7 {
			tier = byte(r.bit())
		}
		if i == 0 {
			s.Level, s.Tier = level, tier
		}
		if delayBits > 0 && r.bit() == 1 { // decoder_model_present_for_this_op
			r.bits(delayBits)
			r.bits(delayBits)
			r.bit()
		}
		if displayDelay && r.bit() == 1 {
			r.bits(4)
		}
	}
}

func skipAV1Tools(r *bitReader) {
	r.bits(4) // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
	orderHint := r.bit() == 1
	if orderHint {
		r.bits(2)
	}
	screenContent := r.bit() == 1 // seq_choose_screen_content_tools
	if !screenContent {
		screenContent = r.bit() == 1 // seq_force_screen_content_tools
	}
	if screenContent && r.bit() == 0 { // seq_choose_integer_mv
		r.bit()
	}
	if orderHint {
		r.bits(3)
	}
}

func (s *AV1Sequence) color(r *bitReader) {
	s.HighBitDepth = r.bit() == 1
	if s.Profile == 2 && s.HighBitDepth {
		s.TwelveBit = r.bit() == 1
	}
	if s.Profile != 1 {
		s.Monochrome = r.bit() == 1
	}
	var primaries, transfer, matrix uint32 = 2, 2, 2 // unspecified
	if r.bit() == 1 {
		primaries, transfer, matrix = r.bits(8), r.bits(8), r.bits(8)
	}
	const bt709, srgb, identity = 1, 13, 0
	switch {
	case s.Monochrome:
		r.bit() // color_range
		s.SubsamplingX, s.SubsamplingY = true, true
		return
	case primaries == bt709 && transfer == srgb && matrix == identity:
		return
	}
	r.bit() // color_range
	switch {
	case s.Profile == 0:
		s.SubsamplingX, s.SubsamplingY = true, true
	case s.Profile == 2 && s.TwelveBit:
		if s.SubsamplingX = r.bit() == 1; s.SubsamplingX {
			s.SubsamplingY = r.bit() == 1
		}
	case s.Profile == 2:
		s.SubsamplingX = true
	}
	if s.SubsamplingX && s.SubsamplingY {
		s.ChromaPosition = byte(r.bits(2))
	}
}
