package mixer

const (
	ceiling     = 0.89 // -1 dB, since encoding may add a little
	blockSize   = 5 * millisecond
	recoverRate = 1.012 // by which the gain grows in a block at most: about 20 dB/s
)

// limiter keeps a mix below full scale. It looks one block ahead: the gain goes in a straight line from one block's border to the next, and
// at each border it suits both blocks, so no sample is ever too loud and nothing is clipped. It falls as fast as it must and recovers slowly,
// so that loudness does not pump. What is not too loud is not changed, only later by a block.
type limiter struct {
	gain float32 // at the end of what was put out, less 1, so that the zero value is right
	peak float32 // of held
	held [blockSize]float32
}

// limit replaces the sound of a frame by that of one block earlier. It reports whether that is nothing but silence.
func (l *limiter) limit(pcm []float32) (silent bool) {
	silent = true
	for at := 0; at < len(pcm); at += blockSize {
		block := pcm[at : at+blockSize]
		peak := peakOf(block)
		if max(l.peak, peak) > 0 {
			silent = silent && l.peak == 0
			l.exchange(block, peak)
		} else {
			l.gain = l.recovered() - 1
		}
	}
	return silent
}

// exchange puts out what is held and holds what came.
func (l *limiter) exchange(block []float32, peak float32) {
	from := l.gain + 1
	to := min(l.recovered(), fitting(l.peak), fitting(peak))
	slope := (to - from) / blockSize
	for i, v := range block {
		block[i] = l.held[i] * (from + slope*float32(i))
		l.held[i] = v
	}
	l.gain, l.peak = to-1, peak
}

func (l *limiter) recovered() float32 { return min((l.gain+1)*recoverRate, 1) }

func fitting(peak float32) float32 {
	if peak > ceiling {
		return ceiling / peak
	}
	return 1
}

func peakOf(pcm []float32) float32 {
	var peak float32
	for _, v := range pcm {
		peak = max(peak, v, -v)
	}
	return peak
}
