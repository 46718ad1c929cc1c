package demo

import (
	"fmt"
	"testing"
	"time"
)

func TestVisitorsAreBounded(t *testing.T) {
	now := time.Now()
	v := newVisitors(func() time.Time { return now })
	for i := range maxVisitors {
		if !v.admit(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)) {
			t.Fatalf("visitor %d was turned away", i)
		}
	}
	if v.admit("192.0.2.1:1") {
		t.Error("one more was let in while all others were still remembered for a reason")
	}
	now = now.Add(time.Minute)
	if !v.admit("192.0.2.1:1") {
		t.Error("nobody was forgotten")
	}
	if got := len(v.allowance); got != 1 {
		t.Errorf("%d are remembered", got)
	}
}
