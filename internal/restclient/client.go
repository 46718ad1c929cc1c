// Package restclient calls Rotunda's REST API, for the programs of ours that are clients of a server: those that load it, examine it or rehearse it.
package restclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 4 << 20

// Client calls one server with one API key. It is safe for concurrent use.
type Client struct {
	URL  string // of the server, such as http://127.0.0.1:8080
	Key  string // an API key
	HTTP *http.Client
}

// StatusError is an answer that is no success.
type StatusError struct {
	Status int    // of HTTP
	Code   string // of the first error of the answer, such as "10027"; empty if it names none
	Detail string // what the answer says of it
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answers %d", e.Status)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Call makes one request below /v2, with a body of JSON unless it is nil, and decodes the data of the answer into data unless that is nil.
// An answer that is no success is a *StatusError.
func (c *Client) Call(ctx context.Context, method, path string, body, data any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+"/v2"+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.Key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	_, answer, err := Do(c.HTTP, request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if data == nil {
		return nil
	}
	if err := json.Unmarshal(answer, &struct {
		Data any `json:"data"`
	}{data}); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return nil
}

// Do makes a request and reads the answer. One that is no success is a *StatusError.
func Do(client *http.Client, request *http.Request) (http.Header, []byte, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, nil, err
	}
	if response.StatusCode < http.StatusMultipleChoices {
		return response.Header, answer, nil
	}
	return nil, nil, refusal(response.StatusCode, answer)
}

func refusal(status int, answer []byte) error {
	refused := &StatusError{Status: status}
	var said struct {
		Errors []struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(answer, &said) == nil && len(said.Errors) > 0 {
		refused.Code, refused.Detail = said.Errors[0].Code, said.Errors[0].Detail
	}
	return refused
}
