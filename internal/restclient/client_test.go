package restclient

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCall(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer key" || r.Method == http.MethodPost && (string(body) != `{"a":1}` || r.Header.Get("Content-Type") != "application/json") {
			t.Errorf("%s %v %s", r.Method, r.Header, body)
		}
		switch r.URL.Path {
		case "/v2/made":
			_, _ = io.WriteString(w, `{"data": {"id": "x"}}`)
		case "/v2/gone":
			w.WriteHeader(http.StatusNoContent)
		case "/v2/refused":
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"errors": [{"code": "10027", "detail": "It has ended."}]}`)
		default:
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `<html>`)
		}
	}))
	defer server.Close()
	c := &Client{URL: server.URL + "/", Key: "key", HTTP: server.Client()}
	var made struct{ ID string }
	if err := c.Call(t.Context(), http.MethodPost, "/made", map[string]int{"a": 1}, &made); err != nil || made.ID != "x" {
		t.Errorf("%v, %+v", err, made)
	}
	if err := c.Call(t.Context(), http.MethodDelete, "/gone", nil, nil); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]StatusError{
		"/refused": {422, "10027", "It has ended."},
		"/proxy":   {Status: 502},
	} {
		err := c.Call(t.Context(), http.MethodGet, path, nil, nil)
		if refused, ok := errors.AsType[*StatusError](err); !ok || *refused != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
