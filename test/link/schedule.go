//go:build linux

package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Step is a moment of a schedule: what holds from then on.
type Step struct {
	At         time.Duration // since the schedule began
	Up, Down   Conditions
	NewAddress bool // the far side leaves its address and gets another one, as a phone that leaves a Wi-Fi
}

// Schedule is how a link changes over time. Steps are in order of time.
type Schedule []Step

// Check says what is wrong with a schedule.
func (s Schedule) Check() error {
	last := time.Duration(0)
	for i, step := range s {
		if step.At < last {
			return fmt.Errorf("step %d is at %v, before %v", i+1, step.At, last)
		}
		last = step.At
		if err := errors.Join(step.Up.Check(), step.Down.Check()); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// ParseSchedule reads a schedule, one step a line, each of which changes what it names and leaves the rest:
//
//	# a call on a train
//	at 0s   rate 3mbit queue 60kB delay 25ms jitter 5ms
//	at 20s  down rate 300kbit
//	at 30s  outage on
//	at 35s  outage off loss 2% burst 1% 25% 90%
//	at 40s  address
//
// The settings are those of ParseSettings. A fault is an error that tells its line.
func ParseSchedule(from io.Reader) (Schedule, error) {
	var (
		schedule Schedule
		step     Step
	)
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		var err error
		if step, err = parseStep(words, step); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		schedule = append(schedule, step)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read schedule: %w", err)
	}
	return schedule, schedule.Check()
}

func parseStep(words []string, before Step) (Step, error) {
	if words[0] != "at" || len(words) < 3 {
		return Step{}, errors.New(`a step is "at TIME SETTINGS"`)
	}
	at, err := time.ParseDuration(words[1])
	if err != nil {
		return Step{}, fmt.Errorf("at: %w", err)
	}
	step, err := ParseSettings(strings.Join(words[2:], " "), before)
	step.At = at
	return step, err
}

// ParseSettings reads settings in words and returns what holds after them, if before held until then.
//
//	up | down | both                     whom the following settings concern (both, unless it says so)
//	delay TIME      jitter TIME          20ms, 1.5s
//	loss SHARE      duplicate SHARE      10%, 0.1
//	reorder SHARE   late TIME
//	burst ENTER LEAVE LOSS               shares, as in Burst
//	rate RATE                            300kbit, 3mbit, 20000 (bit/s); 0 or off for no limit
//	queue SIZE | TIME                    60kB, 9000 (bytes), 200ms
//	outage on | off
//	clear                                nothing is lost, delayed or limited any more
//	address                              the far side gets another address
func ParseSettings(text string, before Step) (Step, error) {
	p := settings{words: strings.Fields(text), step: before, up: true, down: true}
	p.step.NewAddress = false
	for len(p.words) > 0 {
		if err := p.setting(); err != nil {
			return before, err
		}
	}
	return p.step, errors.Join(p.step.Up.Check(), p.step.Down.Check())
}

// settings is a reader of settings.
type settings struct {
	words    []string
	step     Step
	up, down bool
}

func (p *settings) setting() error {
	name, _ := p.word()
	switch name {
	case "up", "down", "both":
		p.up, p.down = name != "down", name != "up"
		return nil
	case "address":
		p.step.NewAddress = true
		return nil
	case "clear":
		p.set(func(c *Conditions) { *c = Conditions{} })
		return nil
	}
	change, err := p.change(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.set(change)
	return nil
}

func (p *settings) set(change func(*Conditions)) {
	if p.up {
		change(&p.step.Up)
	}
	if p.down {
		change(&p.step.Down)
	}
}

func (p *settings) change(name string) (func(*Conditions), error) {
	switch name {
	case "delay", "jitter", "late":
		span, err := parsed(p, time.ParseDuration)
		return func(c *Conditions) {
			*map[string]*time.Duration{"delay": &c.Delay, "jitter": &c.Jitter, "late": &c.Late}[name] = span
		}, err
	case "loss", "duplicate", "reorder":
		share, err := parsed(p, parseShare)
		return func(c *Conditions) {
			*map[string]*float64{"loss": &c.Loss, "duplicate": &c.Duplicate, "reorder": &c.Reorder}[name] = share
		}, err
	case "burst":
		enter, err1 := parsed(p, parseShare)
		leave, err2 := parsed(p, parseShare)
		loss, err3 := parsed(p, parseShare)
		return func(c *Conditions) { c.Burst = Burst{enter, leave, loss} }, errors.Join(err1, err2, err3)
	case "rate":
		rate, err := parsed(p, parseRate)
		return func(c *Conditions) { c.Rate = rate }, err
	case "queue":
		return p.queue()
	case "outage":
		on, err := parsed(p, parseSwitch)
		return func(c *Conditions) { c.Outage = on }, err
	}
	return nil, errors.New("there is no such setting")
}

func (p *settings) queue() (func(*Conditions), error) {
	word, err := p.word()
	if err != nil {
		return nil, err
	}
	if span, err := time.ParseDuration(word); err == nil && span != 0 {
		return func(c *Conditions) { c.Queue, c.QueueTime = 0, span }, nil
	}
	size, err := parseScaled(word, []unit{{"kB", 1000}, {"MB", 1_000_000}})
	return func(c *Conditions) { c.Queue, c.QueueTime = int(size), 0 }, err
}

func (p *settings) word() (string, error) {
	if len(p.words) == 0 {
		return "", errors.New("a value is missing")
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word, nil
}

func parsed[T any](p *settings, parse func(string) (T, error)) (T, error) {
	word, err := p.word()
	if err != nil {
		var none T
		return none, err
	}
	return parse(word)
}

func parseShare(word string) (float64, error) {
	percent, isPercent := strings.CutSuffix(word, "%")
	share, err := strconv.ParseFloat(percent, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no share, such as 10%% or 0.1", word)
	}
	if isPercent {
		share /= 100
	}
	return share, nil
}

func parseSwitch(word string) (bool, error) {
	if word != "on" && word != "off" {
		return false, fmt.Errorf("%q is neither on nor off", word)
	}
	return word == "on", nil
}

func parseRate(word string) (int64, error) {
	if word == "off" {
		return 0, nil
	}
	return parseScaled(word, []unit{{"kbit", 1000}, {"mbit", 1_000_000}, {"gbit", 1_000_000_000}})
}

type unit struct {
	name  string
	times float64
}

func parseScaled(word string, units []unit) (int64, error) {
	number, times := word, 1.0
	for _, u := range units {
		if cut, found := strings.CutSuffix(word, u.name); found {
			number, times = cut, u.times
		}
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !(value >= 0 && value*times < 1e15) {
		return 0, fmt.Errorf("%q is no amount, such as 300%s", word, units[0].name)
	}
	return int64(value * times), nil
}
