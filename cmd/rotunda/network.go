package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/turn"
)

// What a port may be besides a number. Each is only where its setting allows it.
const (
	portOff  = -1
	portAuto = -2
	portWeb  = -3 // the relay over TLS is on the web port
)

// portOr reads a port, or the words auto and off.
func portOr(auto int) func(string) (int, error) {
	return func(s string) (int, error) {
		switch s {
		case "auto":
			return auto, nil
		case "off", "false": // YAML reads a bare off as false
			return portOff, nil
		}
		n, err := number(0, 65535)(s)
		if err != nil {
			return 0, fmt.Errorf("must be a port from 0 to 65535, auto, or off")
		}
		return n, nil
	}
}

// webPortOr reads a port, or the words auto, off and web.
func webPortOr(s string) (int, error) {
	if s == "web" {
		return portWeb, nil
	}
	n, err := portOr(portAuto)(s)
	if err != nil {
		return 0, fmt.Errorf("must be a port from 0 to 65535, auto, web, or off")
	}
	return n, nil
}

// publicIPs reads addresses, and names of interfaces as the addresses those have now.
func publicIPs(c *Config, value any) error {
	var written []string
	if err := list(func(*Config) *[]string { return &written }, filled)(c, value); err != nil {
		return err
	}
	c.RTCPublicIP = nil
	for _, one := range written {
		found, err := publicIP(one)
		if err != nil {
			return fmt.Errorf("%q %w", one, err)
		}
		c.RTCPublicIP = append(c.RTCPublicIP, found...)
	}
	return nil
}

func publicIP(s string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(s); err == nil && !a.IsUnspecified() && !a.IsMulticast() && a.Zone() == "" {
		return []netip.Addr{a.Unmap()}, nil
	}
	i, err := net.InterfaceByName(s)
	if err != nil {
		return nil, fmt.Errorf("must be an IP address clients can reach, or an interface of this machine")
	}
	all, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("must be an interface whose addresses can be read: %w", err)
	}
	var found []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && !prefix.Addr().IsLinkLocalUnicast() {
			found = append(found, prefix.Addr().Unmap())
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("must be an interface that has an address")
	}
	return found, nil
}

// stunServer reads HOST:PORT, with stun: before it or not.
func stunServer(s string) (string, error) {
	at, err := hostPort(strings.TrimPrefix(s, "stun:"))
	if host, _, _ := net.SplitHostPort(at); err != nil || host == "" {
		return "", fmt.Errorf("must be HOST:PORT of a STUN server, such as stun.example.com:3478")
	}
	return at, nil
}

// hostName reads what stands for a machine in URLs: a name or an address.
func hostName(s string) (string, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && a.Zone() == "" {
		return a.String(), nil
	}
	if s == "localhost" {
		return s, nil
	}
	if name, err := domainName(s); err == nil {
		return name, nil
	}
	return "", fmt.Errorf("must be a host name or an IP address, such as turn.example.com")
}

// discovery is how long the STUN server has to tell the public address.
const discovery = 5 * time.Second

// mediaAddresses are those clients are told to send media to; empty: the machine's own. What a STUN server says goes before the
// machine's own, which are nearer to clients in the same network.
func (c *Config) mediaAddresses(ctx context.Context, log *slog.Logger) []netip.Addr {
	if c.RTCStun == "" {
		return c.RTCPublicIP
	}
	ctx, cancel := context.WithTimeout(ctx, discovery)
	defer cancel()
	public, err := turn.Discover(ctx, c.RTCStun)
	if err != nil {
		log.Warn("the public address was not found out: clients elsewhere may not reach the media port", "setting", "--rtc-stun", "error", err)
		return nil
	}
	log.Info("public address found out", "address", public, "server", c.RTCStun)
	return append([]netip.Addr{public}, slices.DeleteFunc(ownAddresses(), func(a netip.Addr) bool { return a == public })...)
}

// ownAddresses are those of this machine that others may reach.
func ownAddresses() []netip.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var own []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own
}
