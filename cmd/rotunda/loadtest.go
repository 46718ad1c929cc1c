package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/loadtest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type loadtestCommand struct {
	URL    string `arg:"" help:"The server, such as http://127.0.0.1:8080."`
	APIKey string `name:"api-key" placeholder:"KEY" help:"An API key of the server that may make rooms and tokens. The variable is the better place: flags can be read by everyone on the machine."`

	Rooms       int    `default:"1" help:"Rooms, up to 1000."`
	Publishers  int    `default:"1" help:"Publishers in each room."`
	Subscribers int    `default:"10" help:"Subscribers in each room, each of whom takes all its publishers. A room holds 50 people."`
	VideoKbps   int    `name:"video-kbps" default:"1200" help:"Bit rate of the best video layer in kbit/s; 0 is no video."`
	AudioKbps   int    `name:"audio-kbps" default:"32" help:"Bit rate of sound in kbit/s; 0 is no sound."`
	Simulcast   int    `default:"1" help:"Video layers, 1 to 3: each has a quarter of the bit rate of the one above."`
	Quality     string `enum:"low,medium,high" default:"high" help:"The layer that subscribers ask for: low, medium or high."`

	Churn float64       `default:"0" help:"Participants who leave and come back, a minute."`
	Loss  float64       `default:"0" help:"Percentage of datagrams to lose, each way; 0 to 50."`
	Delay time.Duration `default:"0s" help:"Time to hold datagrams back, each way; up to 2s."`
	NACK  bool          `name:"nack" default:"true" negatable:"" help:"Let subscribers ask for lost packets again (--no-nack: they do not)."`

	RampUp   time.Duration `name:"ramp-up" default:"1s" help:"Time over which participants join."`
	Duration time.Duration `default:"20s" help:"Time of measuring, once everyone is in."`

	ServerPID int    `name:"server-pid" placeholder:"PID" help:"The server's process, if it is on this machine, to read what it takes."`
	JSON      string `name:"json" placeholder:"FILE" help:"Write the report to this file as JSON too."`
}

// Run loads a server and prints what that showed. It fails if someone could not join, or nothing flowed.
func (c *loadtestCommand) Run(ctx context.Context, t *terminal) error {
	plan := c.plan(t)
	if err := plan.Check(); err != nil {
		return misuse{err}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it on the spot
	defer stop()
	line := progressLine{w: t.stderr, live: isTerminal(t.stderr), pid: c.ServerPID != 0}
	report, err := loadtest.Run(ctx, plan, version, line.show)
	line.end()
	if report != nil {
		if wrong := c.print(t, report); wrong != nil {
			return wrong
		}
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("load test: interrupted")
	case err != nil:
		return fmt.Errorf("load test: %w", err)
	case report.Fault() != "":
		return fmt.Errorf("load test: %s", report.Fault())
	}
	return nil
}

func (c *loadtestCommand) plan(t *terminal) loadtest.Plan {
	plan := loadtest.Plan{
		URL: strings.TrimSuffix(c.URL, "/"), APIKey: c.APIKey, Rooms: c.Rooms, Publishers: c.Publishers, Subscribers: c.Subscribers,
		AudioBitRate: c.AudioKbps * 1000, VideoBitRate: c.VideoKbps * 1000, Layers: c.Simulcast, Quality: video.Quality(c.Quality),
		Churn: c.Churn, Loss: c.Loss / 100, Delay: c.Delay, NACK: c.NACK, RampUp: c.RampUp, Duration: c.Duration, ServerPID: c.ServerPID,
	}
	for _, variable := range t.env {
		if name, value, _ := strings.Cut(variable, "="); name == "ROTUNDA_API_KEY" && plan.APIKey == "" {
			plan.APIKey = value
		}
	}
	return plan
}

func (c *loadtestCommand) print(t *terminal, report *loadtest.Report) error {
	if err := printTable(t.stdout, report.Table()); err != nil {
		return err
	}
	for _, fault := range report.Errors {
		fmt.Fprintf(t.stderr, "%d times: %s\n", fault.Count, printable(fault.Error))
	}
	if c.JSON == "" {
		return nil
	}
	content, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.JSON, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// progressLine is rewritten in place on a terminal. Elsewhere there is a line every few seconds.
type progressLine struct {
	w     io.Writer
	live  bool
	pid   bool
	width int
	told  int
}

// plainEvery is how many seconds there are from one line to the next where lines stay.
const plainEvery = 5

func (l *progressLine) show(p loadtest.Progress) {
	text := fmt.Sprintf("%4.0fs  joined %d/%d  sent %.0f/s  received %.0f/s  lost %.2f %%", p.Elapsed.Seconds(), p.Joined, p.Seats, p.SentPerSecond, p.ReceivedPerSecond, p.LostPercent)
	if p.Failed > 0 {
		text += fmt.Sprintf("  failed %d", p.Failed)
	}
	if l.pid {
		text += fmt.Sprintf("  server %.2f cores, %d MiB", p.ServerCores, p.ServerMemory>>20)
	}
	switch {
	case l.live:
		fmt.Fprintf(l.w, "\r%-*s", l.width, text)
		l.width = max(l.width, len(text))
	case l.told%plainEvery == 0:
		fmt.Fprintln(l.w, text)
	}
	l.told++
}

func (l *progressLine) end() {
	if l.live && l.told > 0 {
		fmt.Fprintln(l.w)
	}
}
