package events

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Codes of what is wrong with an attempt, from the reference's published table.
const (
	faultOther         = 75000
	faultName          = 75001 // not resolved
	faultConnection    = 75002 // none, or not allowed
	faultCertificate   = 75003
	faultExpired       = 75004
	faultNameMismatch  = 75005
	faultUntrustedRoot = 75006
	faultRedirect      = 75300
	faultBadRequest    = 75400
	faultNotFound      = 75404
	faultOtherClient   = 75499
	faultServer        = 75500
	faultOtherServer   = 75599
)

// statusFaults are the codes for an answer; none if it delivered.
func statusFaults(status int) []int {
	switch {
	case status >= 200 && status < 300:
		return []int{}
	case status >= 300 && status < 400:
		return []int{faultRedirect}
	case status == http.StatusBadRequest:
		return []int{faultBadRequest}
	case status == http.StatusNotFound:
		return []int{faultNotFound}
	case status >= 400 && status < 500:
		return []int{faultOtherClient}
	case status == http.StatusInternalServerError:
		return []int{faultServer}
	case status > 500 && status < 600:
		return []int{faultOtherServer}
	}
	return []int{faultOther}
}

// statusVerdict says whether to try the same URL again.
func statusVerdict(status int) verdict {
	switch {
	case status >= 200 && status < 300:
		return delivered
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return failed
	case status >= 400 && status < 500:
		return refused
	}
	return failed
}

// errorFault is the code for an attempt that got no answer.
func errorFault(err error, connected bool) int {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return faultName
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return faultNameMismatch
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return faultUntrustedRoot
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return faultExpired
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return faultCertificate
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return faultCertificate
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return faultCertificate
	}
	if !connected {
		return faultConnection
	}
	return faultOther
}

func timedOut(err error) bool {
	if wait, ok := errors.AsType[net.Error](err); ok && wait.Timeout() {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3), in seconds or as a date; 0 without a sensible one.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if secs, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(secs) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
