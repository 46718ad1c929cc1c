package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/rotunda-rtc/rotunda/internal/compose"
	"github.com/rotunda-rtc/rotunda/internal/doctor"
	"github.com/rotunda-rtc/rotunda/internal/record"
)

// wantedBuffer is what the kernel should grant to each media socket in either direction, in bytes.
const wantedBuffer = 4 << 20

// machine is a look at the machine of a server.
type machine struct {
	config  *Config
	running bool // the server is, so it has its ports
	report  doctor.Report
}

// examineMachine looks at what a server with these settings needs of this machine.
func examineMachine(ctx context.Context, c *Config) doctor.Report {
	m := &machine{config: c}
	m.data()
	m.ports(ctx)
	m.buffers()
	m.address(ctx)
	m.certificate()
	m.clock()
	m.tools(ctx)
	return m.report
}

func (m *machine) note(name string, level doctor.Level, setting, format string, args ...any) {
	if level == doctor.OK {
		setting = ""
	}
	m.report = append(m.report, doctor.Check{Name: name, Level: level, Found: fmt.Sprintf(format, args...), Setting: setting})
}

// data looks at the directory of everything that is kept, and whether a server uses it.
func (m *machine) data() {
	dir := m.config.Data
	about, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		m.note("data directory", doctor.OK, "", "%s will be made at the first start", dir)
	case err != nil:
		m.note("data directory", doctor.Fail, "--data", "%v", err)
	case !about.IsDir():
		m.note("data directory", doctor.Fail, "--data", "%s is a file", dir)
	default:
		m.running = inUse(dir)
		if probe, err := os.CreateTemp(dir, ".doctor-*"); err != nil {
			m.note("data directory", doctor.Fail, "--data, or the user the server runs as", "this user cannot write to %s", dir)
		} else {
			_ = probe.Close()
			_ = os.Remove(probe.Name())
			m.note("data directory", doctor.OK, "", "%s%s", dir, map[bool]string{true: ", a server is running"}[m.running])
		}
		m.disk(dir)
	}
}

// inUse reports whether a server holds the lock of a data directory.
func inUse(dir string) bool {
	path := filepath.Join(dir, "rotunda.lock")
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock := flock.New(path)
	held, err := lock.TryLock()
	if err == nil && held {
		_ = lock.Unlock()
	}
	return err == nil && !held
}

func (m *machine) disk(dir string) {
	free, total, err := record.DiskSpace(dir)
	least := record.LeastFree(m.config.RecordingMinFree, total)
	switch {
	case err != nil:
		m.note("disk", doctor.Warn, "--data", "cannot be asked how much is free: %v", err)
	case free < least:
		m.note("disk", doctor.Fail, "--recording-min-free, --recording-retention", "%d MiB free of %d: nothing is recorded below %d", free>>20, total>>20, least>>20)
	case free < 2*least:
		m.note("disk", doctor.Warn, "--recording-min-free, --recording-retention", "%d MiB free of %d: nothing is recorded below %d", free>>20, total>>20, least>>20)
	default:
		m.note("disk", doctor.OK, "", "%d MiB free of %d", free>>20, total>>20)
	}
}

// ports looks whether the server can have those that are set. While it runs it has them.
func (m *machine) ports(ctx context.Context) {
	c := m.config
	_, http, _ := net.SplitHostPort(c.HTTP)
	web, _ := strconv.Atoi(http)
	m.port(ctx, "web port", "tcp", c.HTTP, web, false, "--http")
	at := func(n int) string { return ":" + strconv.Itoa(n) }
	m.port(ctx, "media port, UDP", "udp4", at(c.RTCUDPPort), c.RTCUDPPort, false, "--rtc-udp-port")
	tcp, yields := c.RTCTCPPort, false
	if tcp == 0 {
		tcp, yields = c.RTCUDPPort, true
	}
	m.port(ctx, "media port, TCP", "tcp4", at(tcp), tcp, yields, "--rtc-tcp-port")
	relay, yields := c.TURN.Port, false
	if relay == portAuto {
		relay, yields = usualTURNPort, true
	}
	m.port(ctx, "relay, UDP", "udp4", at(relay), relay, yields, "--turn-port")
	m.port(ctx, "relay, TCP", "tcp4", at(relay), relay, yields, "--turn-port")
	if !c.servesTLS() || relay == portOff || c.TURN.TLSPort == portWeb {
		return
	}
	secure, yields := c.TURN.TLSPort, false
	if secure == portAuto {
		secure, yields = usualTURNTLSPort, true
	}
	m.port(ctx, "relay, TLS", "tcp4", at(secure), secure, yields, "--turn-tls-port")
}

// port looks at one. A setting that yields takes another port in its place.
func (m *machine) port(ctx context.Context, name, network, address string, number int, yields bool, setting string) {
	switch {
	case number == portOff:
		m.note(name, doctor.Warn, setting, "off: clients that need it cannot come in")
		return
	case number == 0:
		m.note(name, doctor.Warn, setting, "any free one at each start: no firewall can know it")
		return
	}
	err := bind(ctx, network, address)
	switch {
	case err == nil && m.running:
		m.note(name, doctor.Warn, setting, "%d is free, although a server is running: it has other settings", number)
	case err == nil:
		m.note(name, doctor.OK, "", "%d is free", number)
	case errors.Is(err, syscall.EADDRINUSE) && m.running:
		m.note(name, doctor.OK, "", "%d is in use, and a server is running", number)
	case errors.Is(err, syscall.EADDRINUSE) && yields:
		m.note(name, doctor.Warn, setting, "another program has %d: the server will take any free one", number)
	case errors.Is(err, syscall.EADDRINUSE):
		m.note(name, doctor.Fail, setting, "another program has %d", number)
	case errors.Is(err, syscall.EACCES):
		m.note(name, doctor.Fail, setting+", or let the server have ports below 1024 (CAP_NET_BIND_SERVICE)", "this user may not have %d", number)
	default:
		m.note(name, doctor.Fail, setting, "%v", err)
	}
}

func bind(ctx context.Context, network, address string) error {
	var lc net.ListenConfig
	if strings.HasPrefix(network, "udp") {
		conn, err := lc.ListenPacket(ctx, network, address)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	l, err := lc.Listen(ctx, network, address)
	if err == nil {
		err = l.Close()
	}
	return err
}

// buffers looks at what the kernel grants sockets, where it says so.
func (m *machine) buffers() {
	for _, which := range []string{"rmem_max", "wmem_max"} {
		raw, err := os.ReadFile("/proc/sys/net/core/" + which)
		if err != nil {
			m.note("net.core."+which, doctor.Skipped, "", "this system does not tell")
			continue
		}
		granted, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
		level := doctor.OK
		if granted < wantedBuffer {
			level = doctor.Warn
		}
		m.note("net.core."+which, level, fmt.Sprintf("sysctl -w net.core.%s=%d", which, wantedBuffer), "%d bytes for each socket", granted)
	}
}

// address looks at what clients are told to send media to.
func (m *machine) address(ctx context.Context) {
	const setting = "--rtc-public-ip, --rtc-stun"
	log := slog.New(slog.DiscardHandler)
	addresses := m.config.mediaAddresses(ctx, log)
	if m.config.RTCStun != "" && addresses == nil {
		m.note("public address", doctor.Fail, "--rtc-stun", "%s does not tell it", m.config.RTCStun)
		return
	}
	if len(addresses) == 0 {
		addresses = ownAddresses()
	}
	var names []string
	for _, a := range addresses {
		names = append(names, a.String())
	}
	v4, v6 := doctor.PublicFamilies(addresses)
	switch {
	case len(names) == 0 && m.config.clientsHere():
		m.note("public address", doctor.OK, "", "loopback only, and clients are on this machine")
	case len(names) == 0:
		m.note("public address", doctor.Fail, setting, "this machine has no address but those of loopback")
	case v6 && !v4 && !m.config.clientsHere():
		m.note("public address", doctor.Warn, setting, "%s: no public address of IPv4, which is all that many clients have", strings.Join(names, ", "))
	case !v4 && !m.config.clientsHere():
		m.note("public address", doctor.Warn, setting, "%s: private addresses, which clients elsewhere do not reach", strings.Join(names, ", "))
	default:
		m.note("public address", doctor.OK, "", "%s", strings.Join(names, ", "))
	}
}

// renewBefore is how long a certificate should be good for at least.
const renewBefore = 14 * 24 * time.Hour

func (m *machine) certificate() {
	c := m.config
	switch {
	case c.TLSCert != "":
		files, err := openCertificate(c.TLSCert, c.TLSKey, slog.New(slog.DiscardHandler))
		if err != nil {
			m.note("TLS certificate", doctor.Fail, "--tls-cert, --tls-key", "%v", err)
			return
		}
		leaf := files.current.Load().Leaf
		level := doctor.OK
		switch left := time.Until(leaf.NotAfter); {
		case left < 0:
			level = doctor.Fail
		case left < renewBefore:
			level = doctor.Warn
		}
		m.note("TLS certificate", level, "--tls-cert: renew it", "%s, until %s", strings.Join(leaf.DNSNames, ", "), leaf.NotAfter.UTC().Format("2 Jan 2006"))
	case len(c.ACMEDomains) > 0:
		m.note("TLS certificate", doctor.OK, "", "by ACME, for %s", strings.Join(c.ACMEDomains, ", "))
	case c.https():
		m.note("TLS certificate", doctor.OK, "", "the proxy's, at %s", c.PublicURL)
	case onLoopback(c.HTTP):
		m.note("TLS certificate", doctor.Skipped, "", "not needed on this machine")
	default:
		m.note("TLS certificate", doctor.Fail, "--acme-domains, --tls-cert, or a proxy with --public-url", "browsers give cameras to HTTPS pages only")
	}
}

func (m *machine) clock() {
	synchronised, known := clockSynchronised()
	switch {
	case !known:
		m.note("clock", doctor.Skipped, "", "this system does not tell whether it is kept right")
	case synchronised:
		m.note("clock", doctor.OK, "", "kept right by a time service")
	default:
		m.note("clock", doctor.Warn, "a time service (NTP), such as systemd-timesyncd", "no time service keeps it right")
	}
}

func (m *machine) tools(ctx context.Context) {
	if m.config.ComposeJobs == 0 {
		m.note("ffmpeg", doctor.Skipped, "", "not needed with --compose-jobs 0")
		return
	}
	found, err := compose.FindTools(ctx)
	if err != nil {
		m.note("ffmpeg", doctor.Warn, "install it, or --compose-jobs 0", "%v", err)
		return
	}
	m.note("ffmpeg", doctor.OK, "", "%s, version %s", found.FFmpeg, found.Version)
}
