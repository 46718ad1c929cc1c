package store

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// idBeginning is what an id can begin with. Fewer characters would name too much, in all accounts together, to be gone through.
var idBeginning = regexp.MustCompile(`^[0-9a-f]{4}[0-9a-f-]{0,32}$`)

// Search finds what text names in the account: whatever has it as its id or as the beginning of it, of four characters or more, and
// rooms that have it in their names. It returns at most so many of each kind (1 to video.MaxPageSize), in the order of their ids, and
// rooms that are found by name after these, by name. Deleted rooms are not found.
func (s *Store) Search(ctx context.Context, of video.AccountID, text string, most int) (video.Found, error) {
	number, err := s.number(ctx, of)
	if err != nil || !isText(text) {
		return video.Found{}, err
	}
	id := strings.ToLower(text)
	byID := idBeginning.MatchString(id)
	// The letter g comes after all that ids are made of. The account must not tempt planners from the index of ids.
	begins := func(rows any) *bun.SelectQuery {
		q := s.reads.NewSelect().Model(rows).Where("+account = ?", number).Where("id >= ?", id).Where("id < ?", id+"g")
		return q.Order("id").Limit(int64(most))
	}
	var rooms []roomRow
	if byID {
		if err := begins(&rooms).Where("deleted_at IS NULL").Scan(ctx); err != nil {
			return video.Found{}, failed("search ids", err)
		}
	}
	named, err := s.searchNames(ctx, number, text, most)
	if err != nil {
		return video.Found{}, err
	}
	var found video.Found
	for _, row := range append(rooms, named...) {
		known := slices.ContainsFunc(found.Rooms, func(r video.Room) bool { return r.ID == row.ID })
		if !known && len(found.Rooms) < most {
			found.Rooms = append(found.Rooms, row.room(of))
		}
	}
	if !byID {
		return found, nil
	}
	var sessions []sessionRow
	var recordings []recordingRow
	var compositions []compositionRow
	for _, rows := range []any{&sessions, &recordings, &compositions} {
		if err := begins(rows).Scan(ctx); err != nil {
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

// searchNames goes through the names of all rooms, in their index alone and as far as it must. It returns rooms in the order of their names.
func (s *Store) searchNames(ctx context.Context, number account, text string, most int) (rows []roomRow, err error) {
	live := func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("account = ?", number).Where("deleted_at IS NULL")
	}
	var names []string
	// The length is that of the condition of SQLite's index.
	err = live(s.reads.NewSelect().Table("rooms").Column("unique_name")).Where("length(unique_name) > 0").
		Where("lower(unique_name) LIKE ? ESCAPE '!'", "%"+likeEscape.Replace(strings.ToLower(text))+"%").
		Order("unique_name").Limit(int64(most)).Scan(ctx, &names)
	if err == nil && len(names) > 0 {
		err = live(s.reads.NewSelect().Model(&rows)).Where("unique_name IN (?)", bun.List(names)).Order("unique_name").Scan(ctx)
	}
	if err != nil {
		return nil, failed("search names", err)
	}
	return rows, nil
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
