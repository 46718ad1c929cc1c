package main

import (
	"context"
	"strconv"

	"github.com/rotunda-rtc/rotunda/internal/doctor"
	"github.com/rotunda-rtc/rotunda/internal/rest"
)

// checks looks at what this running server has of its machine.
func (h *house) checks(ctx context.Context) []rest.SystemCheck {
	m := &machine{config: h.config, running: true}
	m.held("media port, UDP", h.engine.Port(), "--rtc-udp-port", "media goes by UDP where the network lets it")
	m.held("media port, TCP", h.engine.TCPPort(), "--rtc-tcp-port", "clients without UDP come by TCP")
	relay := 0
	if h.turn != nil {
		relay = h.turn.Port()
	}
	m.held("relay (TURN)", relay, "--turn-port", "for clients that reach nothing else")
	m.address(ctx)
	m.certificate()
	m.disk(h.config.Data)
	m.clock()
	m.buffers()
	m.tools(ctx)
	m.signIn(ctx, h.provider)
	all := make([]rest.SystemCheck, len(m.report))
	for i, c := range m.report {
		all[i] = rest.SystemCheck{Name: c.Name, Level: string(c.Level), Found: c.Found, Setting: c.Setting}
	}
	return all
}

// held looks at a port that this server has, or has not.
func (m *machine) held(name string, port int, setting, use string) {
	if port == 0 {
		m.note(name, doctor.Warn, setting, "off: clients that need it cannot come in")
		return
	}
	m.note(name, doctor.OK, "", "%s: %s", strconv.Itoa(port), use)
}
