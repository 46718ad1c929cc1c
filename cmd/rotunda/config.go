package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/rotunda-rtc/rotunda/internal/auth"
)

const (
	envPrefix    = "ROTUNDA_"
	keyDelimiter = "\x00" // keys are flat: nothing an operator writes splits one
)

// loadConfig puts the layers on each other: defaults, the YAML file, the environment, flags; the later wins. flags holds
// only those that were given, by key. Its errors are the operator's to mend.
func loadConfig(flags map[string]any, environ []string) (*Config, error) {
	c, err := layered(flags, environ)
	if err != nil {
		return nil, misuse{err}
	}
	return c, nil
}

func layered(flags map[string]any, environ []string) (*Config, error) {
	environment := koanf.New(keyDelimiter)
	err := environment.Load(env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" { // set to nothing is not set, as in most programs
				return "", nil
			}
			return strings.ToLower(strings.TrimPrefix(name, envPrefix)), value
		},
	}), nil)
	if err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	onCommandLine := koanf.New(keyDelimiter)
	if err := onCommandLine.Load(confmap.Provider(flags, ""), nil); err != nil {
		return nil, fmt.Errorf("read the flags: %w", err)
	}
	path := environment.String("config")
	if onCommandLine.Exists("config") {
		path = onCommandLine.String("config")
	}
	environment.Delete("config")
	onCommandLine.Delete("config")
	written, err := loadFile(path)
	if err != nil {
		return nil, err
	}
	c := defaultConfig()
	for _, layer := range []struct {
		values *koanf.Koanf
		source string
		name   func(key string) string // what the operator calls the key there
	}{
		{written, fromFile, func(key string) string { return path + ": " + key }},
		{environment, fromEnvironment, variableOf},
		{onCommandLine, fromFlag, flagOf},
	} {
		c.note(layer.values.Raw(), layer.source)
		if err := c.apply(layer.values.Raw(), layer.name); err != nil {
			return nil, err
		}
	}
	return c, c.check()
}

func loadFile(path string) (*koanf.Koanf, error) {
	k := koanf.New(keyDelimiter)
	if path == "" {
		return k, nil
	}
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		if _, isPath := errors.AsType[*os.PathError](err); isPath {
			return nil, fmt.Errorf("read settings: %w", err)
		}
		return nil, fmt.Errorf("read settings: %s is not YAML of the form key: value: %w", path, err)
	}
	return k, nil
}

// apply sets what one layer says. Every fault of the layer is reported, so that a file is mended once.
func (c *Config) apply(values map[string]any, name func(key string) string) error {
	var faults []error
	for _, key := range sortedKeys(values) {
		set, known := settings[key]
		if !known {
			faults = append(faults, fmt.Errorf("%s is not a setting%s", name(key), suggestion(key, name)))
			continue
		}
		if err := set(c, values[key]); err != nil {
			faults = append(faults, fmt.Errorf("%s %w", name(key), err))
		}
	}
	return errors.Join(faults...)
}

// check finds what is wrong between settings that are fine by themselves.
func (c *Config) check() error {
	if c.Demo == DemoLoopback && !onLoopback(c.HTTP) {
		return fmt.Errorf("the demo room would be open to everyone who reaches %s: listen on 127.0.0.1, or say --demo=public if that is wanted", c.HTTP)
	}
	if c.RTCStun != "" && len(c.RTCPublicIP) > 0 {
		return fmt.Errorf("--rtc-stun and --rtc-public-ip are two ways to one address: choose one")
	}
	if err := c.checkShare(); err != nil {
		return err
	}
	return c.checkTLS()
}

// clientsHere reports whether clients on this machine are to be expected, whose media may come over loopback. Behind a
// proxy they are elsewhere, and have nothing to look for at their own loopback addresses.
func (c *Config) clientsHere() bool {
	return c.Demo != DemoOff || onLoopback(c.HTTP) && c.PublicURL == nil
}

// onLoopback reports whether a listener at hostport is reached from this machine only.
func onLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func suggestion(key string, name func(string) string) string {
	nearest, best := "", len(key)/2+1
	for known := range settings {
		if d := editDistance(key, known); d < best || d == best && known < nearest {
			nearest, best = known, d
		}
	}
	if nearest == "" {
		return "; 'rotunda serve --help' lists them"
	}
	return "; did you mean " + name(nearest) + "?"
}

// editDistance is the number of letters to insert, delete or replace to get from a to b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// proxies are believed about the addresses of clients.
func (c *Config) proxies() *auth.Proxies {
	if len(c.TrustedProxies) == 0 {
		return nil
	}
	return auth.TrustProxies(c.TrustedProxies...)
}
