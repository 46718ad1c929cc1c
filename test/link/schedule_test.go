//go:build linux

package link

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseSchedule(t *testing.T) {
	got, err := ParseSchedule(strings.NewReader(`
# a call on a train
at 0s   rate 3mbit queue 60kB delay 25ms jitter 5ms
at 20s  down rate 300kbit    # a tunnel
at 30s  outage on
at 35.5s  outage off up loss 2% burst 0.01 25% 90% duplicate 1% reorder 3% late 40ms
at 40s  address queue 300ms
at 41s  down clear
`))
	if err != nil {
		t.Fatal(err)
	}
	start := Conditions{Rate: 3_000_000, Queue: 60_000, Delay: 25 * time.Millisecond, Jitter: 5 * time.Millisecond}
	slow := start
	slow.Rate = 300_000
	dark, slowDark := start, slow
	dark.Outage, slowDark.Outage = true, true
	lossy := start
	lossy.Loss, lossy.Burst, lossy.Duplicate = 0.02, Burst{0.01, 0.25, 0.9}, 0.01
	lossy.Reorder, lossy.Late = 0.03, 40*time.Millisecond
	lossyTime, slowTime := lossy, slow
	lossyTime.Queue, lossyTime.QueueTime = 0, 300*time.Millisecond
	slowTime.Queue, slowTime.QueueTime = 0, 300*time.Millisecond
	want := Schedule{
		{At: 0, Up: start, Down: start},
		{At: 20 * time.Second, Up: start, Down: slow},
		{At: 30 * time.Second, Up: dark, Down: slowDark},
		{At: 35500 * time.Millisecond, Up: lossy, Down: slow},
		{At: 40 * time.Second, Up: lossyTime, Down: slowTime, NewAddress: true},
		{At: 41 * time.Second, Up: lossyTime, Down: Conditions{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseScheduleTellsFaults(t *testing.T) {
	for text, want := range map[string]string{
		"rate 3mbit":                   `line 1: a step is "at TIME SETTINGS"`,
		"at 1s":                        `line 1: a step is "at TIME SETTINGS"`,
		"at noon outage on":            "line 1: at: time: invalid duration",
		"\nat 1s loss 110%":            "line 2: loss is 1.1, and must be 0 to 1",
		"at 1s loss NaN":               "loss is NaN",
		"at 1s loss":                   "loss: a value is missing",
		"at 1s loss much":              `loss: "much" is no share`,
		"at 1s rate fast":              `rate: "fast" is no amount`,
		"at 1s rate -1":                `rate: "-1" is no amount`,
		"at 1s rate 90gbit":            "rate is 90000000000 bit/s, and must be",
		"at 1s delay 2m":               "delay is 2m0s, and must be 0 to 1m0s",
		"at 1s delay -1s":              "delay is -1s",
		"at 1s burst 1% 2%":            "burst: a value is missing",
		"at 1s outage maybe":           `outage: "maybe" is neither on nor off`,
		"at 1s colour red":             "colour: there is no such setting",
		"at 1s queue 1tB":              `queue: "1tB" is no amount`,
		"at 1s queue 100MB":            "queue is 100000000 bytes",
		"at 2s clear\nat 1s outage on": "step 2 is at 1s, before 2s",
	} {
		_, err := ParseSchedule(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want %q in it", text, err, want)
		}
	}
}
