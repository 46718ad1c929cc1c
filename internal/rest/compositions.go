package rest

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Compositions keeps the jobs that make files of recordings. What belongs to another account is not found.
type Compositions interface {
	CreateComposition(ctx context.Context, composition video.Composition) (video.Composition, error)
	Composition(ctx context.Context, account video.AccountID, id string) (video.Composition, error)
	Compositions(ctx context.Context, query video.CompositionQuery) (video.List[video.Composition], error)
	DeleteComposition(ctx context.Context, account video.AccountID, id string) error
}

func (e *entrance) createComposition(r *request) (answer, error) {
	id := r.newID()
	asked := compositionOf(r.body)
	asked.ID, asked.AccountID = id, r.account
	composition, err := e.Compositions.CreateComposition(r.Context(), asked)
	if r.once != nil && err != nil && video.CodeOf(err) == video.CodeDuplicate {
		if made, absent := e.Compositions.Composition(r.Context(), r.account, id); absent == nil {
			composition, err = made, nil // by this very request, before the server died over it
		}
	}
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusAccepted, renderComposition(composition, e.links(r))), nil
}

func (e *entrance) listCompositions(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.CompositionQuery{
		AccountID: r.account,
		SessionID: video.SessionID(q.id("filter[session_id]")),
		Status:    oneOfWords(q, "filter[status]", video.CompositionStatuses),
		CreatedAt: q.span("date_created_at"),
		Page:      q.page(),
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	return e.showMedia(r, "room_compositions", func() (func(mediaLinks) envelope, error) {
		compositions, err := e.Compositions.Compositions(r.Context(), query)
		return func(links mediaLinks) envelope {
			return page(compositions, query.Page, func(c video.Composition) compositionJSON { return renderComposition(c, links) })
		}, err
	})
}

func (e *entrance) composition(r *request) (answer, error) {
	return e.showMedia(r, "room_composition", func() (func(mediaLinks) envelope, error) {
		composition, err := e.Compositions.Composition(r.Context(), r.account, r.id)
		return func(links mediaLinks) envelope { return envelope{Data: renderComposition(composition, links)} }, err
	})
}

func (e *entrance) deleteComposition(r *request) (answer, error) {
	if err := e.Compositions.DeleteComposition(r.Context(), r.account, r.id); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

type (
	compositionJSON struct {
		RecordType              string                  `json:"record_type"`
		ID                      string                  `json:"id"`
		RoomID                  video.RoomID            `json:"room_id"`
		SessionID               video.SessionID         `json:"session_id"`
		UserID                  video.AccountID         `json:"user_id"`
		Status                  video.CompositionStatus `json:"status"`
		FailedReason            *string                 `json:"failed_reason"`
		Error                   *failureJSON            `json:"error"`
		Waiting                 *failureJSON            `json:"waiting"`
		Progress                int                     `json:"progress"`
		Warnings                []string                `json:"warnings"`
		Format                  video.CompositionFormat `json:"format"`
		Resolution              string                  `json:"resolution"`
		Layout                  layoutJSON              `json:"layout"`
		VideoLayout             map[string]regionJSON   `json:"video_layout"`
		AudioSources            []string                `json:"audio_sources"`
		OffsetMS                *float64                `json:"av_offset_ms"`
		Speed                   *float64                `json:"speed"`
		SizeMB                  megabytes               `json:"size_mb"`
		DurationSecs            int                     `json:"duration_secs"`
		DownloadURL             *string                 `json:"download_url"`
		WebhookEventURL         *string                 `json:"webhook_event_url"`
		WebhookEventFailoverURL *string                 `json:"webhook_event_failover_url"`
		WebhookTimeoutSecs      *int                    `json:"webhook_timeout_secs"`
		StartedAt               *timestamp              `json:"started_at"`
		EndedAt                 *timestamp              `json:"ended_at"`
		CompletedAt             *timestamp              `json:"completed_at"`
		CreatedAt               timestamp               `json:"created_at"`
		UpdatedAt               timestamp               `json:"updated_at"`
	}
	layoutJSON struct {
		Grid   video.GridMode `json:"grid"`
		Fit    video.Fit      `json:"fit"`
		Labels bool           `json:"labels"`
	}
	regionJSON struct {
		X            int      `json:"x_pos"`
		Y            int      `json:"y_pos"`
		Z            int      `json:"z_pos"`
		Width        *int     `json:"width"`
		Height       *int     `json:"height"`
		MaxColumns   *int     `json:"max_columns"`
		MaxRows      *int     `json:"max_rows"`
		VideoSources []string `json:"video_sources"`
	}
)

func renderComposition(c video.Composition, links mediaLinks) compositionJSON {
	layout := make(map[string]regionJSON, len(c.Layout))
	for name, region := range c.Layout {
		layout[name] = renderRegion(region)
	}
	var offset, speed *float64
	if c.Status == video.CompositionCompleted {
		milliseconds, rounded := float64(c.Offset.Microseconds())/1000, math.Round(c.Speed*100)/100
		offset, speed = &milliseconds, &rounded
	}
	var failed, waiting *failureJSON
	if c.Status == video.CompositionFailed {
		failed = renderFailure(video.CompositionFailure(c.FailedCode, c.FailedReason))
	}
	if c.Waiting != nil {
		waiting = renderFailure(*c.Waiting)
	}
	var download *string
	if c.Status == video.CompositionCompleted && links != nil {
		download = optional(links(c.AccountID, video.MediaComposition, c.ID))
	}
	return compositionJSON{
		RecordType:              "room_composition",
		ID:                      c.ID,
		RoomID:                  c.RoomID,
		SessionID:               c.SessionID,
		UserID:                  c.AccountID,
		Status:                  c.Status,
		FailedReason:            optional(c.FailedReason),
		Error:                   failed,
		Waiting:                 waiting,
		Progress:                c.Progress,
		Warnings:                append([]string{}, c.Warnings...),
		Format:                  c.Format,
		Resolution:              fmt.Sprintf("%dx%d", c.Width, c.Height),
		Layout:                  layoutJSON(c.Settings),
		VideoLayout:             layout,
		AudioSources:            each(c.AudioSources, func(id string) string { return id }),
		OffsetMS:                offset,
		Speed:                   speed,
		SizeMB:                  megabytes(c.SizeBytes),
		DownloadURL:             download,
		DurationSecs:            int(c.Duration / time.Second),
		WebhookEventURL:         optional(c.WebhookEventURL),
		WebhookEventFailoverURL: optional(c.WebhookEventFailoverURL),
		WebhookTimeoutSecs:      c.WebhookTimeoutSecs,
		StartedAt:               optionalTimestamp(c.StartedAt),
		EndedAt:                 optionalTimestamp(c.EndedAt),
		CompletedAt:             optionalTimestamp(c.CompletedAt),
		CreatedAt:               timestamp(c.CreatedAt),
		UpdatedAt:               timestamp(c.UpdatedAt),
	}
}

func renderRegion(r video.Region) regionJSON {
	given := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	return regionJSON{
		X: r.X, Y: r.Y, Z: r.Z, Width: given(r.Width), Height: given(r.Height),
		MaxColumns: given(r.MaxColumns), MaxRows: given(r.MaxRows),
		VideoSources: each(r.VideoSources, func(id string) string { return id }),
	}
}
