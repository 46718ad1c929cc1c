package events

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Steps at which the process is killed, in the order a delivery goes through them. From the sending on, the request may
// have arrived, and then it comes again.
var steps = []struct {
	name      string
	duplicate bool
}{
	{"committed", false}, // in the outbox, no relay has seen it
	{"claimed", false},
	{"sent", true}, // arrived, not yet answered
	{"answered", true},
	{"settled", false},
}

// Whenever the process is killed, every event arrives; and twice only if its request had been sent.
func TestKilledAtEveryStep(t *testing.T) {
	if step := os.Getenv("ROTUNDA_TEST_STEP"); step != "" {
		dieAt(t, step)
		return
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			dead, running := make(chan struct{}), make(chan *os.Process, 1)
			var once sync.Once
			h := newHook(t, func(http.ResponseWriter, *http.Request) {
				if step.name == "sent" {
					once.Do(func() { _ = (<-running).Kill() })
					<-dead
				}
			})
			path := filepath.Join(t.TempDir(), "a.db")
			child := exec.Command(os.Args[0], "-test.run=^TestKilledAtEveryStep$")
			child.Env = append(os.Environ(), "ROTUNDA_TEST_STEP="+step.name, "ROTUNDA_TEST_DB="+path, "ROTUNDA_TEST_HOOK="+h.URL)
			child.Stdout, child.Stderr = os.Stderr, os.Stderr
			must(t, child.Start())
			running <- child.Process
			err := child.Wait()
			close(dead)
			if err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the child was to be killed: %v", err)
			}
			o := openOfficeAt(t, path)
			_, err = o.CloseDangling(t.Context())
			must(t, err)
			o.deliver()
			for _, d := range o.log() {
				o.settled(d.ID, video.DeliveryDelivered)
			}
			times := map[string]int{}
			for _, r := range h.all() {
				times[r.id]++
			}
			if len(o.log()) != 4 || len(times) != 4 { // started, joined, and what the crash added: left, ended
				t.Fatalf("%d events of %d arrived", len(times), len(o.log()))
			}
			twice := 0
			for _, n := range times {
				if n > 1 {
					twice++
				}
			}
			if step.duplicate != (twice > 0) {
				t.Errorf("%d events came twice", twice)
			}
		})
	}
}

func dieAt(t *testing.T, step string) {
	o := openOfficeAt(t, os.Getenv("ROTUNDA_TEST_DB"))
	o.join(o.session(o.room(os.Getenv("ROTUNDA_TEST_HOOK"), "", nil)), "")
	if step == "committed" {
		die()
	}
	o.config.Outbox = &dying{Outbox: o.config.Outbox, step: step}
	o.deliver()
	select {} // until the signal comes
}

func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// dying is an outbox whose process is killed at a step.
type dying struct {
	Outbox
	step    string
	settled int
}

func (d *dying) ClaimDeliveries(ctx context.Context, busy []string, lease time.Duration, n int) ([]video.Delivery, error) {
	claimed, err := d.Outbox.ClaimDeliveries(ctx, busy, lease, n)
	if d.step == "claimed" && len(claimed) > 0 {
		die()
	}
	return claimed, err
}

func (d *dying) SettleDeliveries(ctx context.Context, outcomes []video.DeliveryOutcome) error {
	if d.step == "answered" {
		die()
	}
	err := d.Outbox.SettleDeliveries(ctx, outcomes)
	if d.settled += len(outcomes); d.step == "settled" && d.settled == 2 {
		die() // nothing else is under way
	}
	return err
}
