package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Deliveries keeps what was sent to webhooks, and what is to be. What belongs to another account is not found.
type Deliveries interface {
	// Deliveries come with their attempts, as does Delivery.
	Deliveries(ctx context.Context, query video.DeliveryQuery) (video.List[video.Delivery], error)
	Delivery(ctx context.Context, account video.AccountID, id string) (video.Delivery, error)
	// Redeliver fails with video.CodeState if there is no URL to deliver to.
	Redeliver(ctx context.Context, account video.AccountID, id string) (video.Delivery, error)
	RedeliverAll(ctx context.Context, query video.DeliveryQuery) (count int, err error)
	AddEvent(ctx context.Context, event video.Event, url, failover string, timeoutSecs *int) (video.Delivery, error)
}

var deliveryStatuses = []video.DeliveryStatus{
	video.DeliveryPending, video.DeliveryDelivered, video.DeliveryFailed, video.DeliverySkipped,
}

func (e *entrance) listDeliveries(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := q.deliveries(r.account)
	query.Page = q.page()
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	deliveries, err := e.Deliveries.Deliveries(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	return list(deliveries, query.Page, renderDelivery), nil
}

// deliveries reads the filters of deliveries.
func (q *query) deliveries(account video.AccountID) video.DeliveryQuery {
	query := video.DeliveryQuery{
		AccountID:        account,
		Status:           oneOfWords(q, "filter[status][eq]", deliveryStatuses),
		EventContains:    q.name("filter[webhook][contains]"),
		AttemptsContains: q.name("filter[attempts][contains]"),
		SessionID:        video.SessionID(q.id("filter[session_id]")),
		OccurredAt:       q.span("occurred_at"),
		StartedAt:        q.span("started_at"),
		FinishedAt:       q.span("finished_at"),
	}
	for _, name := range q.names("filter[event_type]") {
		query.Types = append(query.Types, video.EventType(name))
	}
	return query
}

func (e *entrance) delivery(r *request) (answer, error) {
	delivery, err := e.Deliveries.Delivery(r.Context(), r.account, r.id)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderDelivery(delivery)), nil
}

func (e *entrance) redeliver(r *request) (answer, error) {
	delivery, err := e.Deliveries.Redeliver(r.Context(), r.account, r.id)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusAccepted, renderDelivery(delivery)), nil
}

// redeliverAll takes the same filters as the list. All deliveries of the account are meant only if that is said.
func (e *entrance) redeliverAll(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := q.deliveries(r.account)
	all := orDefault(q.boolean("filter[all]", invalidFilter), false)
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	nothing := query.Status == "" && query.Types == nil && query.EventContains == "" && query.AttemptsContains == "" && query.SessionID == "" &&
		query.OccurredAt == (video.Span{}) && query.StartedAt == (video.Span{}) && query.FinishedAt == (video.Span{})
	if nothing && !all {
		return answer{}, &refusal{status: http.StatusUnprocessableEntity, faults: []fault{{
			kind: missingParameter, parameter: "filter[all]",
			detail: "A filter is required. To deliver everything again, say so: filter[all]=true.",
		}}}
	}
	// What is begun until the caller hangs up would be a matter of luck, and not in the audit log.
	count, err := e.Deliveries.RedeliverAll(context.WithoutCancel(r.Context()), query)
	if err != nil {
		return answer{}, err
	}
	r.note(string(r.account), r.URL.RawQuery)
	return one(http.StatusAccepted, redeliveredJSON{count}), nil
}

// sendTestEvent sends an event that means nothing to the URL in the body, or to where events of a room or the account go.
func (e *entrance) sendTestEvent(r *request) (answer, error) {
	event := video.Event{
		ID: r.newID(), AccountID: r.account, Type: video.EventTest,
		Payload: json.RawMessage(`{"message":"This is a test. Nothing happened."}`),
	}
	r.note(event.ID, "")
	if r.once != nil {
		if sent, absent := e.Deliveries.Delivery(r.Context(), r.account, event.ID); absent == nil {
			return one(http.StatusAccepted, renderDelivery(sent)), nil // by this very request, before the server died over it
		}
	}
	url, failover, timeout, err := e.testTarget(r, &event)
	if err != nil {
		return answer{}, err
	}
	delivery, err := e.Deliveries.AddEvent(r.Context(), event, url, failover, timeout)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusAccepted, renderDelivery(delivery)), nil
}

// testTarget is where a test goes, and what limit it has: the URL asked for, else the room's, else the account's.
func (e *entrance) testTarget(r *request, event *video.Event) (url, failover string, timeout *int, err error) {
	settings, err := e.Webhooks.WebhookSettings(r.Context(), r.account)
	if err != nil {
		return "", "", nil, err
	}
	url, failover, timeout = settings.URL, settings.FailoverURL, settings.TimeoutSecs
	if id := r.body.id("room_id"); id != "" {
		event.RoomID = video.RoomID(id)
		room, err := e.Rooms.Room(r.Context(), r.account, event.RoomID, false)
		if err != nil {
			return "", "", nil, err // it was there when the body was checked
		}
		if room.WebhookEventURL != "" {
			url, failover, timeout = room.WebhookEventURL, room.WebhookEventFailoverURL, room.WebhookTimeoutSecs
		}
	}
	if given := r.body.text("webhook_event_url"); given != "" {
		url, failover, timeout = given, "", nil
	}
	if url == "" {
		err = refuse(http.StatusUnprocessableEntity, unprocessable,
			"There is no URL to send the test to. Give one as webhook_event_url, or set one for the room or the account.")
	}
	return url, failover, timeout, err
}

// checkTestEvent finds a room in the body that is not there.
func (e *entrance) checkTestEvent(r *request) ([]fault, error) {
	id := r.body.id("room_id")
	if !video.IsUUID(id) {
		return nil, nil
	}
	_, err := e.Rooms.Room(r.Context(), r.account, video.RoomID(id), false)
	if err != nil && video.CodeOf(err) == video.CodeRoomNotFound {
		return []fault{faultAt([]string{"room_id"}, associatedAbsent, fmt.Sprintf("There is no room with id %s.", id))}, nil
	}
	return nil, err
}

type (
	deliveryJSON struct {
		RecordType              string               `json:"record_type"`
		ID                      string               `json:"id"`
		UserID                  video.AccountID      `json:"user_id"`
		Status                  video.DeliveryStatus `json:"status"`
		WebhookEventURL         *string              `json:"webhook_event_url"`
		WebhookEventFailoverURL *string              `json:"webhook_event_failover_url"`
		Webhook                 eventJSON            `json:"webhook"`
		StartedAt               *timestamp           `json:"started_at"`
		FinishedAt              *timestamp           `json:"finished_at"`
		Attempts                []attemptJSON        `json:"attempts"`
	}
	eventJSON struct {
		RecordType string          `json:"record_type"`
		EventType  video.EventType `json:"event_type"`
		ID         string          `json:"id"`
		OccurredAt timestamp       `json:"occurred_at"`
		Payload    json.RawMessage `json:"payload"`
	}
	attemptJSON struct {
		Status     video.DeliveryStatus `json:"status"`
		StartedAt  timestamp            `json:"started_at"`
		FinishedAt timestamp            `json:"finished_at"`
		HTTP       exchangeJSON         `json:"http"`
		Errors     []int                `json:"errors"`
	}
	exchangeJSON struct {
		Request  sentJSON      `json:"request"`
		Response *receivedJSON `json:"response"`
	}
	sentJSON struct {
		URL     string      `json:"url"`
		Headers [][2]string `json:"headers"`
	}
	receivedJSON struct {
		Status  int         `json:"status"`
		Headers [][2]string `json:"headers"`
		Body    string      `json:"body"`
	}
	redeliveredJSON struct {
		WebhookDeliveries int `json:"webhook_deliveries"`
	}
)

func renderDelivery(d video.Delivery) deliveryJSON {
	return deliveryJSON{
		RecordType:              "webhook_delivery",
		ID:                      d.ID,
		UserID:                  d.AccountID,
		Status:                  d.Status,
		WebhookEventURL:         optional(d.URL),
		WebhookEventFailoverURL: optional(d.FailoverURL),
		Webhook: eventJSON{
			RecordType: "event", EventType: d.Type, ID: d.ID, OccurredAt: timestamp(d.OccurredAt), Payload: d.Payload,
		},
		StartedAt:  optionalTimestamp(d.StartedAt),
		FinishedAt: optionalTimestamp(d.FinishedAt),
		Attempts:   each(d.Attempts, renderAttempt),
	}
}

func renderAttempt(a video.Attempt) attemptJSON {
	attempt := attemptJSON{
		Status:     video.DeliveryFailed,
		StartedAt:  timestamp(a.StartedAt),
		FinishedAt: timestamp(a.FinishedAt),
		HTTP:       exchangeJSON{Request: sentJSON{URL: a.URL, Headers: listed(a.RequestHeader)}},
		Errors:     listed(a.Errors),
	}
	if a.Delivered {
		attempt.Status = video.DeliveryDelivered
	}
	if a.ResponseStatus != 0 {
		attempt.HTTP.Response = &receivedJSON{
			Status: a.ResponseStatus, Headers: listed(a.ResponseHeader),
			Body: strings.ToValidUTF8(string(a.ResponseBody), "\ufffd"),
		}
	}
	return attempt
}

// listed is never nil, so that no items are [] in JSON.
func listed[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
