package rest

import (
	"net/http"
	"strconv"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// foundOfEach is how many of each kind a search shows at most.
const foundOfEach = 10

// search answers with what a text names, of whatever kind it is.
func (e *entrance) search(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	text, given := q.value("text", badRequest)
	if given && text == "" {
		q.fail(badRequest, "text", "text must not be empty.")
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	var found video.Found
	if given {
		if found, err = e.Overview.Search(r.Context(), r.account, text, foundOfEach); err != nil {
			return answer{}, err
		}
	}
	links := e.links(r)
	return one(http.StatusOK, foundJSON{
		RecordType:   "search_results",
		Rooms:        each(found.Rooms, renderRoom(false)),
		Sessions:     each(found.Sessions, renderSession(false)),
		Participants: each(found.Participants, renderParticipant),
		Recordings:   each(found.Recordings, renderRecording(links)),
		Compositions: each(found.Compositions, func(c video.Composition) compositionJSON { return renderComposition(c, links) }),
	}), nil
}

// listRefusedJoins answers with who was turned away at the doors of sessions.
func (e *entrance) listRefusedJoins(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.RefusedJoinQuery{
		AccountID: r.account,
		RoomID:    video.RoomID(q.id("filter[room_id]")),
		SessionID: video.SessionID(q.id("filter[session_id]")),
		At:        q.span("occurred_at"),
		Page:      q.page(),
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	refused, err := e.Overview.RefusedJoins(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	return list(refused, query.Page, renderRefusedJoin), nil
}

type (
	foundJSON struct {
		RecordType   string            `json:"record_type"`
		Rooms        []roomJSON        `json:"rooms"`
		Sessions     []sessionJSON     `json:"room_sessions"`
		Participants []participantJSON `json:"room_participants"`
		Recordings   []recordingJSON   `json:"room_recordings"`
		Compositions []compositionJSON `json:"room_compositions"`
	}
	refusedJoinJSON struct {
		RecordType    string              `json:"record_type"`
		ID            string              `json:"id"`
		RoomID        video.RoomID        `json:"room_id"`
		SessionID     video.SessionID     `json:"session_id"`
		ParticipantID video.ParticipantID `json:"participant_id"`
		Reason        string              `json:"reason"`
		OccurredAt    timestamp           `json:"occurred_at"`
	}
)

func renderRefusedJoin(j video.RefusedJoin) refusedJoinJSON {
	return refusedJoinJSON{
		RecordType: "refused_join", ID: strconv.FormatInt(j.Seq, 10), RoomID: j.RoomID, SessionID: j.SessionID,
		ParticipantID: j.ParticipantID, Reason: j.Reason, OccurredAt: timestamp(j.At),
	}
}
