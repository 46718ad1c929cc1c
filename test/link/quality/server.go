//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// server is a video server that runs on the near side, with a room in it.
type server struct {
	name  string         // also of the module of the page that speaks with it
	where map[string]any // what that module is given
	log   string         // a file
	// process and its end
	command *exec.Cmd
	ended   chan error
}

const (
	webPort   = 8080
	janusPort = 8188
	apiKey    = "a-key-for-one-measurement-only"
	startTime = 20 * time.Second
)

// startRotunda starts our server.
func startRotunda(ctx context.Context, in *link.Namespace, address netip.Addr, binary, folder string) (*server, error) {
	base := fmt.Sprintf("http://%s:%d", address, webPort)
	s, err := startServer(in, folder, "rotunda", binary, "serve", "--data", filepath.Join(folder, "data"),
		"--http", fmt.Sprintf("%s:%d", address, webPort), "--rtc-udp-port", "0", "--log-level", "info")
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: in.DialContext, DisableKeepAlives: true}, Timeout: startTime}
	var room struct{ ID string }
	var token struct{ Token string }
	err = s.await(ctx, func(ctx context.Context) error { return get(ctx, client, base+"/healthz") })
	if err == nil {
		err = post(ctx, client, base+"/v2/rooms", &room)
	}
	if err == nil {
		err = post(ctx, client, base+"/v2/rooms/"+room.ID+"/actions/generate_join_client_token", &token)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.where = map[string]any{"serverUrl": base, "roomId": room.ID, "clientToken": token.Token}
	return s, nil
}

// startJanus starts Debian's Janus with its videoroom, as an operator would who lets people send what they like.
func startJanus(ctx context.Context, in *link.Namespace, address netip.Addr, folder string) (*server, error) {
	program, err := findProgram("janus")
	if err != nil {
		return nil, err
	}
	for name, content := range map[string]string{
		"janus.jcfg": `general: { debug_level = 4 }
plugins: { disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so" }
transports: { disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
events: { broadcast = false }
`,
		"janus.transport.websockets.jcfg": fmt.Sprintf("general: { ws = true\n ws_port = %d\n ws_ip = \"%s\"\n wss = false }\n", janusPort, address),
		"janus.plugin.videoroom.jcfg":     "room-1: { description = \"call\"\n publishers = 6\n bitrate = 4000000\n videocodec = \"vp8\" }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	s, err := startServer(in, folder, "janus", program, "--configs-folder", folder, "--disable-colors")
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("%s:%d", address, janusPort)
	err = s.await(ctx, func(ctx context.Context) error {
		conn, err := in.DialContext(ctx, "tcp4", at)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.where = map[string]any{"url": "ws://" + at, "room": 1}
	return s, nil
}

func startServer(in *link.Namespace, folder, name, program string, args ...string) (*server, error) {
	s := &server{name: name, log: filepath.Join(folder, name+".log"), ended: make(chan error, 1)}
	out, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	s.command = exec.Command(program, args...) //nolint:noctx // stop ends it, whatever became of the context
	s.command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "ROTUNDA_API_KEY=" + apiKey}
	s.command.Stdout, s.command.Stderr = out, out
	if err := in.Do(s.command.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { s.ended <- s.command.Wait() }()
	return s, nil
}

// await waits until the server answers.
func (s *server) await(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return until(ctx, s.name+" answers", func() (bool, error) {
		err := ask(ctx)
		return err == nil, err
	})
}

// stop ends the server as an operator would.
func (s *server) stop() error {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		if err != nil && s.name == "rotunda" { // Janus may end as it likes
			return fmt.Errorf("%s ended with %w", s.name, err)
		}
		return nil
	case <-time.After(15 * time.Second):
		_ = s.command.Process.Kill()
		return errors.Join(fmt.Errorf("%s did not stop within 15 s", s.name), <-s.ended)
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	return ask(ctx, client, http.MethodGet, url, nil)
}

// post makes something with default settings and decodes what was made.
func post(ctx context.Context, client *http.Client, url string, data any) error {
	var envelope struct{ Data json.RawMessage }
	if err := ask(ctx, client, http.MethodPost, url, &envelope); err != nil {
		return err
	}
	return json.Unmarshal(envelope.Data, data)
}

func ask(ctx context.Context, client *http.Client, method, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	switch {
	case response.StatusCode >= 300:
		return fmt.Errorf("%s: %d %s", url, response.StatusCode, content)
	case into == nil:
		return nil
	}
	return json.Unmarshal(content, into)
}
