package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// greeting is what serve prints once everything runs.
type greeting struct {
	config    *Config
	listening string // where the public listener is
	mediaPort int
	tcpPort   int // of ICE-TCP; 0: none
	turnPort  int // 0: none
	fresh     bool
	apiKey    string // made by this start; empty otherwise
	setup     string // the secret of the link that makes the owner; empty once there is one
	demo      string // the secret of the demo link; empty without a demo room
}

// print writes six quiet lines, the setup link until there is an owner, and a warning where one is due.
func (g *greeting) print(w io.Writer) error {
	data, err := filepath.Abs(g.config.Data)
	if err != nil {
		data = g.config.Data
	}
	if g.fresh {
		data += " (made now)"
	}
	at := g.config.baseURL(g.listening)
	lines := [][2]string{
		{"rotunda", version},
		{"web", at},
		{"data", data},
		{"media", g.ports()},
	}
	switch {
	case g.apiKey != "":
		lines = append(lines, [2]string{"API key", g.apiKey + "  (keep it: it is shown only now)"})
	case g.config.APIKey != "":
		lines = append(lines, [2]string{"API key", "the one configured"})
	default:
		lines = append(lines, [2]string{"API key", "make another with: rotunda key create --data " + g.config.Data})
	}
	for _, warning := range g.config.warnings() {
		lines = append(lines, [2]string{"warning", warning})
	}
	if g.setup != "" {
		lines = append(lines, [2]string{"setup", at + "/portal/setup#" + g.setup + "  (makes the owner of the portal, once)"})
	}
	if g.demo != "" {
		lines = append(lines, [2]string{"open", at + "/#demo=" + g.demo})
	} else {
		lines = append(lines, [2]string{"API", at + "/docs"})
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "%-8s %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

// ports are what firewalls must let through.
func (g *greeting) ports() string {
	all := "UDP port " + strconv.Itoa(g.mediaPort)
	if g.tcpPort != 0 {
		all += ", TCP port " + strconv.Itoa(g.tcpPort)
	}
	if g.turnPort != 0 {
		all += ", relay port " + strconv.Itoa(g.turnPort)
	}
	return all
}

// baseURL is what absolute URLs begin with: what the operator said, or else the address the server listens on.
func (c *Config) baseURL(listening string) string {
	if c.PublicURL != nil {
		return c.PublicURL.String()
	}
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "http://" + listening
	}
	if configured, _, err := net.SplitHostPort(c.HTTP); err == nil && configured == "localhost" {
		host = configured
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = outwardAddress()
	}
	if len(c.ACMEDomains) > 0 {
		host = c.ACMEDomains[0]
	}
	at := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	if c.servesTLS() {
		at.Scheme = "https"
		at.Host = strings.TrimSuffix(at.Host, ":443")
	}
	return at.String()
}

// publicURL is what rest builds links from. On loopback it is left to the host that the request names.
func (c *Config) publicURL(listening string) string {
	if c.PublicURL == nil && len(c.ACMEDomains) == 0 && onLoopback(c.HTTP) {
		return ""
	}
	return c.baseURL(listening)
}

// warnings are about settings that work, but probably not as meant.
func (c *Config) warnings() []string {
	var all []string
	switch {
	case onLoopback(c.HTTP), c.PublicURL != nil, len(c.ACMEDomains) > 0:
	case c.servesTLS():
		all = append(all, "links name this machine's address: set --public-url to the name the certificate is for")
	default:
		all = append(all, "browsers give cameras to HTTPS pages only: set --acme-domains or --tls-cert, or put a proxy with a certificate in front and set --public-url")
	}
	return all
}

// outwardAddress is an address of this machine that others may reach, or localhost if it has none.
func outwardAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "localhost"
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr().String()
		}
	}
	return "localhost"
}
