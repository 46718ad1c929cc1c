package video

import "time"

// Usage is what was used: by a room on a day, by a room, or on a day.
type Usage struct {
	Day      time.Time // UTC midnight; zero where days are taken together
	RoomID   RoomID    // empty where rooms are taken together
	RoomName string    // that the room has or, deleted, had; may be empty
	Used
}

// Used is an amount of everything that is counted.
type Used struct {
	Participation time.Duration // of participants in sessions, all together
	Recorded      time.Duration // of tracks that were recorded, all together
	Composed      time.Duration // of compositions that were completed
	Sent          int64         // bytes of media sent to clients, with the headers of RTP, UDP and IPv4
	Downloaded    int64         // bytes of recordings and compositions
	Stored        int64         // bytes of recordings and compositions held at the end of the span, or now
}

// UsageGroup says what usage is added up by.
type UsageGroup string

const (
	UsageByRoomAndDay UsageGroup = "room_day"
	UsageByDay        UsageGroup = "day"
	UsageByRoom       UsageGroup = "room"
)

// UsageGroups are all there are.
var UsageGroups = []UsageGroup{UsageByRoomAndDay, UsageByDay, UsageByRoom}

// UsageQuery asks for usage of the days of a span, which begins and ends at midnight in UTC. What nothing was used in is left out. Newest
// days come first, and within a day, or without days, the rooms with most participation.
type UsageQuery struct {
	AccountID AccountID
	RoomID    RoomID // empty: all rooms
	Days      Span
	Group     UsageGroup
	Page      Page
}

// UsageList is a page of usage, and what all pages come to.
type UsageList struct {
	List[Usage]
	Sum Used
}

// Traffic is what was sent or downloaded on one day.
type Traffic struct {
	AccountID  AccountID // of downloads, with RoomID
	RoomID     RoomID
	SessionID  SessionID // of media sent; then the account and the room are the session's
	At         time.Time
	Sent       int64 // bytes
	Downloaded int64 // bytes
}
