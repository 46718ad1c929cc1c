package rest

import (
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/quality"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// diagnosis answers with what went wrong with a participant's media, and on whose side.
func (e *entrance) diagnosis(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	asked := video.Span{From: q.moment("from"), Until: q.moment("until")}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	participant, err := e.Sessions.Participant(r.Context(), r.account, video.ParticipantID(r.id))
	if err != nil {
		return answer{}, err
	}
	stay := stayWithin(participant, asked)
	lost, err := e.lostConnections(r, participant, stay)
	if err != nil {
		return answer{}, err
	}
	resolution := quality.ResolutionFor(stay.Until.Sub(stay.From))
	steps := video.Span{From: stay.From.Truncate(resolution), Until: stay.Until} // the one in which it begins is looked at too
	d, err := e.Quality.Diagnose(r.Context(), video.QualityQuery{
		AccountID: r.account, ParticipantID: participant.ID, At: steps, Resolution: resolution,
	}, lost)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderDiagnosis(participant.ID, stay, d)), nil
}

// stayWithin is the part of a participant's stay that was asked for.
func stayWithin(p video.Participant, asked video.Span) video.Span {
	stay := video.Span{From: p.JoinedAt, Until: time.Now()}
	if p.LeftAt != nil {
		stay.Until = *p.LeftAt
	}
	if asked.From.After(stay.From) {
		stay.From = asked.From
	}
	if !asked.Until.IsZero() && asked.Until.Before(stay.Until) {
		stay.Until = asked.Until
	}
	if stay.Until.Before(stay.From) {
		stay.Until = stay.From
	}
	return stay
}

// breaks are the happenings that tell whether somebody's connections stand.
var breaks = []video.HappeningType{
	video.HappenedConnectionLost, video.HappenedConnectionResumed, video.HappenedMediaLost, video.HappenedMediaConnected,
}

// lostConnections are the spans in which a participant's signalling or media connection was lost.
func (e *entrance) lostConnections(r *request, p video.Participant, stay video.Span) (lost []video.Span, err error) {
	var since time.Time
	var signalling, media bool
	end := func(at time.Time) {
		if !since.IsZero() && !at.Before(stay.From) && !since.After(stay.Until) {
			lost = append(lost, video.Span{From: since, Until: at})
		}
		since = time.Time{}
	}
	for after := int64(0); ; {
		happenings, err := e.Sessions.Happenings(r.Context(), video.HappeningQuery{
			AccountID: r.account, SessionID: p.SessionID, ParticipantID: p.ID, Types: breaks, After: after, Limit: readAtOnce,
		})
		if err != nil {
			return nil, err
		}
		for _, h := range happenings {
			after = h.Seq
			switch h.Type {
			case video.HappenedConnectionLost, video.HappenedConnectionResumed:
				signalling = h.Type == video.HappenedConnectionLost
			default:
				media = h.Type == video.HappenedMediaLost
			}
			if broken := signalling || media; broken && since.IsZero() {
				since = h.At
			} else if !broken {
				end(h.At)
			}
		}
		if len(happenings) < readAtOnce {
			end(stay.Until)
			return lost, nil
		}
	}
}

type (
	diagnosisJSON struct {
		RecordType    string              `json:"record_type"`
		ParticipantID video.ParticipantID `json:"participant_id"`
		From          timestamp           `json:"from"`
		Until         timestamp           `json:"until"`
		Resolution    int                 `json:"resolution_secs"`
		Sentence      string              `json:"sentence"`
		Side          video.Side          `json:"side"`
		Findings      []findingJSON       `json:"findings"`
	}
	findingJSON struct {
		Code        video.FindingCode   `json:"code"`
		Side        video.Side          `json:"side"`
		Direction   string              `json:"direction"`
		PublisherID video.ParticipantID `json:"publisher_id,omitempty"`
		Text        string              `json:"text"`
		Duration    float64             `json:"duration_secs"`
		Worst       float64             `json:"worst"`
		Unit        string              `json:"unit,omitempty"`
		Spans       []seenJSON          `json:"spans"`
	}
	seenJSON struct {
		From  timestamp `json:"from"`
		Until timestamp `json:"until"`
	}
)

func renderDiagnosis(participant video.ParticipantID, stay video.Span, d video.Diagnosis) diagnosisJSON {
	return diagnosisJSON{
		RecordType: "room_participant_diagnosis", ParticipantID: participant, From: timestamp(stay.From), Until: timestamp(stay.Until),
		Resolution: int(d.Resolution / time.Second), Sentence: d.Sentence, Side: d.Side, Findings: each(d.Findings, renderFinding),
	}
}

func renderFinding(f video.Finding) findingJSON {
	direction := "receive"
	switch {
	case f.Code == video.FoundConnectionLost, f.Code == video.FoundRelay, f.Code == video.FoundHighRoundTrip:
		direction = "both"
	case f.Publishes:
		direction = "publish"
	}
	return findingJSON{
		Code: f.Code, Side: f.Side, Direction: direction, PublisherID: f.PublisherID, Text: f.Text, Duration: milliseconds(f.Duration()) / 1000,
		Worst: rounded(f.Worst, 10_000), Unit: f.Unit,
		Spans: each(f.Spans, func(s video.Span) seenJSON { return seenJSON{timestamp(s.From), timestamp(s.Until)} }),
	}
}
