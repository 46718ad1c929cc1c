package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// How values of settings are read from text. Each refuses what cannot be used in words that follow the name of the setting.

func hostPort(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("must be HOST:PORT, such as 127.0.0.1:8080 or :8080")
	}
	return s, nil
}

func hostPortOrOff(s string) (string, error) {
	if s == "off" || s == "false" { // YAML reads a bare off as false
		return "", nil
	}
	if _, err := hostPort(s); err != nil {
		return "", fmt.Errorf("must be HOST:PORT, such as 127.0.0.1:9464, or off")
	}
	return s, nil
}

func filled(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("must not be empty")
	}
	return s, nil
}

// databaseURL does not repeat what it was given, because a password is in it.
func databaseURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || strings.Trim(u.Path, "/") == "" {
		return "", fmt.Errorf("must be the address of a PostgreSQL database, such as postgres://user:password@host:5432/rotunda")
	}
	return s, nil
}

func webAddress(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("must be a whole address, such as https://video.example.com")
	}
	if strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("must not have a path: the server needs a host name of its own")
	}
	u.Path = ""
	return u, nil
}

func origin(s string) (string, error) {
	u, err := webAddress(s)
	if err != nil {
		return "", fmt.Errorf("must be an origin, such as https://app.example.com")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func yesOrNo(s string) (bool, error) {
	switch s {
	case "true", "on", "1":
		return true, nil
	case "false", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("must be true or false")
}

func headerText(s string) (string, error) {
	for _, c := range s {
		if c < ' ' || c > '~' {
			return "", fmt.Errorf("must be printable ASCII")
		}
	}
	return filled(strings.TrimSpace(s))
}

func rootKey(s string) ([]byte, error) {
	key, err := auth.ParseRootKey(s)
	if err != nil {
		return nil, fmt.Errorf("must be 32 random bytes in base64, such as 'openssl rand -base64 32' prints")
	}
	return key, nil
}

func number(lowest, highest int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < lowest || n > highest {
			return 0, fmt.Errorf("must be a whole number from %d to %d", lowest, highest)
		}
		return n, nil
	}
}

func duration(lowest, highest time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < lowest || d > highest {
			return 0, fmt.Errorf("must be a time from %s to %s, such as 5s or 2m", brief(lowest), brief(highest))
		}
		return d, nil
	}
}

// brief writes a time as one would in a setting: 1h, not 1h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// iceServers does not repeat what it was given, because passwords are in it.
func iceServers(c *Config, value any) error {
	var written []string
	if err := list(func(*Config) *[]string { return &written }, filled)(c, value); err != nil {
		return err
	}
	c.ICEServers = nil
	for i, one := range written {
		server, err := iceServer(one)
		if err != nil {
			return fmt.Errorf("at place %d %w", i+1, err)
		}
		c.ICEServers = append(c.ICEServers, server)
	}
	return nil
}

// iceServer reads a URL of RFC 7064 or 7065. One of TURN has user and password before its host, with % before what would be
// mistaken.
func iceServer(s string) (video.ICEServer, error) {
	wrong := fmt.Errorf("must be like stun:stun.example.com:3478, or turn:user:password@turn.example.com?transport=udp")
	scheme, rest, _ := strings.Cut(s, ":")
	place := rest[strings.LastIndexByte(rest, '@')+1:]
	u, err := url.Parse("ice://" + rest)
	if err != nil || u.Hostname() == "" || u.Path != "" || u.Fragment != "" || strings.ContainsAny(place, `<>"`) {
		return video.ICEServer{}, wrong
	}
	server := video.ICEServer{URLs: []string{scheme + ":" + place}}
	switch scheme {
	case "stun", "stuns":
		if u.User != nil || u.RawQuery != "" {
			return video.ICEServer{}, wrong
		}
	case "turn", "turns":
		server.Username = u.User.Username()
		server.Credential, _ = u.User.Password()
		if server.Username == "" || server.Credential == "" {
			return video.ICEServer{}, wrong
		}
		if u.RawQuery != "" && u.RawQuery != "transport=udp" && u.RawQuery != "transport=tcp" {
			return video.ICEServer{}, wrong
		}
	default:
		return video.ICEServer{}, wrong
	}
	return server, nil
}

// network takes a single address for the network of it alone.
func network(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		var alone netip.Addr
		if alone, err = netip.ParseAddr(s); err == nil {
			alone = alone.Unmap().WithZone("")
			prefix = netip.PrefixFrom(alone, alone.BitLen())
		}
	}
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("must be a network, such as 10.0.0.0/8, or an address")
	}
	return prefix.Masked(), nil
}

func rateLimit(s string) (int, error) {
	if n, err := strconv.Atoi(s); err == nil && (n == 0 || n >= rest.MinRateLimit && n <= maxRateLimit) {
		return n, nil
	}
	return 0, fmt.Errorf("must be 0, or a whole number from %d to %d", rest.MinRateLimit, maxRateLimit)
}

const maxRateLimit = 1_000_000

func apiKey(s string) (string, error) {
	if auth.CheckAPIKey(s) != nil {
		return "", fmt.Errorf("must be 24 to 512 printable ASCII characters, without spaces")
	}
	return s, nil
}

func demoMode(s string) (DemoMode, error) {
	switch s {
	case "true", "on", "1": // ROTUNDA_DEMO=1 and YAML's own booleans
		return DemoLoopback, nil
	case "false", "0":
		return DemoOff, nil
	}
	mode := DemoMode(s)
	if !slices.Contains([]DemoMode{DemoOff, DemoLoopback, DemoPublic}, mode) {
		return "", fmt.Errorf("must be off, loopback or public")
	}
	return mode, nil
}

func logLevel(s string) (level slog.Level, err error) {
	name, err := oneOf("debug", "info", "warn", "error")(s)
	if err != nil {
		return 0, err
	}
	return level, level.UnmarshalText([]byte(name))
}

func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", fmt.Errorf("must be one of %s", strings.Join(words, ", "))
		}
		return s, nil
	}
}
