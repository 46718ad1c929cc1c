package loadtest

import (
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func goodPlan() Plan {
	return Plan{
		URL: "http://127.0.0.1:8080", APIKey: "key", Rooms: 1, Publishers: 1, Subscribers: 10, AudioBitRate: 32_000, VideoBitRate: 1_200_000,
		Layers: 1, Quality: video.QualityHigh, NACK: true, RampUp: time.Second, Duration: 10 * time.Second,
	}
}

func TestPlanIsChecked(t *testing.T) {
	good := goodPlan()
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Plan)
		fault  string
	}{
		{func(p *Plan) { p.URL = "127.0.0.1:8080" }, "URL"},
		{func(p *Plan) { p.URL = "ftp://example.com" }, "URL"},
		{func(p *Plan) { p.APIKey = "" }, "API key"},
		{func(p *Plan) { p.Rooms = 0 }, "rooms"},
		{func(p *Plan) { p.Rooms = maxRooms + 1 }, "rooms"},
		{func(p *Plan) { p.Publishers = 0 }, "publisher"},
		{func(p *Plan) { p.Subscribers = 0 }, "subscriber"},
		{func(p *Plan) { p.Subscribers = 50 }, "a room holds 50"},
		{func(p *Plan) { p.AudioBitRate, p.VideoBitRate = 0, 0 }, "neither"},
		{func(p *Plan) { p.AudioBitRate = 5000 }, "sound"},
		{func(p *Plan) { p.VideoBitRate = 1000 }, "video"},
		{func(p *Plan) { p.Layers = 4 }, "layers"},
		{func(p *Plan) { p.Churn = -1 }, "churn"},
		{func(p *Plan) { p.Loss = 0.6 }, "loss"},
		{func(p *Plan) { p.Delay = time.Minute }, "delay"},
		{func(p *Plan) { p.Duration = 0 }, "duration"},
		{func(p *Plan) { p.RampUp = 45 * time.Minute; p.Duration = 10 * time.Minute }, "duration"},
	} {
		p := goodPlan()
		c.change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%+v: %v, want something of %q", p, err, c.fault)
		}
	}
}

func TestReportSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		report Report
		fault  string
	}{
		{Report{Packets: Packets{Received: 1}}, ""},
		{Report{}, "no media flowed"},
		{Report{Packets: Packets{Received: 1}, Joins: Joins{Failed: 1}}, "participants could not join"},
		{Report{Packets: Packets{Received: 1}, Joins: Joins{Lost: 1}}, "participants were lost"},
	} {
		if got := c.report.Fault(); got != c.fault {
			t.Errorf("%+v: %q, want %q", c.report, got, c.fault)
		}
	}
}
