package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// client speaks REST over connections that are kept.
type client struct {
	base, key string
	http      *http.Client
}

// newClient makes an API key, which the server keeps in its database, and a client that uses it.
func newClient(ctx context.Context, server *rig.Server) (*client, error) {
	key, err := server.Run(ctx, "key", "create", "--name", "load")
	if err != nil {
		return nil, err
	}
	return &client{
		server.URL + "/v2", strings.TrimSpace(string(key)),
		&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxUnderWay}},
	}, nil
}

// refused is an answer of 4xx or 5xx.
type refused struct {
	status int
	body   string
}

func (r *refused) Error() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// call sends one request and returns the data of the answer, if it is an object. A nil body is none.
func (c *client) call(ctx context.Context, method, path string, body rig.Object) (rig.Object, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, &refused{response.StatusCode, string(raw)}
	}
	if method == http.MethodGet || len(raw) == 0 {
		return nil, nil // nobody reads it: parsing would cost the generator more than asking
	}
	var answer struct {
		Data rig.Object `json:"data"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	return answer.Data, nil
}
