package main

import "testing"

// traces is what go tool pprof -traces prints, shortened.
const traces = `File: rotunda
Type: cpu
Duration: 10s, Total samples = 100ms ( 1.00%)
-----------+-------------------------------------------------------
      10ms   runtime.memmove
             github.com/rotunda-rtc/rotunda/internal/mixer.(*queue).Take
-----------+-------------------------------------------------------
      20ms   runtime._ExternalCode
             runtime._System
-----------+-------------------------------------------------------
      30ms   internal/runtime/syscall.Syscall6
             github.com/rotunda-rtc/rotunda/internal/sfu.(*mixLine).SendMixed
             github.com/rotunda-rtc/rotunda/internal/mixer.(*Mix).run
-----------+-------------------------------------------------------
      40ms   crypto/internal/fips140/aes/gcm.gcmAesEnc
             github.com/rotunda-rtc/rotunda/internal/sfu.(*Engine).read
-----------+-------------------------------------------------------
`

// TestMixingPart: decoding and mixing count, and sending what was mixed does not.
func TestMixingPart(t *testing.T) {
	if part, err := mixingPart(traces); err != nil || part != 0.3 {
		t.Errorf("%v of the profile is mixing, %v", part, err)
	}
	for name, broken := range map[string]string{"nothing": "", "no samples": "File: rotunda\n", "no time": "-----------+-------------------------------------------------------\n xms  f\n"} {
		if part, err := mixingPart(broken); err == nil {
			t.Errorf("%s: %v", name, part)
		}
	}
}

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
