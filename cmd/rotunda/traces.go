package main

import (
	"context"
	"fmt"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/observe"
)

// lastTraces is how long a stop waits for the collector.
const lastTraces = 2 * time.Second

// openTraces has spans made, if the operator named a collector.
func (h *house) openTraces(ctx context.Context) (err error) {
	if h.config.OTLPEndpoint == nil {
		return nil
	}
	h.traces, err = observe.NewTracer(ctx, observe.TraceConfig{
		Endpoint: h.config.OTLPEndpoint, Headers: h.config.OTLPHeaders, Ratio: h.config.TraceRatio, Version: version, Logger: h.log,
	})
	if err != nil {
		return fmt.Errorf("%w: see to --otlp-endpoint", err)
	}
	h.later(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), lastTraces)
		defer cancel()
		if err := h.traces.Close(ctx); err != nil {
			h.log.Warn("the last traces were not sent", "error", err)
		}
		return nil
	})
	return nil
}

func collector(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("must be the address of a collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318")
	}
	return u, nil
}

// otlpHeaders reads headers written as Name=value.
func otlpHeaders(c *Config, value any) error {
	var written []string
	if err := list(func(*Config) *[]string { return &written }, headerText)(c, value); err != nil {
		return fmt.Errorf("must be headers such as Authorization=Basic%%20YTpi, separated by commas")
	}
	headers := make(map[string]string, len(written))
	for _, one := range written {
		name, value, found := strings.Cut(one, "=")
		value, err := url.PathUnescape(value)
		if !found || name == "" || err != nil || textproto.TrimString(name) != name || strings.ContainsAny(name, " :") || strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("must be headers such as Authorization=Basic%%20YTpi, separated by commas")
		}
		headers[name] = value
	}
	c.OTLPHeaders = headers
	return nil
}

func ratio(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n >= 0 && n <= 1) {
		return 0, fmt.Errorf("must be a part of one, from 0 to 1")
	}
	return n, nil
}
