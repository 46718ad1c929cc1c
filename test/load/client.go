package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// client speaks REST over connections that are kept.
type client struct{ restclient.Client }

// newClient makes an API key, which the server keeps in its database, and a client that uses it.
func newClient(ctx context.Context, server *rig.Server) (*client, error) {
	key, err := server.Run(ctx, "key", "create", "--name", "load")
	if err != nil {
		return nil, err
	}
	return &client{restclient.Client{
		URL: server.URL, Key: strings.TrimSpace(string(key)),
		HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxUnderWay}},
	}}, nil
}

// make sends a request with a body and returns the object it answers.
func (c *client) make(ctx context.Context, method, path string, body rig.Object) (made rig.Object, err error) {
	err = c.Call(ctx, method, path, body, &made)
	return made, err
}
