//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// control takes orders over a Unix socket, a line each, and answers each with a line.
type control struct {
	listener net.Listener
	running  sync.WaitGroup
	stop     context.CancelFunc
}

func listen(ctx context.Context, path string, l *link.Link) (*control, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	c := &control{listener: listener, stop: stop}
	c.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.running.Go(func() { serve(ctx, conn, l) })
		}
	})
	return c, nil
}

func (c *control) close() {
	c.stop()
	_ = c.listener.Close()
	c.running.Wait()
}

func serve(ctx context.Context, conn net.Conn, l *link.Link) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		fmt.Fprintln(conn, answer(l, strings.TrimSpace(lines.Text())))
	}
}

func answer(l *link.Link, order string) string {
	if order == "state" {
		up, down, err := l.State()
		if err != nil {
			return "error: " + err.Error()
		}
		return fmt.Sprintf("up %s; down %s", counts(up), counts(down))
	}
	if err := l.Apply(order); err != nil {
		return "error: " + err.Error()
	}
	return "ok"
}

func counts(s link.State) string {
	return fmt.Sprintf("came %d passed %d lost %d overflown %d bytes %d late %d backlog %v",
		s.Came, s.Passed, s.Lost, s.Overflown, s.Bytes, s.Late, s.Backlog)
}
