package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type eraseCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	Participant string  `xor:"who" placeholder:"ID" help:"Erase the data of this participant."`
	Context     *string `xor:"who" placeholder:"TEXT" help:"Erase the data of everyone who joined with exactly this context."`
	Yes         bool    `help:"Erase. Without it nothing is erased: the participants it would be about are counted, and the command ends with code 1."`
}

// Help is what 'rotunda erase --help' says before the flags.
func (*eraseCommand) Help() string {
	return `Empties the contexts of the participants meant, in the record and in the events that webhooks were told, and what was answered to those events; deletes figures of the quality of their media. ` +
		`Ids and times stay. It cannot be undone. Backups, and what webhooks received, are not touched.`
}

// Validate is kong's question whether the flags go together. Flags that are required of it would both stand in the usage line.
func (c *eraseCommand) Validate() error {
	if c.Participant == "" && c.Context == nil {
		return errors.New("missing flags: --participant=ID or --context=TEXT")
	}
	return nil
}

type erasureJSON struct {
	Participants int `json:"participants"`
	Deliveries   int `json:"webhook_deliveries"`
	Attempts     int `json:"webhook_responses"`
	Present      int `json:"still_in_a_session"`
}

// Run erases, or counts.
func (c *eraseCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		person := store.Person{AccountID: account.ID, ParticipantID: video.ParticipantID(c.Participant)}
		if c.Context != nil {
			person.Context = *c.Context
		}
		gone, present, err := o.db.Erasable(ctx, person)
		if err != nil {
			return refusedTo("find participant", err, "give the id or context of a participant of this account, or name another with --account")
		}
		if gone+present == 0 {
			return fmt.Errorf("find participants: nobody of this account joined with this context: give the whole context as it was, or name another account with --account")
		}
		if !c.Yes {
			return fmt.Errorf("erase: nothing was erased: this is about %s; add --yes to erase their data for good", participants(gone+present))
		}
		done, err := o.db.Erase(ctx, person)
		if err != nil {
			return err
		}
		if err := c.print(t, erasureJSON(done)); err != nil {
			return err
		}
		if done.Present > 0 {
			return fmt.Errorf("erase: %s still in a session, whose events are to come, and nothing of theirs was erased: do it again when they have left",
				participants(done.Present))
		}
		return nil
	})
}

func participants(n int) string {
	if n == 1 {
		return "1 participant"
	}
	return fmt.Sprintf("%d participants", n)
}

func (c *eraseCommand) print(t *terminal, done erasureJSON) error {
	if c.JSON {
		return printJSON(t.stdout, done)
	}
	_, err := fmt.Fprintf(t.stdout, "erased the contexts of %s, in %d webhook events, and %d answers to those\n",
		participants(done.Participants), done.Deliveries, done.Attempts)
	return err
}
