//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

// taken is what a page gathered. Times are milliseconds of the machine's clock.
type taken struct {
	Samples []struct {
		At      float64  `json:"at"`
		Reports []report `json:"reports"`
	} `json:"samples"`
	Frames []float64 `json:"frames"`
	Notes  []note    `json:"notes"`
}

type note struct {
	At   float64 `json:"at"`
	Text string  `json:"text"`
}

// report is what getStats says of one thing; what a type of report lacks is 0.
type report struct {
	Connection           int     `json:"connection"`
	Type                 string  `json:"type"`
	Kind                 string  `json:"kind"`
	SSRC                 uint32  `json:"ssrc"`
	FramesDecoded        float64 `json:"framesDecoded"`
	FramesEncoded        float64 `json:"framesEncoded"`
	FrameHeight          int     `json:"frameHeight"`
	FreezeCount          float64 `json:"freezeCount"`
	TotalFreezesDuration float64 `json:"totalFreezesDuration"` // s
	BytesReceived        float64 `json:"bytesReceived"`
	BytesSent            float64 `json:"bytesSent"`
	NackCount            float64 `json:"nackCount"`
	PLICount             float64 `json:"pliCount"`
	ConcealedSamples     float64 `json:"concealedSamples"`
	TotalSamplesReceived float64 `json:"totalSamplesReceived"`
	CurrentRoundTripTime float64 `json:"currentRoundTripTime"` // s
}

// linkSample is what went over the link, and over the connection beside the media.
type linkSample struct {
	at       time.Time
	up, down link.State
	tcp      int64 // bytes
}

// raw is a measurement as it was taken.
type raw struct {
	began             time.Time // of the schedule, when the first picture had come
	asked             time.Time // when the viewer began to join
	viewer, publisher taken
	link              []linkSample
	busy              float64 // share of the machine's processors that was used
}

// setup says what measurements have in common.
type setup struct {
	binary, sdk string
	capture     capture
	seed        uint64
	folder      string // for logs and data
}

const (
	joinTime    = 60 * time.Second // within which everyone must be there
	settleTime  = 15 * time.Second
	sampleEvery = 200 * time.Millisecond
)

// call is two browsers, a server and a link between them.
type call struct {
	setup
	link              *link.Link
	server            *server
	publisher, viewer *browser
	closers           []func() error
}

// measure runs a scenario with one server.
func (s setup) measure(ctx context.Context, sc scenario, bad side, peer string) (_ *raw, err error) {
	schedule, err := sc.schedule()
	if err != nil {
		return nil, err
	}
	c := &call{setup: s}
	defer func() {
		for i := len(c.closers) - 1; i >= 0; i-- {
			err = errors.Join(err, c.closers[i]())
		}
	}()
	if err := c.prepare(ctx, schedule[0], bad, peer); err != nil {
		return nil, err
	}
	asked, err := c.join(ctx)
	if err != nil {
		return nil, err
	}
	c.settle(ctx)
	return c.watch(ctx, sc, schedule, bad, asked)
}

func (c *call) prepare(ctx context.Context, first link.Step, bad side, peer string) (err error) {
	if c.link, err = link.Open(link.Options{Seed: c.seed, Up: first.Up, Down: first.Down}); err != nil {
		return err
	}
	c.closers = append(c.closers, c.link.Close)
	if c.server, err = c.start(ctx, peer); err != nil {
		return err
	}
	c.closers = append(c.closers, c.server.stop)
	there := map[side]*link.Namespace{viewerSide: c.link.Near, publisherSide: c.link.Near}
	there[bad] = c.link.Far
	for _, in := range []*link.Namespace{c.link.Near, c.link.Far} {
		s, err := openSite(ctx, in, c.sdk)
		if err != nil {
			return err
		}
		c.closers = append(c.closers, s.close)
	}
	if c.publisher, err = c.arrive(ctx, there[publisherSide]); err != nil {
		return err
	}
	c.viewer, err = c.arrive(ctx, there[viewerSide])
	return err
}

func (c *call) start(ctx context.Context, peer string) (*server, error) {
	folder, err := os.MkdirTemp("", "rotunda-link-server-")
	if err != nil {
		return nil, err
	}
	c.closers = append(c.closers, func() error { return os.RemoveAll(folder) })
	var s *server
	if peer == "janus" {
		s, err = startJanus(ctx, c.link.Near, c.link.NearAddress(), folder)
	} else {
		s, err = startRotunda(ctx, c.link.Near, c.link.NearAddress(), c.binary, folder)
	}
	c.closers = append(c.closers, func() error { return keep(filepath.Join(folder, peer+".log"), c.folder) })
	return s, err
}

// keep copies a log to where somebody may look at it.
func keep(log, folder string) error {
	content, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, filepath.Base(log)), content, 0o600)
}

// arrive opens the application in a browser.
func (c *call) arrive(ctx context.Context, in *link.Namespace) (*browser, error) {
	b, err := startBrowser(in, c.capture)
	if err != nil {
		return nil, err
	}
	c.closers = append(c.closers, func() error {
		b.close()
		return nil
	})
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	return b, b.open(ctx, "http://localhost:"+sitePort+"/")
}

// join has one publish and the other watch, and returns when the second began.
func (c *call) join(ctx context.Context) (asked time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	where, err := json.Marshal(c.server.where)
	if err != nil {
		return asked, err
	}
	module := "/page/" + c.server.name + ".js"
	publish := fmt.Sprintf("import(%q).then((m) => m.publish(%s, {width: %d, height: %d}))", module, where, filmWidth, filmHeight)
	if err := c.publisher.eval(ctx, publish, nil); err != nil {
		return asked, fmt.Errorf("publish: %w", err)
	}
	if err := c.viewer.eval(ctx, fmt.Sprintf("Promise.all([probe.allow(), import(%q)]).then(() => undefined)", module), nil); err != nil {
		return asked, fmt.Errorf("prepare to watch: %w", err)
	}
	asked = time.Now()
	if err := c.viewer.eval(ctx, fmt.Sprintf("import(%q).then((m) => m.watch(%s))", module, where), nil); err != nil {
		return asked, fmt.Errorf("watch: %w", err)
	}
	err = until(ctx, "the first picture", func() (bool, error) {
		var come bool
		err := c.viewer.eval(ctx, "probe.seen() > 0", &come)
		return come, err
	})
	return asked, err
}

// settle waits until pictures come steadily, as browsers find out only by and by how much they can send; but not for ever, as on some
// links they never do.
func (c *call) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = until(ctx, "a steady picture", func() (bool, error) {
		var rate float64
		err := c.viewer.eval(ctx, "probe.rate()", &rate)
		return rate >= 0.9*filmRate, err
	})
}

// watch plays the schedule and gathers what everyone saw.
func (c *call) watch(ctx context.Context, sc scenario, schedule link.Schedule, bad side, asked time.Time) (*raw, error) {
	ctx, cancel := context.WithTimeout(ctx, sc.Length)
	defer cancel()
	r := &raw{asked: asked, began: time.Now()}
	usage := startUsage()
	var (
		tasks  sync.WaitGroup
		faults [2]error
		beside = &flow{from: c.link.Near, to: c.link.Far, at: c.link.FarAddress}
	)
	if bad == publisherSide {
		beside = &flow{from: c.link.Far, to: c.link.Near, at: c.link.NearAddress}
	}
	tasks.Go(func() { faults[0] = c.link.Play(ctx, schedule) })
	if sc.TCPUntil > 0 {
		tasks.Go(func() { faults[1] = beside.run(ctx, r.began.Add(sc.TCPFrom), r.began.Add(sc.TCPUntil)) })
	}
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	var err error
	for ctx.Err() == nil && err == nil {
		var sample linkSample
		sample.up, sample.down, err = c.link.State()
		sample.at, sample.tcp = time.Now(), beside.received.Load()
		r.link = append(r.link, sample)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	cancel()
	tasks.Wait()
	r.busy = usage.share()
	if err := errors.Join(err, faults[0], faults[1]); err != nil {
		return nil, err
	}
	if ended := context.Cause(ctx); ended != nil && time.Since(r.began) < sc.Length {
		return nil, ended
	}
	return r, c.gather(r)
}

func (c *call) gather(r *raw) error {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	return errors.Join(c.viewer.eval(ctx, "probe.take()", &r.viewer), c.publisher.eval(ctx, "probe.take()", &r.publisher))
}
