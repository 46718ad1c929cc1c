//go:build linux

package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network of its own: interfaces, addresses, ports. It has no name; it is gone when nothing runs in it and nobody holds it.
type Namespace struct {
	handle *os.File
}

// Here is the namespace of this process, for tests whose server runs in the process itself.
func Here() (*Namespace, error) {
	handle, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open namespace: %w", err)
	}
	return &Namespace{handle}, nil
}

// NewNamespace makes one with nothing but its loopback interface.
func NewNamespace() (*Namespace, error) {
	var made *Namespace
	err := apart(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make namespace, for which root is needed: %w", err)
		}
		var err error
		if made, err = Here(); err != nil {
			return err
		}
		return raise("lo")
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// apart does something in a thread that is thrown away after it.
func apart(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- do()
	}()
	return <-done
}

// Do runs a function whose thread is in the namespace. Sockets that it makes itself, and processes that it starts, belong to the namespace for
// good; goroutines that it starts do not. So names cannot be looked up, but for addresses.
func (n *Namespace) Do(do func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(n.handle.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter namespace: %w", err)
		}
		return do()
	})
}

// DialContext connects from within the namespace. The address must be one of numbers.
func (n *Namespace) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if err := numeric(address); err != nil {
		return nil, err
	}
	err = n.Do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens for connections within the namespace. The address must be one of numbers.
func (n *Namespace) Listen(ctx context.Context, network, address string) (listener net.Listener, err error) {
	if err := numeric(address); err != nil {
		return nil, err
	}
	err = n.Do(func() error {
		listener, err = new(net.ListenConfig).Listen(ctx, network, address)
		return err
	})
	return listener, err
}

// ListenPacket listens for datagrams within the namespace. The address must be one of numbers.
func (n *Namespace) ListenPacket(ctx context.Context, network, address string) (conn net.PacketConn, err error) {
	if err := numeric(address); err != nil {
		return nil, err
	}
	err = n.Do(func() error {
		conn, err = new(net.ListenConfig).ListenPacket(ctx, network, address)
		return err
	})
	return conn, err
}

func numeric(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if net.ParseIP(host) == nil {
		return errors.New(address + " is not an address in numbers")
	}
	return nil
}

// Path leads other programs to the namespace, such as nsenter --net=PATH, for as long as it is held.
func (n *Namespace) Path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.handle.Fd())
}

// Close lets the namespace go.
func (n *Namespace) Close() error { return n.handle.Close() }
