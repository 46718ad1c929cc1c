// Command participant takes part in a room as a native client does, for tests in other languages. It writes what happens to
// standard output, a JSON object a line, and leaves when its standard input ends:
//
//	{"event":"joined","session_id":"…","participant_id":"…"}
//	{"event":"published","stream_id":"…"}
//	{"event":"notice","notice":{"type":"stream_updated",…}}
//	{"event":"refused","code":"unauthorized","message":"…"}
//	{"event":"closed","code":4001,"reason":"kicked"}
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type options struct {
	url     string // of the server, such as http://127.0.0.1:8080
	token   string
	id      string
	context string
	audio   bool
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "http://127.0.0.1:8080", "the server's `address`")
	flag.StringVar(&o.token, "token", os.Getenv("PARTICIPANT_TOKEN"), "client `token` (default $PARTICIPANT_TOKEN)")
	flag.StringVar(&o.id, "id", newID(), "participant `id` (default: a new one)")
	flag.StringVar(&o.context, "context", "", "the application's own `string`")
	flag.BoolVar(&o.audio, "audio", false, "publish a stream of silence under the key \"self\"")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := take(ctx, o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "participant:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// take takes part until the server closes the connection, which it does after in has ended. A refusal is told, and is no
// error: being refused is what some tests are about.
func take(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	tell := &teller{to: json.NewEncoder(out)}
	c, err := dial(ctx, o.url)
	if err != nil {
		return err
	}
	defer c.close()
	var sending sync.WaitGroup
	defer sending.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := enter(ctx, c, o, tell, &sending); err != nil {
		if refused, ok := errors.AsType[*refusal](err); ok {
			tell.say(fact{"event": "refused", "code": refused.Code, "message": refused.Message})
			return c.listen(ctx, tell)
		}
		return err
	}
	go func() { // ends with the process: a read of standard input cannot be broken off
		_, _ = io.Copy(io.Discard, in)
		_ = c.send(ctx, "leave", fact{})
	}()
	return c.listen(ctx, tell)
}

// enter says hello, joins, and publishes if that was asked for.
func enter(ctx context.Context, c *conn, o options, tell *teller, sending *sync.WaitGroup) error {
	if _, err := c.ask(ctx, tell, "hello", fact{"version": 1, "token": o.token}); err != nil {
		return err
	}
	join := fact{"participant_id": o.id}
	if o.context != "" {
		join["context"] = o.context
	}
	joined, err := c.ask(ctx, tell, "join", join)
	if err != nil {
		return err
	}
	tell.say(fact{"event": "joined", "session_id": joined["session_id"], "participant_id": joined["participant_id"]})
	if !o.audio {
		return nil
	}
	id, err := publish(ctx, c, tell, sending)
	if err == nil {
		tell.say(fact{"event": "published", "stream_id": id})
	}
	return err
}

// fact is a JSON object.
type fact map[string]any

// teller writes facts, one a line.
type teller struct{ to *json.Encoder }

func (t *teller) say(f fact) {
	if err := t.to.Encode(f); err != nil {
		os.Exit(1) // nobody listens any more
	}
}
