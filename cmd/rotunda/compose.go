package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type composeCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	Session string `arg:"" help:"The session whose recordings are used, by its id."`
	Layout  string `placeholder:"FILE" help:"What to make, in JSON as POST /v2/room_compositions takes it, without session_id (default: everybody, in one grid)."`
	Watch   bool   `help:"Wait until it is made, and show how far it is."`
}

// Run asks for a composition, which the running server makes.
func (c *composeCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	layout := []byte("{}")
	if c.Layout != "" {
		var err error
		if layout, err = os.ReadFile(c.Layout); err != nil {
			return fmt.Errorf("read layout: %w", err)
		}
	}
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		if !video.IsUUID(strings.ToLower(c.Session)) {
			return fmt.Errorf("compose: %q is no id of a session: GET /v2/room_sessions lists them", c.Session)
		}
		session := video.SessionID(strings.ToLower(c.Session))
		asked, err := rest.ReadComposition(ctx, o.db, o.db, account.ID, session, layout)
		if err != nil {
			return fmt.Errorf("compose: %w", err)
		}
		made, err := o.db.CreateComposition(ctx, asked)
		if err != nil {
			return refusedTo("compose", err, "GET /v2/room_sessions lists the account's sessions")
		}
		if c.Watch {
			if made, err = watch(ctx, o, made); err != nil {
				return err
			}
		}
		if c.JSON {
			if err := printJSON(t.stdout, rest.RenderComposition(made)); err != nil {
				return err
			}
		} else if _, err := fmt.Fprintln(t.stdout, made.ID); err != nil {
			return err
		}
		if made.Status == video.CompositionFailed {
			return fmt.Errorf("the composition failed: %s", printable(made.FailedReason))
		}
		return nil
	})
}

// lookEvery is how often a composition is looked at while somebody watches.
const lookEvery = 300 * time.Millisecond

// watch shows a composition's progress until it has ended.
func watch(ctx context.Context, o *office, c video.Composition) (video.Composition, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	bar := progressBar{w: o.terminal.stderr, live: isTerminal(o.terminal.stderr)}
	for {
		bar.show(c)
		if c.Status == video.CompositionCompleted || c.Status == video.CompositionFailed {
			bar.end(c)
			return c, nil
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-look.C:
		}
		var err error
		if c, err = o.db.Composition(ctx, c.AccountID, c.ID); err != nil {
			return c, refusedTo("watch composition", err, "it was deleted")
		}
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	about, err := file.Stat()
	return err == nil && about.Mode()&os.ModeCharDevice != 0
}

// progressBar is drawn again and again on a terminal. Elsewhere it is a line for each step of ten percent.
type progressBar struct {
	w     io.Writer
	live  bool
	drawn string
	told  string // why it waits
}

const barWidth = 40

func (b *progressBar) show(c video.Composition) {
	full := barWidth * c.Progress / 100
	text := fmt.Sprintf("[%s%s] %3d %% %-10s", strings.Repeat("#", full), strings.Repeat("-", barWidth-full), c.Progress, c.Status)
	why := ""
	if c.Waiting != nil {
		why = c.Waiting.Detail
	}
	if why != b.told {
		if b.told = why; why != "" {
			if b.live && b.drawn != "" {
				fmt.Fprintln(b.w)
			}
			fmt.Fprintf(b.w, "waiting: %s\n", printable(why))
			b.drawn = ""
		}
	}
	key := text
	if !b.live {
		key = fmt.Sprint(c.Progress/10, c.Status)
	}
	if key == b.drawn {
		return
	}
	b.drawn = key
	if b.live {
		fmt.Fprint(b.w, "\r"+text)
	} else {
		fmt.Fprintln(b.w, text)
	}
}

func (b *progressBar) end(c video.Composition) {
	if b.live {
		fmt.Fprintln(b.w)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintf(b.w, "warning: %s\n", printable(warning))
	}
	if c.Status == video.CompositionCompleted {
		fmt.Fprintf(b.w, "%v, %.1f MB, made at %.1f times its speed, sound and picture within %v\n",
			c.Duration.Round(100*time.Millisecond), float64(c.SizeBytes)/1e6, c.Speed, c.Offset.Round(time.Millisecond))
	}
}
