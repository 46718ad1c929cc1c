package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type importCommand struct {
	Telnyx importTelnyxCommand `cmd:"" help:"Take over the rooms of a Telnyx account, with their ids. The server may be running."`
}

type importTelnyxCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	From   string `default:"https://api.telnyx.com" placeholder:"URL" help:"Where the API is (default https://api.telnyx.com)."`
	DryRun bool   `help:"Change nothing, and say what would be taken over."`
}

// Help is what the command says before its flags.
func (*importTelnyxCommand) Help() string {
	return `Reads rooms only, by the API key in $TELNYX_API_KEY, and makes them here under the same ids, so that applications find them. ` +
		`Rooms that are here already, by id or by name, are left as they are: it may be run again.`
}

const (
	telnyxKey    = "TELNYX_API_KEY"
	importedPage = 50 // rooms of a request
	importWait   = 30 * time.Second
)

// hostedRoom is a room as the hosted API shows it.
type hostedRoom struct {
	ID                      video.RoomID `json:"id"`
	UniqueName              string       `json:"unique_name"`
	MaxParticipants         int          `json:"max_participants"`
	EnableRecording         bool         `json:"enable_recording"`
	WebhookEventURL         string       `json:"webhook_event_url"`
	WebhookEventFailoverURL string       `json:"webhook_event_failover_url"`
	WebhookTimeoutSecs      *int         `json:"webhook_timeout_secs"`
}

// importedRoom says what became of a room.
type importedRoom struct {
	ID         video.RoomID `json:"id"`
	UniqueName string       `json:"unique_name"`
	Imported   bool         `json:"imported"`
	Notes      []string     `json:"notes"` // what is different here, or why it was left out
}

// Run takes over one room after the other.
func (c *importTelnyxCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	key := variable(t.env, telnyxKey)
	if key == "" {
		return misuse{fmt.Errorf("import: set $%s to an API key of the Telnyx account", telnyxKey)}
	}
	from, err := url.Parse(c.From)
	if err != nil || from.Host == "" || from.Scheme != "https" && from.Scheme != "http" {
		return misuse{fmt.Errorf("import: --from %q is no address such as https://api.telnyx.com", c.From)}
	}
	source := &restclient.Client{URL: c.From, Key: key, HTTP: &http.Client{Timeout: importWait}}
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		outcome := []importedRoom{}
		for page := 1; ; page++ {
			var rooms []hostedRoom
			path := fmt.Sprintf("/rooms?page%%5Bnumber%%5D=%d&page%%5Bsize%%5D=%d", page, importedPage)
			if err := source.Call(ctx, http.MethodGet, path, nil, &rooms); err != nil {
				return fmt.Errorf("import: %w", err)
			}
			for _, room := range rooms {
				made, err := c.take(ctx, o, account.ID, room)
				if err != nil {
					return err
				}
				outcome = append(outcome, made)
			}
			if len(rooms) < importedPage {
				return c.print(t, outcome)
			}
		}
	})
}

// take makes a room here. What is wrong with the room alone is said in the outcome.
func (c *importTelnyxCommand) take(ctx context.Context, o *office, account video.AccountID, hosted hostedRoom) (importedRoom, error) {
	room, notes := hosted.fitted(account)
	outcome := importedRoom{ID: hosted.ID, UniqueName: hosted.UniqueName, Notes: notes}
	if !video.IsUUID(string(room.ID)) {
		outcome.Notes = []string{"left out: its id is no UUID"}
		return outcome, nil
	}
	if c.DryRun {
		_, err := o.db.Room(ctx, account, room.ID, false)
		switch {
		case err == nil:
			outcome.Notes = []string{"left out: it is here already"}
		case video.CodeOf(err) != video.CodeRoomNotFound && video.CodeOf(err) != video.CodeNotFound:
			return outcome, err
		default:
			outcome.Imported = true
		}
		return outcome, nil
	}
	_, err := o.db.CreateRoom(ctx, room)
	if e, refused := errors.AsType[*video.Error](err); refused && (e.Code == video.CodeDuplicate || e.Code == video.CodeInvalid) {
		outcome.Notes = []string{"left out: " + e.Message}
		return outcome, nil
	}
	outcome.Imported = err == nil
	return outcome, err
}

// fitted is the room as it can be here, and what is different from there.
func (h hostedRoom) fitted(account video.AccountID) (room video.Room, notes []string) {
	notes = []string{}
	room = video.Room{
		ID: video.RoomID(strings.ToLower(string(h.ID))), AccountID: account, UniqueName: h.UniqueName, EnableRecording: h.EnableRecording,
		MaxParticipants: min(max(h.MaxParticipants, video.MinRoomParticipants), video.MaxRoomParticipants),
		WebhookEventURL: h.WebhookEventURL, WebhookEventFailoverURL: h.WebhookEventFailoverURL, WebhookTimeoutSecs: h.WebhookTimeoutSecs,
	}
	if h.MaxParticipants == 0 {
		room.MaxParticipants = video.DefaultRoomParticipants
	} else if room.MaxParticipants != h.MaxParticipants {
		notes = append(notes, fmt.Sprintf("max_participants is %d, not %d", room.MaxParticipants, h.MaxParticipants))
	}
	for name, address := range map[string]*string{
		"webhook_event_url": &room.WebhookEventURL, "webhook_event_failover_url": &room.WebhookEventFailoverURL,
	} {
		if u, err := url.Parse(*address); *address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			notes = append(notes, name+" is left out: it is no http or https URL")
			*address = ""
		}
	}
	if s := room.WebhookTimeoutSecs; s != nil && (*s < 0 || *s > video.MaxWebhookTimeoutSecs) {
		notes = append(notes, fmt.Sprintf("webhook_timeout_secs is left out: %d", *s))
		room.WebhookTimeoutSecs = nil
	}
	return room, notes
}

func (c *importTelnyxCommand) print(t *terminal, outcome []importedRoom) error {
	if c.JSON {
		return printJSON(t.stdout, outcome)
	}
	imported, rows := 0, [][]string{{"ID", "NAME", "IMPORTED", "NOTES"}}
	for _, room := range outcome {
		word := "no"
		if room.Imported {
			word = "yes"
			imported++
		}
		rows = append(rows, []string{string(room.ID), room.UniqueName, word, strings.Join(room.Notes, "; ")})
	}
	if err := printTable(t.stdout, rows); err != nil {
		return err
	}
	done := "imported"
	if c.DryRun {
		done = "would be imported"
	}
	_, err := fmt.Fprintf(t.stdout, "%d of %d rooms %s\n", imported, len(outcome), done)
	return err
}

// variable reads one of the environment's variables.
func variable(env []string, name string) string {
	for _, entry := range env {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}
