package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// apiKey is an admin key.
const apiKey = "KEY-of-the-load-generator-0000001"

// client speaks REST over connections that are kept.
type client struct {
	base string
	http *http.Client
}

func newClient(url string) *client {
	return &client{url + "/v2", &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxUnderWay}}}
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
	request.Header.Set("Authorization", "Bearer "+apiKey)
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
