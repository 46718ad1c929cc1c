package main

import (
	"context"
	"errors"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/doctor"
)

type doctorCommand struct {
	serverFlags
	jsonFlag

	URL    string `arg:"" optional:"" help:"A running server to look at from here, such as https://video.example.com. Without it this machine and its settings are looked at."`
	Token  string `placeholder:"TOKEN" help:"A client token of a room of that server, which allows to publish."`
	APIKey string `name:"api-key" placeholder:"KEY" help:"Or an API key: a room is made for the checks, and deleted. The variable is the better place: flags can be read by everyone on the machine."`
}

// Help is what 'rotunda doctor --help' says before the flags.
func (*doctorCommand) Help() string {
	return `With a URL: can the server be reached from here, is its certificate good, and which ways can media take: UDP, TCP, and the relay over UDP, TCP and TLS. ` +
		`Somebody whose name begins with doctor- is in a room for some seconds meanwhile.

Without: on the machine of a server, as its user and with its settings: can it have its ports, is there space, are the kernel's buffers large enough. ` +
		`Give --config, or the variables, as 'rotunda serve' gets them.

Ends with code 1 if a check failed.`
}

var errUnwell = errors.New("a check failed")

// Run makes the checks and prints what they found.
func (c *doctorCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var report doctor.Report
	if c.URL != "" {
		report = doctor.Examine(ctx, doctor.Server{URL: c.URL, Token: c.Token, APIKey: c.key(t)})
	} else {
		config, err := loadConfig(givenSettings(line), t.env)
		if err != nil {
			return err
		}
		report = examineMachine(ctx, config)
	}
	var err error
	if c.JSON {
		err = printJSON(t.stdout, map[string]any{"checks": report, "failed": report.Failed()})
	} else {
		err = printTable(t.stdout, report.Table())
	}
	if err == nil && report.Failed() {
		err = errUnwell
	}
	return err
}

func (c *doctorCommand) key(t *terminal) string {
	for _, variable := range t.env {
		if name, value, _ := strings.Cut(variable, "="); name == "ROTUNDA_API_KEY" && c.APIKey == "" && c.Token == "" {
			return value
		}
	}
	return c.APIKey
}
