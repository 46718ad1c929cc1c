package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// result is what came of an attempt.
type result struct {
	attempt    video.Attempt
	verdict    verdict
	retryAfter time.Duration
	slow       bool // it ran out of time
}

// attempt makes one request. sent is called when the request is on its way, at most once. An error means that the attempt
// was cut short by the end of ctx, and nobody knows what came of it.
func (r *Relay) attempt(ctx context.Context, d video.Delivery, sent func()) (result, error) {
	target := r.config.Schedule.target(d, d.Step)
	began := r.config.Now()
	res := result{verdict: failed, attempt: video.Attempt{
		Number: d.AttemptCount + 1, URL: target, StartedAt: began, RequestHeader: [][2]string{}, ResponseHeader: [][2]string{},
	}}
	ctx, span := r.config.Traces.StartClient(ctx, "webhook", slog.String("event.id", d.ID), slog.String("event.type", string(d.Type)), slog.Int("attempt", res.attempt.Number))
	defer func() {
		if fault := res.fault(); fault != "" {
			span.Fail(fault)
		}
		span.End(nil)
	}()
	limited, cancel := context.WithTimeout(ctx, r.timeout(d))
	defer cancel()
	err := r.send(limited, d, &res, sent)
	if err != nil && ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	res.attempt.FinishedAt = r.config.Now()
	res.slow = limited.Err() != nil || err != nil && timedOut(err)
	return res, nil
}

// fault says why an attempt did not deliver, empty if it did.
func (res *result) fault() string {
	switch {
	case res.attempt.Delivered:
		return ""
	case res.attempt.ResponseStatus != 0:
		return fmt.Sprintf("answered %d", res.attempt.ResponseStatus)
	}
	return fmt.Sprintf("no answer %v", res.attempt.Errors)
}

// timeout is how long an attempt may take, from looking up the name to the answer's end.
func (r *Relay) timeout(d video.Delivery) time.Duration {
	if d.TimeoutSecs == nil || *d.TimeoutSecs <= 0 {
		return r.config.Timeout
	}
	return time.Duration(min(*d.TimeoutSecs, video.MaxWebhookTimeoutSecs)) * time.Second
}

// send fills in the result. Its error is the cause of the absence of an answer, which the result holds too, as a code.
func (r *Relay) send(ctx context.Context, d video.Delivery, res *result, sent func()) error {
	request, err := r.request(ctx, d, res)
	if err != nil {
		res.attempt.Errors = []int{faultOther}
		r.config.Logger.Warn("webhook cannot be sent", "delivery", d.ID, "error", err)
		return err
	}
	var connected atomic.Bool
	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { sent() },
	}))
	response, err := r.transport.RoundTrip(request)
	if err != nil {
		res.attempt.Errors = []int{errorFault(err, connected.Load())}
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// The status says it all; the body is for the log. Who does not come to its end is as slow as who says nothing.
	body, _ := io.ReadAll(io.LimitReader(response.Body, video.MaxResponseBody))
	res.verdict = statusVerdict(response.StatusCode)
	res.retryAfter = retryAfter(response.Header, r.config.Now())
	res.attempt.Delivered = res.verdict == delivered
	res.attempt.ResponseStatus = response.StatusCode
	res.attempt.ResponseHeader = pairs(response.Header)
	res.attempt.ResponseBody = body
	res.attempt.Errors = statusFaults(response.StatusCode)
	return nil
}

func (r *Relay) request(ctx context.Context, d video.Delivery, res *result) (*http.Request, error) {
	target, err := url.Parse(res.attempt.URL)
	if err != nil {
		return nil, err
	}
	if target.Host == "" || target.Scheme != "https" && target.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of the web", res.attempt.URL)
	}
	event, err := r.withMedia(d.Event)
	if err != nil {
		return nil, err
	}
	body, err := encode(event, res.attempt.Number, res.attempt.URL)
	if err != nil {
		return nil, err
	}
	signed, err := sign(ctx, r.config.Signer, d.Event, res.attempt.StartedAt, body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	headers := slices.Concat([][2]string{{"content-type", "application/json"}, {"user-agent", r.config.UserAgent}}, signed)
	for _, header := range headers {
		request.Header.Set(header[0], header[1])
	}
	res.attempt.RequestHeader = headers
	if user := target.User; user != nil { // not among the headers kept
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	return request, nil
}

// pairs are the headers of an answer by name.
func pairs(header http.Header) [][2]string {
	all := [][2]string{}
	for name, values := range header {
		for _, value := range values {
			all = append(all, [2]string{strings.ToLower(name), value})
		}
	}
	slices.SortStableFunc(all, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return all
}

var errClosing = errors.New("the server is stopping")
