package compose

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// mutedMark draws the mark of the muted: a white microphone, crossed out, on a red disc of that many pixels.
func mutedMark(side int) ([]byte, error) {
	const fine = 4 // times as fine, then averaged, for smooth edges
	mark := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			var disc, white int
			for i := range fine * fine {
				px := (float64(x) + (float64(i%fine)+0.5)/fine) / float64(side)
				py := (float64(y) + (float64(i/fine)+0.5)/fine) / float64(side)
				if inDisc(px, py) {
					disc++
					if inMicrophone(px, py) != inStroke(px, py) {
						white++
					}
				}
			}
			if disc == 0 {
				continue
			}
			level := func(red int) uint8 { return uint8(red + (255-red)*white/disc) }
			mark.SetNRGBA(x, y, color.NRGBA{level(200), level(30), level(40), uint8(255 * disc / (fine * fine))})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, mark)
	return b.Bytes(), err
}

func inDisc(x, y float64) bool { return (x-0.5)*(x-0.5)+(y-0.5)*(y-0.5) < 0.25 }

func inMicrophone(x, y float64) bool {
	dx := x - 0.5
	switch {
	case y < 0.52: // its head, rounded above
		top := min(y, 0.30) - 0.30
		return dx*dx+top*top < 0.0121
	case y < 0.62:
		return dx*dx+(y-0.52)*(y-0.52) < 0.0121
	case y < 0.78: // its stand
		return dx*dx < 0.0012
	}
	return y < 0.82 && dx*dx < 0.02
}

func inStroke(x, y float64) bool {
	d := x - y
	return d*d < 0.005 && x > 0.22 && x < 0.78
}
