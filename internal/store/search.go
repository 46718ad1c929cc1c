package store

import (
	"context"
	"regexp"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// idBeginning is what an id can begin with. Fewer characters would name too much, in all accounts together, to be gone through.
var idBeginning = regexp.MustCompile(`^[0-9a-f]{4}[0-9a-f-]{0,32}$`)

// Search finds what text names in the account: whatever has it as its id or as the beginning of it, of four characters or more, and
// rooms that have it in their names or at the beginning of their ids. It returns at most so many of each kind (1 to
// video.MaxPageSize), rooms newest first and all else in the order of their ids. Deleted rooms are not found.
func (s *Store) Search(ctx context.Context, of video.AccountID, text string, most int) (video.Found, error) {
	rooms, err := s.Rooms(ctx, video.RoomQuery{AccountID: of, Search: text, Page: video.Page{Number: 1, Size: most}})
	if err != nil {
		return video.Found{}, err
	}
	found := video.Found{Rooms: rooms.Items}
	id := strings.ToLower(text)
	if !idBeginning.MatchString(id) {
		return found, nil
	}
	number, err := s.number(ctx, of)
	if err != nil {
		return video.Found{}, err
	}
	// The letter g comes after all that ids are made of. The account must not tempt planners from the index of ids.
	begins := func(rows any) error {
		q := s.reads.NewSelect().Model(rows).Where("+account = ?", number).Where("id >= ?", id).Where("id < ?", id+"g")
		return q.Order("id").Limit(int64(most)).Scan(ctx)
	}
	var sessions []sessionRow
	var recordings []recordingRow
	var compositions []compositionRow
	for _, rows := range []any{&sessions, &recordings, &compositions} {
		if err := begins(rows); err != nil {
			return video.Found{}, failed("search ids", err)
		}
	}
	participants, err := s.searchParticipants(ctx, number, id, most)
	if err != nil {
		return video.Found{}, err
	}
	for _, row := range sessions {
		found.Sessions = append(found.Sessions, row.session(of))
	}
	for _, row := range participants {
		found.Participants = append(found.Participants, row.participant(of))
	}
	for _, row := range recordings {
		found.Recordings = append(found.Recordings, row.recording(of))
	}
	for _, row := range compositions {
		composition, err := row.composition(of)
		if err != nil {
			return video.Found{}, err
		}
		found.Compositions = append(found.Compositions, composition)
	}
	return found, nil
}

// searchParticipants uses the account, because it comes first in their key.
func (s *Store) searchParticipants(ctx context.Context, number account, id string, most int) (rows []participantRow, err error) {
	err = s.reads.NewSelect().Model(&rows).Where("account = ?", number).Where("id >= ?", id).Where("id < ?", id+"g").
		Order("id").Limit(int64(most)).Scan(ctx)
	if err != nil {
		return nil, failed("search participants", err)
	}
	return rows, nil
}
