package store

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (f *fixture) addEvents(url string, n int) []video.Delivery {
	f.t.Helper()
	added := make([]video.Delivery, n)
	for i := range added {
		var err error
		added[i], err = f.AddEvent(f.t.Context(), video.Event{
			AccountID: f.account, Type: video.EventTest, Payload: []byte(fmt.Sprintf(`{"n":%d}`, i)),
		}, url, "", nil)
		must(f.t, err)
	}
	return added
}

func (f *fixture) claim(n int, busy ...string) []video.Delivery {
	f.t.Helper()
	claimed, err := f.ClaimDeliveries(f.t.Context(), busy, time.Minute, n)
	must(f.t, err)
	return claimed
}

func seqs(deliveries []video.Delivery) (all []int64) {
	for _, d := range deliveries {
		all = append(all, d.Seq)
	}
	return all
}

func wantSeqs(t *testing.T, got []video.Delivery, want ...[]video.Delivery) {
	t.Helper()
	var all []int64
	for _, some := range want {
		all = append(all, seqs(some)...)
	}
	if !reflect.DeepEqual(seqs(got), all) {
		t.Fatalf("got deliveries %v, want %v", seqs(got), all)
	}
}

func testClaims(t *testing.T, f *fixture) {
	select {
	case <-f.DeliveriesCommitted():
		t.Fatal("news of no deliveries")
	default:
	}
	if next, err := f.NextDelivery(t.Context(), nil); err != nil || next != nil {
		t.Fatalf("next delivery %v, %v", next, err)
	}
	a, b, c := f.addEvents("https://a.example", 10), f.addEvents("https://b.example", 2), f.addEvents("https://c.example", 1)
	<-f.DeliveriesCommitted()
	wantSeqs(t, f.claim(3, "https://b.example"), a[:3])
	wantSeqs(t, f.claim(64), a[3:10], b, c)
	wantSeqs(t, f.claim(64))
	next, err := f.NextDelivery(t.Context(), []string{"https://a.example"})
	must(t, err)
	if wait := next.Sub(f.clock.now()); wait > time.Minute || wait < 59*time.Second {
		t.Fatalf("the next is due in %v, want when the lease is over", wait)
	}
	waiting, err := f.WaitingDeliveries(t.Context())
	must(t, err)
	wantEqual(t, "waiting", waiting, 13)

	f.clock.advance(2 * time.Minute) // the leases are over
	wantSeqs(t, f.claim(64, "https://b.example", "https://c.example"), a[:claimPerTarget])
	must(t, f.ReleaseDeliveries(t.Context()))
	wantSeqs(t, f.claim(2), a[:2])
	f.clock.advance(-time.Hour)
	wantSeqs(t, f.claim(64)) // nothing is due yet
}

func testSettling(t *testing.T, f *fixture) {
	added := f.addEvents("https://a.example", 2)
	f.claim(2)
	at := start.Add(time.Minute)
	later := at.Add(time.Second)
	first := video.Attempt{
		Number: 1, URL: "https://a.example", StartedAt: at, FinishedAt: at.Add(time.Millisecond),
		RequestHeader: [][2]string{{"webhook-id", "x"}}, ResponseStatus: 503,
		ResponseHeader: [][2]string{{"x", "\xff"}}, ResponseBody: append([]byte("a\x00\xff"), make([]byte, video.MaxResponseBody)...), Errors: []int{75599},
	}
	outcome := video.DeliveryOutcome{
		Seq: added[0].Seq, Attempt: first, Status: video.DeliveryPending, Step: 1, Target: "https://b.example", NextAt: &later,
	}
	gone := outcome
	gone.Seq = 1 << 40
	must(t, f.SettleDeliveries(t.Context(), []video.DeliveryOutcome{gone, outcome}))
	must(t, f.SettleDeliveries(t.Context(), []video.DeliveryOutcome{outcome})) // the same once more changes nothing
	got, err := f.Delivery(t.Context(), f.account, added[0].ID)
	must(t, err)
	if got.Status != video.DeliveryPending || got.Step != 1 || got.AttemptCount != 1 || !got.NextAt.Equal(later) || got.FinishedAt != nil ||
		!got.StartedAt.Equal(at) || len(got.Attempts) != 1 {
		t.Fatalf("settled as %+v", got)
	}
	kept := got.Attempts[0]
	if kept.ResponseStatus != 503 || !strings.HasPrefix(string(kept.ResponseBody), "a\uFFFD\uFFFD") ||
		!reflect.DeepEqual(kept.RequestHeader, first.RequestHeader) || !reflect.DeepEqual(kept.Errors, first.Errors) || !kept.FinishedAt.Equal(first.FinishedAt) {
		t.Fatalf("attempt kept as %+v", kept)
	}
	f.clock.advance(time.Hour)
	wantSeqs(t, f.claim(9, "https://a.example"), added[:1]) // the new target counts
	second := video.Attempt{Number: 2, URL: "https://b.example", Delivered: true, StartedAt: later, FinishedAt: later, Errors: []int{}}
	must(t, f.SettleDeliveries(t.Context(), []video.DeliveryOutcome{{
		Seq: added[0].Seq, Attempt: second, Status: video.DeliveryDelivered, Step: 1,
	}}))
	got, err = f.Delivery(t.Context(), f.account, added[0].ID)
	must(t, err)
	if got.Status != video.DeliveryDelivered || got.NextAt != nil || !got.FinishedAt.Equal(later) || !got.StartedAt.Equal(at) ||
		len(got.Attempts) != 2 || got.Attempts[0].Number != 2 || !got.Attempts[0].Delivered {
		t.Fatalf("settled as %+v", got)
	}
	_, err = f.Delivery(t.Context(), f.foreign(), added[0].ID)
	wantCode(t, err, video.CodeNotFound)
}

func testDeliveryLog(t *testing.T, f *fixture) {
	session := f.session(f.hooked("https://a.example", "").ID)
	p := f.join(session.ID, "100%_Ünder!")
	f.room("")
	tests := f.addEvents("https://b.example", 3)
	f.claim(9)
	finish := func(d video.Delivery, minutes int, status video.DeliveryStatus, body string) {
		at := start.Add(time.Duration(minutes) * time.Minute)
		must(t, f.SettleDeliveries(t.Context(), []video.DeliveryOutcome{{
			Seq: d.Seq, Status: status,
			Attempt: video.Attempt{Number: 1, URL: d.URL, StartedAt: at, FinishedAt: at.Add(time.Second), ResponseBody: []byte(body), Errors: []int{75404}},
		}}))
	}
	finish(tests[0], 1, video.DeliveryFailed, "Not here")
	finish(tests[1], 2, video.DeliveryDelivered, "fine")
	span := func(from, until int) video.Span {
		return video.Span{From: start.Add(time.Duration(from) * time.Minute), Until: start.Add(time.Duration(until) * time.Minute)}
	}
	for name, c := range map[string]struct {
		query video.DeliveryQuery
		want  int
	}{
		"all":                 {video.DeliveryQuery{}, 5},
		"status":              {video.DeliveryQuery{Status: video.DeliveryFailed}, 1},
		"pending":             {video.DeliveryQuery{Status: video.DeliveryPending}, 3},
		"types":               {video.DeliveryQuery{Types: []video.EventType{video.EventSessionStarted, video.EventParticipantJoined}}, 2},
		"type":                {video.DeliveryQuery{Types: []video.EventType{video.EventTest}}, 3},
		"event contains":      {video.DeliveryQuery{EventContains: `"N":1`}, 1},
		"event contains id":   {video.DeliveryQuery{EventContains: string(p.ID)}, 1},
		"wildcards are text":  {video.DeliveryQuery{EventContains: `100%_Ünder!`}, 1},
		"wildcards match no":  {video.DeliveryQuery{EventContains: `1%0`}, 0},
		"NUL":                 {video.DeliveryQuery{EventContains: "\x00"}, 0},
		"attempts contain":    {video.DeliveryQuery{AttemptsContains: "not HERE"}, 1},
		"attempts by code":    {video.DeliveryQuery{AttemptsContains: "75404"}, 2},
		"attempts by url":     {video.DeliveryQuery{AttemptsContains: "B.example"}, 2},
		"started":             {video.DeliveryQuery{StartedAt: span(2, 3)}, 1},
		"finished":            {video.DeliveryQuery{FinishedAt: span(0, 2)}, 1},
		"finished and words":  {video.DeliveryQuery{FinishedAt: span(0, 3), AttemptsContains: "fine"}, 1},
		"started and status":  {video.DeliveryQuery{StartedAt: span(0, 3), Status: video.DeliveryFailed}, 1},
		"session":             {video.DeliveryQuery{SessionID: session.ID}, 2},
		"session and type":    {video.DeliveryQuery{SessionID: session.ID, Types: []video.EventType{video.EventSessionStarted}}, 1},
		"no session":          {video.DeliveryQuery{SessionID: "another"}, 0},
		"status and contains": {video.DeliveryQuery{Status: video.DeliveryFailed, AttemptsContains: "fine"}, 0},
	} {
		c.query.AccountID, c.query.Page = f.account, firstPage
		list, err := f.Deliveries(t.Context(), c.query)
		must(t, err)
		if list.Total != c.want || len(list.Items) != c.want {
			t.Errorf("%s: %d of %d, want %d", name, len(list.Items), list.Total, c.want)
		}
		for i, d := range list.Items {
			if i > 0 && d.OccurredAt.After(list.Items[i-1].OccurredAt) {
				t.Errorf("%s: not newest first", name)
			}
			if wanted := d.AttemptCount; len(d.Attempts) != wanted {
				t.Errorf("%s: %d attempts, want %d", name, len(d.Attempts), wanted)
			}
		}
	}
	list, err := f.Deliveries(t.Context(), video.DeliveryQuery{AccountID: f.foreign(), Page: firstPage})
	must(t, err)
	wantEqual(t, "of another account", list.Total, 0)
}

func testRedelivery(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.room("")
	f.session(room.ID)
	skipped := f.outbox()[0]
	_, err := f.Redeliver(ctx, f.account, skipped.ID)
	wantCode(t, err, video.CodeState)
	f.settings("https://account.example", "")
	begun, err := f.Redeliver(ctx, f.account, skipped.ID)
	must(t, err)
	if begun.Status != video.DeliveryPending || begun.URL != "https://account.example" || *begun.TimeoutSecs != 9 || begun.NextAt == nil {
		t.Fatalf("begun anew as %+v", begun)
	}
	<-f.DeliveriesCommitted()
	wantSeqs(t, f.claim(9), []video.Delivery{skipped})
	_, err = f.Redeliver(ctx, f.account, skipped.ID) // under way: left alone
	must(t, err)
	wantSeqs(t, f.claim(9))
	must(t, f.SettleDeliveries(ctx, []video.DeliveryOutcome{{
		Seq: skipped.Seq, Step: 10, Status: video.DeliveryFailed, Attempt: video.Attempt{Number: 1, StartedAt: start, FinishedAt: start},
	}}))
	f.addEvents("https://a.example", 3)
	n, err := f.RedeliverAll(ctx, video.DeliveryQuery{AccountID: f.account, Status: video.DeliveryFailed})
	must(t, err)
	wantEqual(t, "begun", n, 1)
	again, err := f.Delivery(ctx, f.account, skipped.ID)
	must(t, err)
	if again.Step != 0 || again.Status != video.DeliveryPending || again.FinishedAt != nil || again.AttemptCount != 1 {
		t.Fatalf("begun anew as %+v", again)
	}
	n, err = f.RedeliverAll(ctx, video.DeliveryQuery{AccountID: f.account})
	must(t, err)
	wantEqual(t, "begun", n, 4)
	_, err = f.Redeliver(ctx, f.foreign(), skipped.ID)
	wantCode(t, err, video.CodeNotFound)
}
