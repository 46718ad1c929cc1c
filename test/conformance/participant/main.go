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

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/test/rig"
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
	flag.StringVar(&o.id, "id", video.NewUUID(), "participant `id` (default: a new one)")
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
	socket, err := rig.Dial(ctx, o.url, tell.notice)
	if err != nil {
		return err
	}
	defer socket.Close()
	var sending sync.WaitGroup
	defer sending.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err = enter(ctx, socket, o, tell, &sending)
	refused, isRefusal := errors.AsType[*rig.RefusalError](err)
	switch {
	case isRefusal:
		tell.say(rig.Object{"event": "refused", "code": refused.Code, "message": refused.Message})
	case err != nil:
		return err
	default:
		go func() { // ends with the process: a read of standard input cannot be broken off
			_, _ = io.Copy(io.Discard, in)
			_ = socket.Send(ctx, "leave", rig.Object{})
		}()
	}
	err = socket.Listen(ctx)
	if closed, ok := errors.AsType[*rig.ClosedError](err); ok {
		tell.say(rig.Object{"event": "closed", "code": closed.Code, "reason": closed.Reason})
		return nil
	}
	return err
}

// enter says hello, joins, and publishes if that was asked for.
func enter(ctx context.Context, socket *rig.Socket, o options, tell *teller, sending *sync.WaitGroup) error {
	if _, err := socket.Ask(ctx, "hello", rig.Object{"version": 1, "token": o.token}); err != nil {
		return err
	}
	join := rig.Object{"participant_id": o.id}
	if o.context != "" {
		join["context"] = o.context
	}
	joined, err := socket.Ask(ctx, "join", join)
	if err != nil {
		return err
	}
	tell.say(rig.Object{"event": "joined", "session_id": joined["session_id"], "participant_id": joined["participant_id"]})
	if !o.audio {
		return nil
	}
	id, err := publish(ctx, socket, sending)
	if err == nil {
		tell.say(rig.Object{"event": "published", "stream_id": id})
	}
	return err
}

// teller writes what happens, a JSON object a line.
type teller struct{ to *json.Encoder }

func (t *teller) say(what rig.Object) {
	if err := t.to.Encode(what); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

func (t *teller) notice(content []byte) {
	t.say(rig.Object{"event": "notice", "notice": json.RawMessage(content)})
}
