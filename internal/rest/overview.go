package rest

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Overview counts what an account has, and what happened in it.
type Overview interface {
	Overview(ctx context.Context, account video.AccountID) (video.Overview, error)
	Activity(ctx context.Context, query video.ActivityQuery) ([]video.Activity, error)
	// RefusedJoins returns who was turned away at the doors of sessions, newest first.
	RefusedJoins(ctx context.Context, query video.RefusedJoinQuery) (video.List[video.RefusedJoin], error)
	// Search returns what text names, at most so many of each kind: by id or the beginning of one, rooms by a part of the name too.
	Search(ctx context.Context, account video.AccountID, text string, most int) (video.Found, error)
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

// overview answers with what there is now; or, to a caller that takes a stream of events, each time anew when it changed.
func (e *entrance) overview(r *request) (answer, error) {
	if wantsEvents(r) {
		return e.tellChanges(r, "overview", lookEvery, func() (glimpse, error) {
			now, err := e.look(r)
			return glimpse{sent: now, mark: marked(now.roughly())}, err
		}), nil
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
		MakingCompositions   int         `json:"processing_compositions"`
		PendingDeliveries    int         `json:"pending_deliveries"`
		FailedDeliveries     int         `json:"failed_deliveries"`
		RefusedJoins         int         `json:"refused_joins"`
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
		RefusedJoins       int       `json:"refused_joins"`
		Participants       int       `json:"participants"`
		ParticipantMinutes float64   `json:"participant_minutes"`
	}
)

func renderOverview(o video.Overview, load MachineLoad) overviewJSON {
	return overviewJSON{
		RecordType: "overview", At: timestamp(o.At), Rooms: o.Rooms, ActiveSessions: o.ActiveSessions,
		ActiveParticipants: o.ActiveParticipants, ProcessingRecordings: o.ProcessingRecordings,
		WaitingCompositions: o.WaitingCompositions, MakingCompositions: o.MakingCompositions,
		PendingDeliveries: o.PendingDeliveries, FailedDeliveries: o.FailedDeliveries, RefusedJoins: o.RefusedJoins,
		Machine: machineJSON(load),
	}
}

// roughly is the overview but for what changes all the time: the time, and small moves of the machine.
func (o overviewJSON) roughly() overviewJSON {
	o.At = timestamp{}
	if cpu := o.Machine.CPUPercent; cpu != nil {
		whole := math.Trunc(*cpu)
		o.Machine.CPUPercent = &whole
	}
	if free := o.Machine.DiskFreeMB; free != nil {
		rough := *free >> 4
		o.Machine.DiskFreeMB = &rough
	}
	return o
}

func renderActivity(a video.Activity) spanJSON {
	return spanJSON{
		At: timestamp(a.At), Joins: a.Joins, LostConnections: a.LostConnections, RefusedJoins: a.RefusedJoins, Participants: a.Present,
		ParticipantMinutes: float64(a.Participation.Milliseconds()) / 60_000,
	}
}
