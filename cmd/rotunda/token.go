package main

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type tokenCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	Room        string        `required:"" placeholder:"ID|NAME" help:"The room, by its id or unique name."`
	Create      bool          `help:"Make a room of that name if there is none."`
	TTL         time.Duration `name:"ttl" placeholder:"TIME" help:"How long the client token is good: 10s to 1h (default 10m)."`
	RefreshTTL  time.Duration `name:"refresh-ttl" placeholder:"TIME" help:"How long the refresh token is good: 1m to 24h (default 1h)."`
	Identity    string        `placeholder:"TEXT" help:"Your own name for the person, at most 256 bytes."`
	NoPublish   bool          `help:"Do not let them send audio and video."`
	NoSubscribe bool          `help:"Do not let them receive audio and video."`
	NoMessages  bool          `help:"Do not let them send messages."`

	PublicURL string `name:"public-url" placeholder:"URL" help:"How clients reach the server; the join link begins with it."`
	HTTP      string `name:"http" placeholder:"HOST:PORT" help:"Where the server listens (default 127.0.0.1:8080); the join link begins with it if there is no public URL."`
}

type tokenJSON struct {
	RoomID           video.RoomID `json:"room_id"`
	Token            string       `json:"token"`
	TokenExpiresAt   time.Time    `json:"token_expires_at"`
	RefreshToken     string       `json:"refresh_token"`
	RefreshExpiresAt time.Time    `json:"refresh_token_expires_at"`
	JoinLink         string       `json:"join_link"`
}

// Run makes the tokens and prints them with a link for the sample app.
func (c *tokenCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		authority, err := o.authority(ctx)
		if err != nil {
			return err
		}
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		room, err := c.room(ctx, o, account.ID)
		if err != nil {
			return err
		}
		tokens, err := authority.Generate(ctx, account.ID, room.ID, auth.TokenRequest{
			TTL: c.TTL, RefreshTTL: c.RefreshTTL, Identity: c.Identity,
			Grants: video.Grants{Publish: !c.NoPublish, Subscribe: !c.NoSubscribe, SendMessages: !c.NoMessages},
		})
		if err != nil {
			return refusedTo("make token", err, "change "+tokenFlagOf(err))
		}
		return c.print(t, tokenJSON{
			RoomID: room.ID, Token: tokens.Token, TokenExpiresAt: tokens.ExpiresAt,
			RefreshToken: tokens.RefreshToken, RefreshExpiresAt: tokens.RefreshExpiresAt,
			JoinLink: fmt.Sprintf("%s/#room=%s&token=%s&refresh=%s",
				o.config.baseURL(o.config.HTTP), room.ID, tokens.Token, tokens.RefreshToken),
		})
	})
}

// tokenFlagOf is the flag for a field of the request.
func tokenFlagOf(err error) string {
	e, _ := errors.AsType[*video.Error](err)
	switch {
	case e == nil:
		return "the flags"
	case e.Field == "/token_ttl_secs":
		return "--ttl"
	case e.Field == "/refresh_token_ttl_secs":
		return "--refresh-ttl"
	}
	return "--identity"
}

// room finds the room, or makes it if that is wanted.
func (c *tokenCommand) room(ctx context.Context, o *office, account video.AccountID) (video.Room, error) {
	if video.IsUUID(c.Room) {
		room, err := o.db.Room(ctx, account, video.RoomID(c.Room), false)
		return room, refusedTo("find room", err, "give the id of a room of this account, or a name and --create")
	}
	room, err := o.db.RoomByName(ctx, account, c.Room)
	if err == nil || !c.Create || video.CodeOf(err) != video.CodeRoomNotFound {
		return room, refusedTo("find room", err, "--create makes it")
	}
	if n := utf8.RuneCountInString(c.Room); n == 0 || n > video.MaxUniqueNameLength {
		return video.Room{}, fmt.Errorf("create room: its name has %d characters: give it 1 to %d", n, video.MaxUniqueNameLength)
	}
	room, err = o.db.CreateRoom(ctx, video.Room{
		AccountID: account, UniqueName: c.Room, MaxParticipants: video.DefaultRoomParticipants,
	})
	return room, refusedTo("create room", err, "choose another name")
}

func (c *tokenCommand) print(t *terminal, made tokenJSON) error {
	if c.JSON {
		return printJSON(t.stdout, made)
	}
	return printTable(t.stdout, [][]string{
		{"room", string(made.RoomID)},
		{"token", made.Token},
		{"expires", made.TokenExpiresAt.Format(time.RFC3339)},
		{"refresh token", made.RefreshToken},
		{"expires", made.RefreshExpiresAt.Format(time.RFC3339)},
		{"join link", made.JoinLink},
	})
}
