package store

import (
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// shape is a way of asking for a list that planners may treat in a way of its own.
type shape struct {
	name string
	list func() (total int, err error)
}

// listShapes are to be asked of what fillBench made.
func listShapes(tb testing.TB, s *Store, account video.AccountID) []shape {
	ctx := tb.Context()
	newest, err := s.Sessions(ctx, video.SessionQuery{AccountID: account, Page: video.Page{Number: 1, Size: 1}})
	if err != nil {
		tb.Fatal(err)
	}
	session, room := newest.Items[0].ID, newest.Items[0].RoomID
	first, hundredth, large := video.Page{Number: 1, Size: 20}, video.Page{Number: 100, Size: 20}, video.Page{Number: 100, Size: 250}
	when := func(from, until float64) video.Span {
		return video.Span{From: start.Add(time.Duration(from * float64(benchYear))), Until: start.Add(time.Duration(until * float64(benchYear)))}
	}
	day, half, year := when(0.5, 0.5+1./365), when(0.25, 0.75), when(0, 2)
	same, rare := "same", `{"user": 10}`
	yes, no := true, false

	rooms := func(q video.RoomQuery) func() (int, error) {
		q.AccountID = account
		return func() (int, error) { l, err := s.Rooms(ctx, q); return l.Total, err }
	}
	sessions := func(q video.SessionQuery) func() (int, error) {
		q.AccountID = account
		return func() (int, error) { l, err := s.Sessions(ctx, q); return l.Total, err }
	}
	participants := func(q video.ParticipantQuery) func() (int, error) {
		q.AccountID = account
		return func() (int, error) { l, err := s.Participants(ctx, q); return l.Total, err }
	}
	return []shape{
		{"rooms/page 1", rooms(video.RoomQuery{Page: first})},
		{"rooms/page 100", rooms(video.RoomQuery{Page: hundredth})},
		{"rooms/page 100 of 250", rooms(video.RoomQuery{Page: large})},
		{"rooms/page 1 of 250 with sessions", rooms(video.RoomQuery{Page: video.Page{Number: 1, Size: 250}, IncludeSessions: true})},
		{"rooms/name", rooms(video.RoomQuery{Page: first, UniqueName: "room 777"})},
		{"rooms/created half a year, page 100", rooms(video.RoomQuery{Page: hundredth, CreatedAt: half})},
		{"rooms/updated day", rooms(video.RoomQuery{Page: first, UpdatedAt: day})},
		{"rooms/updated half a year, page 100", rooms(video.RoomQuery{Page: hundredth, UpdatedAt: half})},
		{"sessions/page 100 of 250", sessions(video.SessionQuery{Page: large})},
		{"sessions/page 1 of 250 with participants", sessions(video.SessionQuery{Page: video.Page{Number: 1, Size: 250}, IncludeParticipants: true})},
		{"sessions/room", sessions(video.SessionQuery{Page: first, RoomID: room})},
		{"sessions/room, ended half a year", sessions(video.SessionQuery{Page: first, RoomID: room, EndedAt: half})},
		{"sessions/active", sessions(video.SessionQuery{Page: first, Active: &yes})},
		{"sessions/not active, page 100", sessions(video.SessionQuery{Page: hundredth, Active: &no})},
		{"sessions/ended half a year, page 100", sessions(video.SessionQuery{Page: hundredth, EndedAt: half})},
		{"sessions/updated day", sessions(video.SessionQuery{Page: first, UpdatedAt: day})},
		{"participants/page 1", participants(video.ParticipantQuery{Page: first})},
		{"participants/page 100", participants(video.ParticipantQuery{Page: hundredth})},
		{"participants/page 100 of 250", participants(video.ParticipantQuery{Page: large})},
		{"participants/joined day", participants(video.ParticipantQuery{Page: first, JoinedAt: day})},
		{"participants/joined half a year, page 100", participants(video.ParticipantQuery{Page: hundredth, JoinedAt: half})},
		{"participants/joined year, page 100 of 250", participants(video.ParticipantQuery{Page: large, JoinedAt: year})},
		{"participants/updated day", participants(video.ParticipantQuery{Page: first, UpdatedAt: day})},
		{"participants/updated half a year, page 100", participants(video.ParticipantQuery{Page: hundredth, UpdatedAt: half})},
		{"participants/left day", participants(video.ParticipantQuery{Page: first, LeftAt: day})},
		{"participants/left year, page 100", participants(video.ParticipantQuery{Page: hundredth, LeftAt: year})},
		{"participants/there", participants(video.ParticipantQuery{Page: first, Active: &yes})},
		{"participants/not there, page 100", participants(video.ParticipantQuery{Page: hundredth, Active: &no})},
		{"participants/lost, day", participants(video.ParticipantQuery{Page: first, Reason: video.LeftConnectionLost, LeftAt: day})},
		{"participants/left by choice, day", participants(video.ParticipantQuery{Page: first, Reason: video.LeftByChoice, LeftAt: day})},
		{"participants/session", participants(video.ParticipantQuery{Page: first, SessionID: session})},
		{"participants/session, context", participants(video.ParticipantQuery{Page: first, SessionID: session, Context: &same})},
		{"participants/context of half, page 100", participants(video.ParticipantQuery{Page: hundredth, Context: &same})},
		{"participants/context of 20", participants(video.ParticipantQuery{Page: first, Context: &rare})},
		{"participants/context of half, joined half", participants(video.ParticipantQuery{Page: first, Context: &same, JoinedAt: half})},
		{"participants/context of half, left half", participants(video.ParticipantQuery{Page: first, Context: &same, LeftAt: half})},
		{"participants/updated and left half", participants(video.ParticipantQuery{Page: first, LeftAt: half, UpdatedAt: half})},
		{"participants/joined and left half", participants(video.ParticipantQuery{Page: first, LeftAt: half, JoinedAt: half})},
	}
}
