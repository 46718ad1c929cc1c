package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// commands is the command line, in the form kong reads it.
type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run the server."`
	Account  accountCommand  `cmd:"" help:"Make and list accounts."`
	Key      keyCommand      `cmd:"" help:"Make, list and revoke API keys, and rotate the keys that sign client tokens."`
	Member   memberCommand   `cmd:"" help:"List the members of the portal, and let them choose another password."`
	Token    tokenCommand    `cmd:"" help:"Make a client token for a room and print a join link."`
	Compose  composeCommand  `cmd:"" help:"Make one file of a session's recordings."`
	Doctor   doctorCommand   `cmd:"" help:"Find out what keeps clients from a server, or a server from running."`
	Loadtest loadtestCommand `cmd:"" help:"Load a server with participants, and measure what it takes."`
	Import   importCommand   `cmd:"" help:"Take over what another service keeps."`
	Erase    eraseCommand    `cmd:"" help:"Erase a person's data from the record."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database's schema up to date, or say what that takes."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// terminal is what a command needs of the world around the process.
type terminal struct {
	env            []string
	stdout, stderr io.Writer
}

// misuse is an error of the command line or of the settings: doing the same again cannot work.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// run carries out one command line and returns the exit code: 0 when all went well, 1 when it failed, 2 when the
// command line or a setting is wrong. Commands end when ctx does.
func run(ctx context.Context, args, env []string, stdout, stderr io.Writer) (code int) {
	// kong ends the process after printing help; here that ends the function.
	type exit int
	defer func() {
		switch ended := recover().(type) {
		case nil:
		case exit:
			code = int(ended)
		default:
			panic(ended)
		}
	}()
	var line commands
	parser := kong.Must(&line,
		kong.Name("rotunda"),
		kong.Description("A self-hosted, programmable video platform: rooms, tokens and media in one binary."),
		kong.Writers(stdout, stderr),
		kong.Vars{"key_name": "unnamed"},
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.ValueFormatter(helpOf),
	)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "rotunda: %v; see %s --help\n", err, commandOf(err))
		return 2
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(parsed, &terminal{env: env, stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "rotunda: %v\n", err)
		if _, wrong := errors.AsType[misuse](err); wrong {
			return 2
		}
		return 1
	}
	return 0
}

// commandOf is the command that was wanted when the command line turned out to be wrong, as far as it was understood.
func commandOf(err error) string {
	command := "rotunda"
	if wrong, is := errors.AsType[*kong.ParseError](err); is {
		for _, step := range wrong.Context.Path {
			if step.Command != nil {
				command += " " + step.Command.Name
			}
		}
	}
	return command
}

type versionCommand struct{}

func (versionCommand) Run(t *terminal) error {
	_, err := fmt.Fprintf(t.stdout, "rotunda %s (%s/%s, %s)\n", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}
