package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Recordings keeps the records of recordings. What belongs to another account is not found.
type Recordings interface {
	Recording(ctx context.Context, account video.AccountID, id string) (video.Recording, error)
	Recordings(ctx context.Context, query video.RecordingQuery) (video.List[video.Recording], error)
	// RecordingKinds says of which kind each of the ids is that names a recording of the session.
	RecordingKinds(ctx context.Context, account video.AccountID, session video.SessionID, ids []string) (map[string]video.Kind, error)
	// DeleteRecording refuses with video.CodeState while the recording is being made.
	DeleteRecording(ctx context.Context, account video.AccountID, id string) error
	// DeleteRecordings passes over recordings that are being made. It returns how many it deleted. The audit log has the filter
	// as it was asked for.
	DeleteRecordings(ctx context.Context, filter video.RecordingFilter, asked string) (int, error)
}

func (e *entrance) listRecordings(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.RecordingQuery{RecordingFilter: recordingFilter(r, q), Page: q.page()}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	return e.showMedia(r, "room_recordings", func() (func(mediaLinks) envelope, error) {
		recordings, err := e.Recordings.Recordings(r.Context(), query)
		return func(links mediaLinks) envelope { return page(recordings, query.Page, renderRecording(links)) }, err
	})
}

func recordingFilter(r *request, q *query) video.RecordingFilter {
	return video.RecordingFilter{
		AccountID:     r.account,
		RoomID:        video.RoomID(q.id("filter[room_id]")),
		SessionID:     video.SessionID(q.id("filter[session_id]")),
		ParticipantID: video.ParticipantID(q.id("filter[participant_id]")),
		Status:        oneOfWords(q, "filter[status]", video.RecordingStatuses),
		Type:          oneOfWords(q, "filter[type]", []video.Kind{video.Audio, video.Video}),
		AtLeast:       time.Duration(q.atLeast("filter[duration_secs]")) * time.Second,
		StartedAt:     q.span("date_started_at"),
		EndedAt:       q.span("date_ended_at"),
	}
}

func (e *entrance) recording(r *request) (answer, error) {
	return e.showMedia(r, "room_recording", func() (func(mediaLinks) envelope, error) {
		recording, err := e.Recordings.Recording(r.Context(), r.account, r.id)
		return func(links mediaLinks) envelope { return envelope{Data: recordingOf(recording, links)} }, err
	})
}

func (e *entrance) deleteRecording(r *request) (answer, error) {
	err := e.Recordings.DeleteRecording(r.Context(), r.account, r.id)
	if err != nil && video.CodeOf(err) == video.CodeState {
		return answer{}, refuse(http.StatusUnprocessableEntity, beingProcessed, "The recording %s is still being made.", r.id)
	}
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// deleteRecordings wants a filter, or the word that there is none on purpose: one slip would erase everything. The page is
// read, because callers send it, and limits nothing.
func (e *entrance) deleteRecordings(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	filter := recordingFilter(r, q)
	all := orDefault(q.boolean("filter[all]", invalidFilter), false)
	q.page()
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	if !all && !q.filtered() {
		return answer{}, &refusal{status: http.StatusUnprocessableEntity, faults: []fault{{
			kind: missingParameter, parameter: "filter[all]",
			detail: "A filter is required. To delete all recordings of the account, say so: filter[all]=true.",
		}}}
	}
	// What is deleted until the caller hangs up would be a matter of luck.
	deleted, err := e.Recordings.DeleteRecordings(context.WithoutCancel(r.Context()), filter, r.URL.RawQuery)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, deletedJSON{RoomRecordings: deleted}), nil
}

// filtered reports whether there is any filter but filter[all].
func (q *query) filtered() bool {
	for name := range q.values {
		if strings.HasPrefix(name, "filter[") && name != "filter[all]" {
			return true
		}
	}
	return false
}

type (
	deletedJSON struct {
		RoomRecordings int `json:"room_recordings"`
	}
	recordingJSON struct {
		RecordType    string                `json:"record_type"`
		ID            string                `json:"id"`
		RoomID        video.RoomID          `json:"room_id"`
		SessionID     video.SessionID       `json:"session_id"`
		ParticipantID video.ParticipantID   `json:"participant_id"`
		StreamKey     *string               `json:"stream_key"`
		Status        video.RecordingStatus `json:"status"`
		FailedReason  *string               `json:"failed_reason"`
		Error         *failureJSON          `json:"error"`
		Waiting       *failureJSON          `json:"waiting"`
		Type          video.Kind            `json:"type"`
		Codec         *string               `json:"codec"`
		SizeMB        megabytes             `json:"size_mb"`
		DurationSecs  int                   `json:"duration_secs"`
		DownloadURL   *string               `json:"download_url"`
		IndexURL      *string               `json:"index_url"`
		StartedAt     timestamp             `json:"started_at"`
		EndedAt       *timestamp            `json:"ended_at"`
		CompletedAt   *timestamp            `json:"completed_at"`
		CreatedAt     timestamp             `json:"created_at"`
		UpdatedAt     timestamp             `json:"updated_at"`
	}
	failureJSON struct {
		Code   string `json:"code"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
)

// mediaLinks makes the URL of a file; nil where there are none, or none for the caller.
type mediaLinks func(account video.AccountID, kind video.MediaKind, id string) string

func (e *entrance) links(r *request) mediaLinks {
	if !slices.Contains(r.caller.rights, mediaRight) {
		return nil
	}
	return e.MediaURL
}

func renderRecording(links mediaLinks) func(video.Recording) recordingJSON {
	return func(r video.Recording) recordingJSON { return recordingOf(r, links) }
}

func recordingOf(r video.Recording, links mediaLinks) recordingJSON {
	rendered := recordingJSON{
		RecordType:    "room_recording",
		ID:            r.ID,
		RoomID:        r.RoomID,
		SessionID:     r.SessionID,
		ParticipantID: r.ParticipantID,
		StreamKey:     optional(r.StreamKey),
		Status:        r.Status,
		FailedReason:  optional(r.FailedReason),
		Type:          r.Type,
		Codec:         optional(r.Codec),
		SizeMB:        megabytes(r.SizeBytes),
		DurationSecs:  int(r.Duration / time.Second),
		StartedAt:     timestamp(r.StartedAt),
		EndedAt:       optionalTimestamp(r.EndedAt),
		CompletedAt:   optionalTimestamp(r.CompletedAt),
		CreatedAt:     timestamp(r.CreatedAt),
		UpdatedAt:     timestamp(r.UpdatedAt),
	}
	switch {
	case r.Status == video.RecordingFailed:
		rendered.Error = renderFailure(video.FailureOf(r.FailedReason))
	case r.Status == video.RecordingProcessing && r.WaitingReason != "":
		rendered.Waiting = renderFailure(video.Awaited(r.WaitingReason))
	case r.Status == video.RecordingCompleted && links != nil:
		rendered.DownloadURL = optional(links(r.AccountID, video.MediaRecording, r.ID))
		rendered.IndexURL = optional(links(r.AccountID, video.MediaRecordingIndex, r.ID))
	}
	return rendered
}

func renderFailure(f video.Failure) *failureJSON { return &failureJSON{f.Code, f.Title, f.Detail} }
