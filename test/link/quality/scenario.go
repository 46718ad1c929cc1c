//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// scenario is what happens to a link in the time of a measurement.
type scenario struct {
	Name   string        `json:"name"`
	Title  string        `json:"title"`
	Script string        `json:"script"` // what holds at 0s holds already while people join
	Length time.Duration `json:"length_ns"`
	// A TCP connection that sends as much as it can, the same way as the media, runs from TCPFrom until TCPUntil.
	TCPFrom  time.Duration `json:"tcp_from_ns,omitempty"`
	TCPUntil time.Duration `json:"tcp_until_ns,omitempty"`
}

var scenarios = []scenario{
	{Name: "loss", Title: "10 % random loss, round trip 100 ms", Length: 60 * time.Second, Script: "at 0s delay 50ms loss 10%"},
	{
		Name: "drop", Title: "3 Mbit/s to 300 kbit/s and back", Length: 65 * time.Second,
		Script: "at 0s delay 25ms rate 3mbit queue 60kB\nat 20s rate 300kbit\nat 40s rate 3mbit",
	},
	{
		Name: "tcp", Title: "a TCP download beside it on 3 Mbit/s", Length: 60 * time.Second,
		Script: "at 0s delay 25ms rate 3mbit queue 60kB", TCPFrom: 15 * time.Second, TCPUntil: 45 * time.Second,
	},
	{
		Name: "outage", Title: "an outage of 5 s", Length: 45 * time.Second,
		Script: "at 0s delay 25ms\nat 15s outage on\nat 20s outage off",
	},
	{
		Name: "address", Title: "another address of the client", Length: 45 * time.Second,
		Script: "at 0s delay 25ms\nat 15s address",
	},
}

// short is what make test runs: a bit of everything whose outcome is certain.
var short = scenario{
	Name: "short", Title: "a limit, then an outage of a second", Length: 25 * time.Second,
	Script: "at 0s delay 20ms\nat 3s rate 500kbit queue 30kB\nat 7s outage on\nat 8s clear delay 20ms",
}

// schedule reads the script. The first step holds from the beginning.
func (s scenario) schedule() (link.Schedule, error) {
	schedule, err := link.ParseSchedule(strings.NewReader(s.Script))
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return schedule, nil
}

// changes are when something changes, from the second on.
func (s scenario) changes(schedule link.Schedule) []float64 {
	var all []float64
	for _, step := range schedule[1:] {
		all = append(all, step.At.Seconds())
	}
	if s.TCPUntil > 0 {
		all = append(all, s.TCPFrom.Seconds(), s.TCPUntil.Seconds())
	}
	return all
}

// side is who is behind the bad link.
type side string

const (
	viewerSide    side = "viewer"
	publisherSide side = "publisher"
)

// conditions are those that media meets on its way over the bad link.
func (s side) conditions(step link.Step) link.Conditions {
	if s == viewerSide {
		return step.Down
	}
	return step.Up
}
