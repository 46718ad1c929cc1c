package rest

import (
	"math"
	"net/http"
	"strconv"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// defaultHappenings is how many events of a session come with one page, unless asked for otherwise.
const defaultHappenings = 100

// happenings answers with what happened in a session, page by page; or, to a caller that takes a stream of events, as long
// as the session goes on.
func (e *entrance) happenings(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	streams := r.Method == http.MethodGet && acceptsEvents(r.Header)
	size := q.integer("page[size]", defaultHappenings, video.MaxPageSize)
	after := q.cursor("cursor")
	if seen := r.Header.Get("Last-Event-ID"); streams && seen != "" {
		after = q.readCursor("Last-Event-ID", seen) // it is where the stream broke off
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false)
	if err != nil {
		return answer{}, err
	}
	if streams {
		return answer{status: http.StatusOK, stream: func(w http.ResponseWriter) error {
			return e.follow(w, r, session, after)
		}}, nil
	}
	return e.pageOfHappenings(r, session.ID, after, size)
}

func (e *entrance) pageOfHappenings(r *request, session video.SessionID, after int64, size int) (answer, error) {
	// One more than wanted says whether there are more.
	happenings, err := e.Sessions.Happenings(r.Context(), video.HappeningQuery{
		AccountID: r.account, SessionID: session, After: after, Limit: size + 1,
	})
	if err != nil {
		return answer{}, err
	}
	var next *string
	if len(happenings) > size {
		happenings = happenings[:size]
		cursor := cursorOf(happenings[size-1])
		next = &cursor
	}
	return answer{status: http.StatusOK, data: happeningsJSON{
		Data: each(happenings, renderHappening), Meta: cursorMeta{NextCursor: next, PageSize: size},
	}}, nil
}

// acceptsEvents reports whether the caller names the type of event streams. Who takes anything gets a page.
func acceptsEvents(header http.Header) bool { return accepts(header, eventStream) }

// cursor reads the place after which a page begins; without, it begins at the start.
func (q *query) cursor(name string) int64 {
	value, ok := q.value(name, badRequest)
	if !ok {
		return 0
	}
	return q.readCursor(name, value)
}

func (q *query) readCursor(name, value string) int64 {
	seq, err := strconv.ParseUint(value, 10, 64)
	if err != nil || seq > math.MaxInt64 {
		q.fail(badRequest, name, "%s must be a cursor that an event or a page came with.", name)
		return 0
	}
	return int64(seq)
}

func cursorOf(h video.Happening) string { return strconv.FormatInt(h.Seq, 10) }

type (
	happeningsJSON struct {
		Data []happeningJSON `json:"data"`
		Meta cursorMeta      `json:"meta"`
	}
	cursorMeta struct {
		NextCursor *string `json:"next_cursor"`
		PageSize   int     `json:"page_size"`
	}
	happeningJSON struct {
		RecordType    string              `json:"record_type"`
		Cursor        string              `json:"cursor"`
		Type          video.HappeningType `json:"type"`
		OccurredAt    timestamp           `json:"occurred_at"`
		SessionID     video.SessionID     `json:"session_id"`
		ParticipantID video.ParticipantID `json:"participant_id,omitempty"`
		PublisherID   video.ParticipantID `json:"publisher_id,omitempty"`
		StreamID      video.StreamID      `json:"stream_id,omitempty"`
		Key           string              `json:"key,omitempty"`
		Kind          video.Kind          `json:"kind,omitempty"`
		Audio         *bool               `json:"audio,omitempty"`
		Video         *bool               `json:"video,omitempty"`
		Quality       video.Quality       `json:"quality,omitempty"`
		Layer         string              `json:"layer,omitempty"`
		Reason        string              `json:"reason,omitempty"`
	}
)

func renderHappening(h video.Happening) happeningJSON {
	return happeningJSON{
		RecordType:    "room_session_event",
		Cursor:        cursorOf(h),
		Type:          h.Type,
		OccurredAt:    timestamp(h.At),
		SessionID:     h.SessionID,
		ParticipantID: h.ParticipantID,
		PublisherID:   h.PublisherID,
		StreamID:      h.StreamID,
		Key:           h.Key,
		Kind:          h.Kind,
		Audio:         h.Audio,
		Video:         h.Video,
		Quality:       h.Quality,
		Layer:         h.Layer,
		Reason:        h.Reason,
	}
}
