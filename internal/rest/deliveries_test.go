package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// event puts an event that goes to a URL into the outbox.
func (h *house) event(account video.AccountID, eventType video.EventType, url string) video.Delivery {
	h.Helper()
	delivery, err := h.store.AddEvent(h.Context(), video.Event{
		AccountID: account, Type: eventType, Payload: json.RawMessage(`{"room_id":"the-room"}`),
	}, url, "", nil)
	h.must(err)
	return delivery
}

// sendTest is a delivery that there is.
func (h *house) sendTest() video.Delivery {
	return h.event(h.account, video.EventTest, "https://example.com")
}

// attempt has a delivery tried, with this outcome.
func (h *house) attempt(d video.Delivery, status int, body string, errors ...int) {
	h.Helper()
	now := h.clock()
	outcome := video.DeliveryOutcome{
		Seq: d.Seq, Status: video.DeliveryFailed, Attempt: video.Attempt{
			Number: d.AttemptCount + 1, URL: d.URL, Delivered: len(errors) == 0, StartedAt: now, FinishedAt: now.Add(time.Second),
			RequestHeader: [][2]string{{"content-type", "application/json"}}, ResponseStatus: status,
			ResponseHeader: [][2]string{{"server", "x"}}, ResponseBody: []byte(body), Errors: errors,
		},
	}
	if len(errors) == 0 {
		outcome.Status = video.DeliveryDelivered
	}
	h.must(h.store.SettleDeliveries(h.Context(), []video.DeliveryOutcome{outcome}))
}

func TestDeliveries(t *testing.T) {
	h := newHouse(t)
	h.at("2026-02-02T10:00:00Z")
	fine := h.event(h.account, video.EventSessionStarted, "https://a.example/hook")
	h.attempt(fine, 200, "thanks\xff")
	h.at("2026-02-03T10:00:00Z")
	refused := h.event(h.account, video.EventSessionEnded, "https://b.example")
	h.attempt(refused, 0, "", 75001)
	waiting := h.event(h.account, video.EventTest, "https://c.example")
	skipped := h.event(h.account, video.EventTest, "")
	h.event(h.config.Keys.(keyRing).foreign, video.EventTest, "https://d.example")

	list := h.call("GET", "/webhook_deliveries", nil).want(http.StatusOK)
	if got := list.ids(); len(got) != 4 || got[2] != refused.ID && got[3] != fine.ID {
		t.Errorf("listed %q", got)
	}
	list.wantMeta(1, 4, 1, 20)
	for _, c := range []struct {
		filter []string
		want   []string
	}{
		{[]string{"filter[status][eq]", "failed"}, []string{refused.ID}},
		{[]string{"filter[status][eq]", "pending"}, []string{waiting.ID}},
		{[]string{"filter[status][eq]", "skipped"}, []string{skipped.ID}},
		{[]string{"filter[event_type]", "video.room.session.ended, video.room.session.started"}, []string{refused.ID, fine.ID}},
		{[]string{"filter[event_type]", "nothing"}, []string{}},
		{[]string{"filter[webhook][contains]", "SESSION.started"}, []string{fine.ID}},
		{[]string{"filter[webhook][contains]", "%"}, []string{}},
		{[]string{"filter[attempts][contains]", "75001"}, []string{refused.ID}},
		{[]string{"filter[attempts][contains]", "a.example"}, []string{fine.ID}},
		{[]string{"filter[started_at][gte]", "2026-02-03"}, []string{refused.ID}},
		{[]string{"filter[finished_at][lte]", "2026-02-02T10:00:01Z"}, []string{fine.ID}},
		{[]string{"filter[started_at][lte]", "2026-02-03", "filter[status][eq]", "delivered"}, []string{fine.ID}},
	} {
		if got := h.call("GET", "/webhook_deliveries"+parameters(c.filter...), nil).want(http.StatusOK).ids(); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.filter, got, c.want)
		}
	}
	h.call("GET", "/webhook_deliveries"+parameters("filter[status][eq]", "lost"), nil).wantFaults(http.StatusUnprocessableEntity, "10032 filter[status][eq]")
	h.call("GET", "/webhook_deliveries"+parameters("filter[status]", "failed", "filter[event_type]", ""), nil).
		wantFaults(http.StatusBadRequest, "10031 filter[event_type]", "10031 filter[status]")

	shown := h.call("GET", "/webhook_deliveries/"+fine.ID, nil).want(http.StatusOK).data()
	attempt := shown["attempts"].([]any)[0].(map[string]any)
	exchange := attempt["http"].(map[string]any)
	if shown["user_id"] != string(h.account) || shown["status"] != "delivered" || shown["started_at"] != "2026-02-02T10:00:00.000000Z" ||
		shown["webhook"].(map[string]any)["payload"].(map[string]any)["room_id"] != "the-room" || attempt["status"] != "delivered" ||
		fmt.Sprint(exchange) != "map[request:map[headers:[[content-type application/json]] url:https://a.example/hook] "+
			"response:map[body:thanks\ufffd headers:[[server x]] status:200]]" {
		t.Errorf("shown %v", shown)
	}
	shown = h.call("GET", "/webhook_deliveries/"+refused.ID, nil).want(http.StatusOK).data()
	attempt = shown["attempts"].([]any)[0].(map[string]any)
	if attempt["http"].(map[string]any)["response"] != nil || attempt["errors"].([]any)[0] != 75001.0 || attempt["status"] != "failed" {
		t.Errorf("shown %v", shown)
	}
	for _, path := range []string{"/webhook_deliveries/" + fine.ID, "/webhook_deliveries/" + fine.ID + "/actions/redeliver"} {
		method := map[bool]string{true: "GET", false: "POST"}[path == "/webhook_deliveries/"+fine.ID]
		h.call(method, path, nil, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
		h.call(method, path, nil, "Authorization", "Bearer "+h.key(video.RightsReadOnly)).wantFaults(http.StatusForbidden, "10010")
	}
}

func TestRedelivery(t *testing.T) {
	h := newHouse(t)
	failed := h.event(h.account, video.EventSessionEnded, "https://b.example")
	h.attempt(failed, 500, "no", 75500)
	done := h.event(h.account, video.EventSessionEnded, "https://b.example")
	h.attempt(done, 200, "")
	skipped, err := h.store.AddEvent(t.Context(), video.Event{
		AccountID: h.account, Type: video.EventSessionEnded, RoomID: video.RoomID(h.room(nil)), Payload: json.RawMessage(`{}`),
	}, "", "", nil)
	h.must(err)
	path := func(d video.Delivery) string { return "/webhook_deliveries/" + d.ID + "/actions/redeliver" }

	again := h.call("POST", path(failed), nil).want(http.StatusAccepted).data()
	if again["status"] != "pending" || again["finished_at"] != nil || len(again["attempts"].([]any)) != 1 {
		t.Errorf("began %v", again)
	}
	h.call("POST", path(skipped), nil).wantFaults(http.StatusUnprocessableEntity, "10027")
	h.call("PATCH", "/webhook_settings", `{"webhook_event_url":"https://late.example"}`).want(http.StatusOK)
	if got := h.call("POST", path(skipped), nil).want(http.StatusAccepted).data()["webhook_event_url"]; got != "https://late.example" {
		t.Errorf("goes to %v", got)
	}

	bulk := func(filter ...string) reply {
		return h.call("POST", "/webhook_deliveries/actions/redeliver"+parameters(filter...), nil)
	}
	bulk().wantFaults(http.StatusUnprocessableEntity, "10004 filter[all]")
	bulk("filter[all]", "false", "page[size]", "1").wantFaults(http.StatusUnprocessableEntity, "10004 filter[all]")
	bulk("filter[al]", "true").wantFaults(http.StatusBadRequest, "10031 filter[al]")
	for want, filter := range [][]string{0: {"filter[status][eq]", "failed"}, 1: {"filter[status][eq]", "delivered"}, 3: {"filter[all]", "true"}} {
		if filter == nil {
			continue
		}
		if got := bulk(filter...).want(http.StatusAccepted).data()["webhook_deliveries"]; got != float64(want) {
			t.Errorf("%q: %v begun, want %d", filter, got, want)
		}
	}
	if got := h.entries(); len(got) != 7 || got[1] != "webhook_delivery.redeliver "+failed.ID {
		t.Errorf("audit log %q", got)
	}
}

// outbox lets a type embed Deliveries, which has a method of the same name.
type outbox interface{ Deliveries }

// abandoned sees its caller hang up.
type abandoned struct {
	outbox
	hangUp func()
}

func (a abandoned) RedeliverAll(ctx context.Context, query video.DeliveryQuery) (int, error) {
	a.hangUp()
	return a.outbox.RedeliverAll(ctx, query)
}

func TestRedeliveryOutlivesItsCaller(t *testing.T) {
	h := newHouse(t)
	h.attempt(h.sendTest(), 200, "")
	r := newRequest(h, "POST", "/webhook_deliveries/actions/redeliver?filter[all]=true", nil)
	ctx, hangUp := context.WithCancel(r.Context())
	h.config.Deliveries = abandoned{h.store, hangUp}
	h.rebuild()
	h.handler.ServeHTTP(&discarded{header: http.Header{}}, r.WithContext(ctx))
	pending := h.call("GET", "/webhook_deliveries?filter[status][eq]=pending", nil).ids()
	if got := h.entries(); len(got) != 1 || len(pending) != 1 {
		t.Errorf("%q is begun anew, and the audit log is %q", pending, got)
	}
}

func TestTestEvents(t *testing.T) {
	h := newHouse(t)
	send := func(content any, header ...string) reply {
		return h.call("POST", "/webhook_settings/actions/send_test_event", content, header...)
	}
	send(nil).wantFaults(http.StatusUnprocessableEntity, "10027")
	send(`{"room_id":"`+absentID+`"}`).wantFaults(http.StatusUnprocessableEntity, "10017 /room_id")
	send(`{"room_id":"`+absentID+`","webhook_event_url":"x"}`).wantFaults(http.StatusUnprocessableEntity, "10017 /room_id", "10003 /webhook_event_url")
	send(`{"room_id":"x","webhook_event_url":"x"}`).wantFaults(http.StatusUnprocessableEntity, "10006 /room_id", "10003 /webhook_event_url")
	room := h.room(`{"webhook_event_url":"https://room.example","webhook_event_failover_url":"https://failover.example"}`)
	bare := h.room(nil)
	send(`{"room_id":"`+bare+`"}`).wantFaults(http.StatusUnprocessableEntity, "10027")
	h.call("PATCH", "/webhook_settings", `{"webhook_event_url":"https://account.example"}`).want(http.StatusOK)
	for content, want := range map[string][2]any{
		"":                           {"https://account.example", nil},
		`{"room_id":"` + room + `"}`: {"https://room.example", "https://failover.example"},
		`{"room_id":"` + bare + `"}`: {"https://account.example", nil},
		`{"webhook_event_url":"https://here.example","room_id":"` + room + `"}`: {"https://here.example", nil},
	} {
		sent := send(content).want(http.StatusAccepted).data()
		webhook := sent["webhook"].(map[string]any)
		if sent["webhook_event_url"] != want[0] || sent["webhook_event_failover_url"] != want[1] || sent["status"] != "pending" ||
			webhook["event_type"] != "rotunda.test" || webhook["id"] != sent["id"] {
			t.Errorf("%s: sent %v", content, sent)
		}
		h.call("GET", "/webhook_deliveries/"+sent["id"].(string), nil).want(http.StatusOK)
	}
	h.config.Idempotency = forgetful{h.store}
	h.rebuild()
	first := send(nil, once, "k").want(http.StatusAccepted).data()["id"]
	if again := send(nil, once, "k").want(http.StatusAccepted).data()["id"]; again != first {
		t.Errorf("sent %v, and after the server died %v", first, again)
	}
	if total := h.call("GET", "/webhook_deliveries", nil).body["meta"].(map[string]any)["total_results"]; total != 5.0 {
		t.Errorf("%v deliveries", total)
	}
}
