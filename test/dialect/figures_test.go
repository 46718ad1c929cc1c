package main

import "testing"

// TestDisturbed: a room counts only if everybody got nearly all pictures, and all of the sound.
func TestDisturbed(t *testing.T) {
	for _, c := range []struct {
		figures
		want bool
	}{{figures{pictures: 1}, false}, {figures{pictures: 0.9}, true}, {figures{pictures: 1, overruns: 1}, true}} {
		if c.disturbed() != c.want {
			t.Errorf("%+v: %v", c.figures, !c.want)
		}
	}
}
