//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// flow is a TCP connection that sends as much as it can, with the machine's own congestion control.
type flow struct {
	from, to *link.Namespace
	at       func() netip.Addr // where to listens
	received atomic.Int64      // bytes
}

// run lets it flow from one time until another.
func (f *flow) run(ctx context.Context, from, until time.Time) error {
	wait := time.NewTimer(time.Until(from))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return nil
	}
	listener, err := f.to.Listen(ctx, "tcp4", f.at().String()+":0")
	if err != nil {
		return fmt.Errorf("competing flow: %w", err)
	}
	defer func() { _ = listener.Close() }()
	out, err := f.from.DialContext(ctx, "tcp4", listener.Addr().String())
	if err != nil {
		return fmt.Errorf("competing flow: %w", err)
	}
	in, err := listener.Accept()
	if err != nil {
		return errors.Join(err, out.Close())
	}
	_ = out.SetDeadline(until)
	_ = in.SetDeadline(until)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for block := make([]byte, 64<<10); ; {
			if _, err := out.Write(block); err != nil {
				return // it is time
			}
		}
	}()
	for block := make([]byte, 64<<10); ; {
		n, err := in.Read(block)
		f.received.Add(int64(n))
		if err != nil {
			break
		}
	}
	<-sent
	return errors.Join(in.Close(), out.Close())
}
