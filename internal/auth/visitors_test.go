package auth

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func knock(remote string, forwarded ...string) *http.Request {
	r := &http.Request{RemoteAddr: remote, Header: http.Header{}}
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	return r
}

func TestVisitorsAreBounded(t *testing.T) {
	now := time.Now()
	v := NewVisitors(2, 50, nil, func() time.Time { return now })
	for i := range maxVisitors {
		if !v.Admit(knock(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))) {
			t.Fatalf("visitor %d was turned away", i)
		}
	}
	if v.Admit(knock("192.0.2.1:1")) {
		t.Error("one more was let in while all others were still remembered for a reason")
	}
	now = now.Add(time.Minute)
	if !v.Admit(knock("192.0.2.1:1")) {
		t.Error("nobody was forgotten")
	}
	if got := len(v.allowance); got != 1 {
		t.Errorf("%d are remembered", got)
	}
}

func TestVisitorsWaitOnceTheirAllowanceIsUsedUp(t *testing.T) {
	now := time.Now()
	v := NewVisitors(2, 3, nil, func() time.Time { return now })
	admitted := func(times int) (n int) {
		for range times {
			if v.Admit(knock("192.0.2.1:1")) {
				n++
			}
		}
		return n
	}
	if n := admitted(5); n != 3 {
		t.Errorf("%d of 5 came in at once, want 3", n)
	}
	now = now.Add(time.Second)
	if n := admitted(5); n != 2 {
		t.Errorf("%d of 5 came in a second later, want 2", n)
	}
	v.Welcome(knock("192.0.2.1:7"))
	if n := admitted(5); n != 1 {
		t.Errorf("%d of 5 came in after one was welcomed, want 1", n)
	}
	now = now.Add(time.Minute)
	for range 10 {
		v.Welcome(knock("192.0.2.1:1"))
	}
	if n := admitted(9); n != 3 {
		t.Errorf("%d of 9 came in after more welcomes than visits, want 3", n)
	}
}

func TestVisitorsAreToldApartByAddress(t *testing.T) {
	for _, c := range []struct {
		what        string
		one, other  *http.Request
		sameAddress bool
	}{
		{"ports", knock("192.0.2.1:1"), knock("192.0.2.1:2"), true},
		{"addresses", knock("192.0.2.1:1"), knock("192.0.2.2:1"), false},
		{"IPv4 in IPv6", knock("192.0.2.1:1"), knock("[::ffff:192.0.2.1]:1"), true},
		{"one /64", knock("[2001:db8::1]:1"), knock("[2001:db8::2]:1"), true},
		{"two /64", knock("[2001:db8::1]:1"), knock("[2001:db8:0:1::1]:1"), false},
		{"clients of a proxy here", knock("127.0.0.1:1", "192.0.2.1"), knock("127.0.0.1:1", "192.0.2.2"), false},
		{"a proxy's word and a client's", knock("[::1]:1", "203.0.113.9, 192.0.2.1"), knock("127.0.0.1:1", "198.51.100.4", "192.0.2.1"), true},
		{"words from afar", knock("192.0.2.1:1", "203.0.113.1"), knock("192.0.2.1:1", "203.0.113.2"), true},
		{"nonsense of a proxy", knock("127.0.0.1:1", "unknown"), knock("127.0.0.1:1"), true},
		{"no socket", knock("@"), knock(""), true},
	} {
		v := NewVisitors(1, 1, nil, nil)
		if !v.Admit(c.one) {
			t.Errorf("%s: the first was turned away", c.what)
		}
		if v.Admit(c.other) == c.sameAddress {
			t.Errorf("%s: counted as the same address %t, want %t", c.what, !c.sameAddress, c.sameAddress)
		}
	}
}
