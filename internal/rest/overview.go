package rest

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Overview counts what an account has, and what happened in it.
type Overview interface {
	Overview(ctx context.Context, account video.AccountID) (video.Overview, error)
	Activity(ctx context.Context, query video.ActivityQuery) ([]video.Activity, error)
}

// SystemCheck is one thing a server needs of its machine. Setting says what to change, where something is wrong.
type SystemCheck struct {
	Name    string `json:"name"`
	Level   string `json:"level"` // ok, warn, fail or skipped
	Found   string `json:"found"`
	Setting string `json:"setting,omitempty"`
}

// MachineLoad is how busy the machine is. What is not known is nil.
type MachineLoad struct {
	CPUPercent  *float64 // of all processors
	DiskFreeMB  *int64   // where data are kept
	DiskTotalMB *int64
}

// overviewEvery is how often a stream looks for changes.
const overviewEvery = 2 * time.Second

// overview answers with what there is now; or, to a caller that takes a stream of events, each time anew when it changed.
func (e *entrance) overview(r *request) (answer, error) {
	if r.Method == http.MethodGet && acceptsEvents(r.Header) {
		return answer{status: http.StatusOK, stream: func(w http.ResponseWriter) error { return e.watch(w, r) }}, nil
	}
	data, err := e.look(r)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, data), nil
}

func (e *entrance) look(r *request) (overviewJSON, error) {
	o, err := e.Overview.Overview(r.Context(), r.account)
	if err != nil {
		return overviewJSON{}, err
	}
	return renderOverview(o, e.load()), nil
}

func (e *entrance) load() MachineLoad {
	if e.Machine == nil {
		return MachineLoad{}
	}
	return e.Machine()
}

// watch sends the overview at once and after each change, until the caller goes or the server drains.
func (e *entrance) watch(w http.ResponseWriter, r *request) error {
	leave, err := e.followers.admit(r.account)
	if err != nil {
		return err
	}
	defer leave()
	tick := time.NewTicker(overviewEvery)
	defer tick.Stop()
	stream := &push{ctx: r.Context(), out: w}
	var sent overviewJSON
	quiet := time.Now()
	for {
		now, err := e.look(r)
		if err != nil {
			if stream.begun {
				return nil // the caller comes back
			}
			return err
		}
		if !stream.begun || now.changedFrom(sent) {
			var event bytes.Buffer
			writeEvent(&event, "", "overview", now)
			if !stream.send(event.Bytes()) {
				return nil
			}
			sent, quiet = now, time.Now()
		} else if time.Since(quiet) >= heartbeat {
			if !stream.send([]byte(": still there\n\n")) {
				return nil
			}
			quiet = time.Now()
		}
		select {
		case <-tick.C:
		case <-e.Draining:
			return nil
		case <-r.Context().Done():
			return nil
		}
		if err := e.stillMay(r); err != nil {
			return nil
		}
	}
}

// stillMay refuses a member whose session has ended while a stream was open. Keys are asked for again when a stream breaks.
func (e *entrance) stillMay(r *request) error {
	if r.caller.session == "" {
		return nil
	}
	_, err := e.Members.Session(r.Context(), r.caller.session)
	return err
}

// activitySpans are the spans of time that can be asked for, and into how many parts each comes.
var activitySpans = map[string]struct {
	step  time.Duration
	steps int
}{
	"1h":  {time.Minute, 60},
	"24h": {15 * time.Minute, 96},
	"7d":  {2 * time.Hour, 84},
	"30d": {6 * time.Hour, 120},
}

func (e *entrance) activity(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	span := oneOfWords(q, "span", []string{"1h", "24h", "7d", "30d"})
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	if span == "" {
		span = "24h"
	}
	parts := activitySpans[span]
	last := time.Now().UTC().Truncate(parts.step)
	spans, err := e.Overview.Activity(r.Context(), video.ActivityQuery{
		AccountID: r.account, From: last.Add(-time.Duration(parts.steps-1) * parts.step), Step: parts.step, Steps: parts.steps,
	})
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, activityJSON{
		RecordType: "activity", StepSecs: int(parts.step / time.Second), Spans: each(spans, renderActivity),
	}), nil
}

func (e *entrance) systemChecks(r *request) (answer, error) {
	return one(http.StatusOK, checksJSON{RecordType: "system_checks", Checks: e.Checks(r.Context())}), nil
}

type (
	checksJSON struct {
		RecordType string        `json:"record_type"`
		Checks     []SystemCheck `json:"checks"`
	}
	overviewJSON struct {
		RecordType           string      `json:"record_type"`
		At                   timestamp   `json:"at"`
		Rooms                int         `json:"rooms"`
		ActiveSessions       int         `json:"active_sessions"`
		ActiveParticipants   int         `json:"active_participants"`
		ProcessingRecordings int         `json:"processing_recordings"`
		WaitingCompositions  int         `json:"waiting_compositions"`
		PendingDeliveries    int         `json:"pending_deliveries"`
		FailedDeliveries     int         `json:"failed_deliveries"`
		Machine              machineJSON `json:"machine"`
	}
	machineJSON struct {
		CPUPercent  *float64 `json:"cpu_percent"`
		DiskFreeMB  *int64   `json:"disk_free_mb"`
		DiskTotalMB *int64   `json:"disk_total_mb"`
	}
	activityJSON struct {
		RecordType string     `json:"record_type"`
		StepSecs   int        `json:"step_secs"`
		Spans      []spanJSON `json:"spans"`
	}
	spanJSON struct {
		At                 timestamp `json:"at"`
		Joins              int       `json:"joins"`
		LostConnections    int       `json:"lost_connections"`
		Participants       int       `json:"participants"`
		ParticipantMinutes float64   `json:"participant_minutes"`
	}
)

func renderOverview(o video.Overview, load MachineLoad) overviewJSON {
	return overviewJSON{
		RecordType: "overview", At: timestamp(o.At), Rooms: o.Rooms, ActiveSessions: o.ActiveSessions,
		ActiveParticipants: o.ActiveParticipants, ProcessingRecordings: o.ProcessingRecordings,
		WaitingCompositions: o.WaitingCompositions, PendingDeliveries: o.PendingDeliveries, FailedDeliveries: o.FailedDeliveries,
		Machine: machineJSON(load),
	}
}

// changedFrom reports whether there is anything new but the time.
func (o overviewJSON) changedFrom(before overviewJSON) bool {
	same := func(a, b *float64) bool { return a == nil && b == nil || a != nil && b != nil && int(*a) == int(*b) }
	cpu := same(o.Machine.CPUPercent, before.Machine.CPUPercent)
	disk := orDefault(o.Machine.DiskFreeMB, 0)>>4 == orDefault(before.Machine.DiskFreeMB, 0)>>4
	o.At, o.Machine = before.At, before.Machine
	return !cpu || !disk || o != before
}

func renderActivity(a video.Activity) spanJSON {
	return spanJSON{
		At: timestamp(a.At), Joins: a.Joins, LostConnections: a.LostConnections, Participants: a.Present,
		ParticipantMinutes: float64(a.Participation.Milliseconds()) / 60_000,
	}
}
