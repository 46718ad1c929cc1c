package rest

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// defaultSteps is how many steps come with one page, unless asked for otherwise.
	defaultSteps = 60
	// latestCursor is the last second that a step can begin at: of the year 9999.
	latestCursor = 253402300799
)

// resolutions are the steps that quality can be asked for in, in seconds.
var resolutions = []int{10, 60, 600, 3600}

func (e *entrance) qualityOfParticipant(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.QualityQuery{
		AccountID: r.account, ParticipantID: video.ParticipantID(r.id), At: q.span("date_measured_at"), Resolution: q.resolution(),
		Limit: q.integer("page[size]", defaultSteps, video.MaxPageSize),
	}
	if cursor := q.cursor("cursor"); cursor > latestCursor {
		q.fail(badRequest, "cursor", "cursor must be a cursor that a page came with.")
	} else if from := time.Unix(cursor, 0).UTC(); from.After(query.At.From) {
		query.At.From = from
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	if _, err := e.Sessions.Participant(r.Context(), r.account, query.ParticipantID); err != nil {
		return answer{}, err
	}
	steps, next, err := e.Quality.Steps(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	page := qualityPageJSON{Data: make([]qualityJSON, 0, len(steps)), Meta: cursorMeta{PageSize: query.Limit}}
	for _, step := range steps {
		page.Data = append(page.Data, qualityJSON{
			RecordType: "room_participant_quality", ParticipantID: query.ParticipantID, MeasuredAt: timestamp(step.At),
			Client: clientJSON(step.Client), ByClient: renderSample(step.ByClient), ByServer: renderSample(step.ByServer),
		})
	}
	if !next.IsZero() {
		cursor := strconv.FormatInt(next.Unix(), 10)
		page.Meta.NextCursor = &cursor
	}
	return answer{status: http.StatusOK, data: page}, nil
}

// resolution reads how long the steps are.
func (q *query) resolution() time.Duration {
	value, ok := q.value("resolution_secs", badRequest)
	if !ok {
		return video.QualityInterval
	}
	secs, err := strconv.Atoi(value)
	if err != nil || !slices.Contains(resolutions, secs) {
		q.fail(badRequest, "resolution_secs", "resolution_secs must be 10, 60, 600 or 3600.")
	}
	return time.Duration(secs) * time.Second
}

// qualityOfSession answers with what was measured last of everyone in a session; or, to a caller that takes a stream of events, with what is
// measured as long as the session goes on.
func (e *entrance) qualityOfSession(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false)
	if err != nil {
		return answer{}, err
	}
	if r.Method == http.MethodGet && acceptsEvents(r.Header) {
		return answer{status: http.StatusOK, stream: func(w http.ResponseWriter) error { return e.followQuality(w, r, session) }}, nil
	}
	return answer{status: http.StatusOK, data: latestQualityJSON{each(e.Quality.Latest(session.ID), renderNews)}}, nil
}

// followQuality sends what is measured in a session as server-sent events, until it has ended, the caller goes, or the server drains.
func (e *entrance) followQuality(w http.ResponseWriter, r *request, session video.Session) error {
	leave, err := e.followers.admit(r.account)
	if err != nil {
		return err
	}
	defer leave()
	latest, news, stop := e.Quality.Follow(session.ID)
	defer stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	f := &follower{entrance: e, request: r, session: session, ended: !session.Active(), out: w}
	for f.over = !f.send(qualityEvents(latest, news)); !f.over && !f.ended; {
		f.awaitQuality(news, beat.C)
	}
	if !f.over {
		var end bytes.Buffer
		writeEvent(&end, "", "end", endJSON{SessionID: session.ID})
		f.send(end.Bytes())
	}
	return nil
}

func (f *follower) awaitQuality(news <-chan video.QualityNews, beat <-chan time.Time) {
	select {
	case n := <-news:
		f.over = !f.send(qualityEvents([]video.QualityNews{n}, news))
	case <-f.Draining:
		f.over = true
	case <-f.Context().Done():
		f.over = true
	case <-beat:
		if session, err := f.Sessions.Session(f.Context(), f.account, f.session.ID, false); err == nil {
			f.ended = !session.Active()
		}
		f.over = !f.send([]byte(": still there\n\n"))
	}
}

// qualityEvents writes samples, and those that wait behind them.
func qualityEvents(some []video.QualityNews, more <-chan video.QualityNews) []byte {
	var batch bytes.Buffer
	for _, n := range some {
		writeEvent(&batch, "", "quality", renderNews(n))
	}
	for {
		select {
		case n := <-more:
			writeEvent(&batch, "", "quality", renderNews(n))
		default:
			return batch.Bytes()
		}
	}
}

type (
	qualityPageJSON struct {
		Data []qualityJSON `json:"data"`
		Meta cursorMeta    `json:"meta"`
	}
	latestQualityJSON struct {
		Data []qualityJSON `json:"data"`
	}
	qualityJSON struct {
		RecordType    string              `json:"record_type"`
		ParticipantID video.ParticipantID `json:"participant_id"`
		MeasuredAt    timestamp           `json:"measured_at"`
		Client        clientJSON          `json:"client"`
		ByClient      *sampleJSON         `json:"by_client"`
		ByServer      *sampleJSON         `json:"by_server"`
	}
	clientJSON struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		UserAgent string `json:"user_agent"`
	}
	sampleJSON struct {
		Interval  float64            `json:"interval_secs"`
		Path      video.Path         `json:"path,omitempty"`
		RoundTrip float64            `json:"round_trip_ms,omitempty"`
		Available int64              `json:"available_bps,omitempty"`
		Publish   []trackQualityJSON `json:"publish"`
		Receive   []trackQualityJSON `json:"receive"`
	}
	trackQualityJSON struct {
		StreamID    video.StreamID      `json:"stream_id"`
		PublisherID video.ParticipantID `json:"publisher_id,omitempty"`
		Key         string              `json:"key"`
		Kind        video.Kind          `json:"kind"`
		Layer       string              `json:"layer,omitempty"`
		Bitrate     int64               `json:"bitrate_bps"`
		Packets     int64               `json:"packets"`
		Lost        int64               `json:"packets_lost"`
		Loss        float64             `json:"loss"`
		Repaired    int64               `json:"packets_repaired"`
		Jitter      float64             `json:"jitter_ms,omitempty"`
		RoundTrip   float64             `json:"round_trip_ms,omitempty"`
		Width       int64               `json:"width,omitempty"`
		Height      int64               `json:"height,omitempty"`
		Frames      float64             `json:"frames_per_second,omitempty"`
		Freezes     int64               `json:"freezes"`
		Frozen      float64             `json:"frozen_ms"`
		Concealed   float64             `json:"concealed_ms"`
		Paused      float64             `json:"paused_ms"`
		LimitedBy   video.Limitation    `json:"limited_by,omitempty"`
	}
)

func renderNews(n video.QualityNews) qualityJSON {
	q := qualityJSON{
		RecordType: "room_participant_quality", ParticipantID: n.ParticipantID, Client: clientJSON(n.Client),
		MeasuredAt: timestamp(n.Sample.At.Add(-n.Sample.Interval)),
	}
	if n.Sample.Source == video.QualityByClient {
		q.ByClient = renderSample(&n.Sample)
	} else {
		q.ByServer = renderSample(&n.Sample)
	}
	return q
}

func renderSample(s *video.QualitySample) *sampleJSON {
	if s == nil {
		return nil
	}
	out := &sampleJSON{
		Interval: milliseconds(s.Interval) / 1000, Path: s.Path, RoundTrip: milliseconds(s.RoundTrip), Available: s.Available,
		Publish: []trackQualityJSON{}, Receive: []trackQualityJSON{},
	}
	for i := range s.Tracks {
		t := renderTrackQuality(s, &s.Tracks[i])
		if s.Tracks[i].Publishes {
			out.Publish = append(out.Publish, t)
		} else {
			out.Receive = append(out.Receive, t)
		}
	}
	return out
}

func renderTrackQuality(s *video.QualitySample, t *video.TrackQuality) trackQualityJSON {
	secs := max(s.Interval.Seconds(), 0.001)
	return trackQualityJSON{
		StreamID: t.StreamID, PublisherID: t.PublisherID, Key: t.Key, Kind: t.Kind, Layer: t.Layer,
		Bitrate: int64(float64(t.Octets) * 8 / secs), Packets: t.Packets, Lost: t.Lost, Loss: rounded(t.Loss(s.Source), 10_000), Repaired: t.Repaired,
		Jitter: milliseconds(t.Jitter), RoundTrip: milliseconds(t.RoundTrip), Width: t.Width, Height: t.Height,
		Frames: rounded(float64(t.Frames)/secs, 10), Freezes: t.Freezes, Frozen: milliseconds(t.Frozen), Concealed: milliseconds(t.Concealed),
		Paused: milliseconds(t.Paused), LimitedBy: t.LimitedBy,
	}
}

// milliseconds is a time in JSON, to a tenth.
func milliseconds(d time.Duration) float64 { return rounded(d.Seconds()*1000, 10) }

// rounded is a number to that part of one.
func rounded(n, part float64) float64 { return float64(int64(n*part+0.5)) / part }
