package store

import (
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func testLists(t *testing.T, f *fixture) {
	t.Run("rooms", func(t *testing.T) { testRoomList(t, f) })
	t.Run("sessions", func(t *testing.T) { testSessionList(t, f) })
	t.Run("participants", func(t *testing.T) { testParticipantList(t, f) })
}

func testRoomList(t *testing.T, f *fixture) {
	ctx := t.Context()
	var rooms []video.RoomID
	for range 7 {
		rooms = append(rooms, f.room("").ID)
	}
	slices.Reverse(rooms)
	var walked []video.RoomID
	for number := range 4 {
		list, err := f.Rooms(ctx, video.RoomQuery{AccountID: f.account, Page: video.Page{Number: number + 1, Size: 3}})
		must(t, err)
		wantEqual(t, "total", list.Total, 7)
		if list.Items == nil {
			t.Fatal("a page past the end is empty, not absent")
		}
		for _, room := range list.Items {
			walked = append(walked, room.ID)
		}
	}
	if !slices.Equal(walked, rooms) {
		t.Fatalf("walked %v, want %v", walked, rooms)
	}
	for _, page := range []video.Page{{}, {Number: 1}, {Number: 0, Size: 1}, {Number: 1, Size: video.MaxPageSize + 1}} {
		_, err := f.Rooms(ctx, video.RoomQuery{AccountID: f.account, Page: page})
		wantCode(t, err, video.CodeInvalid)
	}
	far, err := f.Rooms(ctx, video.RoomQuery{AccountID: f.account, Page: video.Page{Number: 1 << 62, Size: 250}})
	must(t, err)
	wantEqual(t, "total past the end", far.Total, 7)

	f.clock.advance(time.Hour)
	late := f.clock.now()
	named := f.room("name")
	old, err := f.Room(ctx, f.account, rooms[6], false)
	must(t, err)
	most := 3
	_, err = f.UpdateRoom(ctx, f.account, old.ID, video.RoomChange{MaxParticipants: &most})
	must(t, err)
	for name, c := range map[string]struct {
		query video.RoomQuery
		want  []video.RoomID
	}{
		"name":         {video.RoomQuery{UniqueName: "name"}, []video.RoomID{named.ID}},
		"unknown name": {video.RoomQuery{UniqueName: "nam"}, nil},
		"NUL in name":  {video.RoomQuery{UniqueName: "name\x00"}, nil},
		"created from": {video.RoomQuery{CreatedAt: video.Span{From: late}}, []video.RoomID{named.ID}},
		"updated from": {video.RoomQuery{UpdatedAt: video.Span{From: late}}, []video.RoomID{named.ID, old.ID}},
		"until is exclusive": {
			video.RoomQuery{CreatedAt: video.Span{From: old.CreatedAt, Until: old.CreatedAt}}, nil,
		},
		"from is inclusive": {
			video.RoomQuery{CreatedAt: video.Span{From: old.CreatedAt, Until: old.CreatedAt.Add(time.Microsecond)}},
			[]video.RoomID{old.ID},
		},
		"both": {
			video.RoomQuery{CreatedAt: video.Span{Until: late}, UpdatedAt: video.Span{From: late}}, []video.RoomID{old.ID},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.query.AccountID, c.query.Page = f.account, video.Page{Number: 1, Size: 20}
			list, err := f.Rooms(ctx, c.query)
			must(t, err)
			var got []video.RoomID
			for _, room := range list.Items {
				got = append(got, room.ID)
			}
			if !slices.Equal(got, c.want) || list.Total != len(c.want) {
				t.Fatalf("got %v (%d), want %v", got, list.Total, c.want)
			}
		})
	}
}

func testSessionList(t *testing.T, f *fixture) {
	ctx := t.Context()
	first, second := f.room(""), f.room("")
	ended := f.session(first.ID)
	f.join(ended.ID, "")
	f.end(ended.ID, video.EndedEmpty)
	f.flush()
	f.clock.advance(time.Hour)
	late := f.clock.now()
	open := f.session(first.ID)
	other := f.session(second.ID)
	yes, no := true, false
	for name, c := range map[string]struct {
		query video.SessionQuery
		want  []video.SessionID
	}{
		"all":           {video.SessionQuery{}, []video.SessionID{other.ID, open.ID, ended.ID}},
		"room":          {video.SessionQuery{RoomID: first.ID}, []video.SessionID{open.ID, ended.ID}},
		"active":        {video.SessionQuery{Active: &yes}, []video.SessionID{other.ID, open.ID}},
		"not active":    {video.SessionQuery{Active: &no}, []video.SessionID{ended.ID}},
		"room, active":  {video.SessionQuery{RoomID: first.ID, Active: &yes}, []video.SessionID{open.ID}},
		"ended before":  {video.SessionQuery{EndedAt: video.Span{Until: late}}, []video.SessionID{ended.ID}},
		"ended after":   {video.SessionQuery{EndedAt: video.Span{From: late}}, nil},
		"updated":       {video.SessionQuery{UpdatedAt: video.Span{From: late}}, []video.SessionID{other.ID, open.ID}},
		"created until": {video.SessionQuery{CreatedAt: video.Span{Until: late}}, []video.SessionID{ended.ID}},
	} {
		t.Run(name, func(t *testing.T) {
			c.query.AccountID, c.query.Page, c.query.IncludeParticipants = f.account, video.Page{Number: 1, Size: 20}, true
			list, err := f.Sessions(ctx, c.query)
			must(t, err)
			var got []video.SessionID
			for _, session := range list.Items {
				got = append(got, session.ID)
				wantEqual(t, "participants", len(session.Participants), map[bool]int{true: 1}[session.ID == ended.ID])
			}
			if !slices.Equal(got, c.want) || list.Total != len(c.want) {
				t.Fatalf("got %v (%d), want %v", got, list.Total, c.want)
			}
		})
	}
	must(t, f.Flush(ctx))
	f.end(open.ID, video.EndedEmpty)
	f.end(other.ID, video.EndedEmpty)
	f.flush()
}

func testParticipantList(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.clock.advance(time.Hour)
	begin := f.clock.now()
	one, two := f.session(f.room("").ID), f.session(f.room("").ID)
	a, b, c := f.join(one.ID, "x"), f.join(two.ID, "x"), f.join(two.ID, "y")
	f.clock.advance(time.Hour)
	late := f.clock.now()
	f.leave(a, video.LeftByChoice)
	f.flush()
	x, none := "x", "none"
	for name, test := range map[string]struct {
		query video.ParticipantQuery
		want  []video.ParticipantID
	}{
		"joined":           {video.ParticipantQuery{JoinedAt: video.Span{From: begin}}, []video.ParticipantID{c.ID, b.ID, a.ID}},
		"session":          {video.ParticipantQuery{SessionID: two.ID}, []video.ParticipantID{c.ID, b.ID}},
		"context":          {video.ParticipantQuery{Context: &x}, []video.ParticipantID{b.ID, a.ID}},
		"session, context": {video.ParticipantQuery{SessionID: two.ID, Context: &x}, []video.ParticipantID{b.ID}},
		"no such context":  {video.ParticipantQuery{Context: &none}, nil},
		"left":             {video.ParticipantQuery{LeftAt: video.Span{From: late}}, []video.ParticipantID{a.ID}},
		"updated":          {video.ParticipantQuery{UpdatedAt: video.Span{From: late}}, []video.ParticipantID{a.ID}},
		"updated until":    {video.ParticipantQuery{UpdatedAt: video.Span{From: begin, Until: late}}, []video.ParticipantID{c.ID, b.ID}},
	} {
		t.Run(name, func(t *testing.T) {
			test.query.AccountID, test.query.Page = f.account, video.Page{Number: 1, Size: 20}
			list, err := f.Participants(ctx, test.query)
			must(t, err)
			var got []video.ParticipantID
			for _, p := range list.Items {
				got = append(got, p.ID)
			}
			if !slices.Equal(got, test.want) || list.Total != len(test.want) {
				t.Fatalf("got %v (%d), want %v", got, list.Total, test.want)
			}
		})
	}
}

// Every range is counted alike from inside and from outside.
func testCounting(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	var times []time.Time
	for i := range 12 {
		p := f.join(session.ID, "")
		times = append(times, p.JoinedAt)
		if i%3 > 0 { // some are still there
			f.leave(p, video.LeftByChoice)
		}
		f.clock.advance(time.Duration(i*i) * time.Second)
	}
	f.flush()
	number, err := f.number(t.Context(), f.account)
	must(t, err)
	bounds := append([]time.Time{{}}, times...)
	for _, column := range []string{"joined_at", "updated_at", "left_at"} {
		for _, from := range bounds {
			for _, until := range bounds {
				if from.IsZero() && until.IsZero() {
					continue
				}
				l := listing{table: "participants", start: "joined_at", account: number, total: "participants"}
				l.during(column, video.Span{From: from, Until: until})
				var direct int
				must(t, l.query(f.reads, l.start).ColumnExpr("count(*)").Scan(t.Context(), &direct))
				got, err := f.count(t.Context(), l)
				must(t, err)
				wantEqual(t, column, got, direct)
			}
		}
	}
}

// Several ranges are counted alike in whichever index.
func testCountingRanges(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	var times []time.Time
	for i := range 8 {
		p := f.join(session.ID, "")
		times = append(times, p.JoinedAt)
		if i%3 > 0 {
			f.leave(p, video.LeftByChoice)
		}
		f.clock.advance(time.Duration(i) * time.Second)
	}
	f.flush()
	all, err := f.Participants(t.Context(), video.ParticipantQuery{AccountID: f.account, Page: video.Page{Number: 1, Size: 20}})
	must(t, err)
	within := func(at *time.Time, span video.Span) bool {
		if span == (video.Span{}) {
			return true
		}
		return at != nil && !at.Before(span.From) && (span.Until.IsZero() || at.Before(span.Until))
	}
	spans := []video.Span{{}, {From: times[2]}, {Until: times[5]}, {From: times[1], Until: times[6]}}
	for _, joined := range spans {
		for _, updated := range spans {
			for _, left := range spans {
				want := 0
				for _, p := range all.Items {
					if within(&p.JoinedAt, joined) && within(&p.UpdatedAt, updated) && within(p.LeftAt, left) {
						want++
					}
				}
				list, err := f.Participants(t.Context(), video.ParticipantQuery{
					AccountID: f.account, JoinedAt: joined, UpdatedAt: updated, LeftAt: left, Page: video.Page{Number: 1, Size: 20},
				})
				must(t, err)
				if list.Total != want || len(list.Items) != want {
					t.Fatalf("joined %v, updated %v, left %v: %d of %d, want %d", joined, updated, left, len(list.Items), list.Total, want)
				}
			}
		}
	}
}
