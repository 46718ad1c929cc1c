package mixer

import "math"

const (
	taps    = 16  // of the filter; half of them before the sample, half after it
	phases  = 512 // positions between two samples
	reach   = taps / 2
	maxStep = 9 // samples that a frame may be longer or shorter: less than a percent, a sixth of a semitone
)

// kernel is a windowed sinc for each phase.
var kernel = makeKernel()

func makeKernel() *[phases + 1][taps]float32 {
	var k [phases + 1][taps]float32
	for p := range k {
		var row [taps]float64
		sum := 0.0
		for t := range row {
			x := float64(t-reach+1) - float64(p)/phases
			row[t] = sinc(x) * math.Pow(math.Cos(math.Pi*x/(taps+1)), 2)
			sum += row[t]
		}
		for t := range row {
			k[p][t] = float32(row[t] / sum)
		}
	}
	return &k
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// stretch makes out of len(out)+step samples of in, which begin at in[reach], len(out) ones. It reads reach samples on both sides of them.
func stretch(out, in []float32, step int) {
	pace := float64(len(out)+step) / float64(len(out))
	for i := range out {
		at := float64(i) * pace
		whole := int(at)
		row := &kernel[int((at-float64(whole))*phases+0.5)]
		from := in[whole+1 : whole+1+taps]
		var sum float32
		for t, weight := range row {
			sum += weight * from[t]
		}
		out[i] = sum
	}
}
