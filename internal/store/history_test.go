package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func testHistory(t *testing.T, f *fixture) {
	session, other := f.session(f.room("").ID), f.session(f.room("").ID)
	news, stop := f.Follow(session.ID)
	defer stop()
	p := f.join(session.ID, "")
	<-news
	yes, no := true, false
	published := video.Happening{
		AccountID: f.account, SessionID: session.ID, Type: video.HappenedPublished, ParticipantID: p.ID, PublisherID: p.ID,
		StreamID: "s", Key: "self <&>", Kind: video.Audio, Audio: &yes, Video: &no, Quality: video.QualityHigh, Layer: "h", Reason: "\x00é",
		At: start.Add(time.Hour),
	}
	f.Note(published)
	f.Note(video.Happening{SessionID: session.ID, Type: video.HappenedMuted, ParticipantID: p.ID, At: start}) // of a clock that ran back
	f.Note(video.Happening{SessionID: other.ID, Type: video.HappenedMuted})
	f.end(session.ID, video.EndedEmpty)
	f.Note(video.Happening{SessionID: session.ID, Type: video.HappenedLayer}) // too late
	f.Note(video.Happening{SessionID: video.SessionID(video.NewUUID()), Type: video.HappenedMuted})
	f.flush()
	<-news
	read := func(after int64, limit int) []video.Happening {
		lines, err := f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: session.ID, After: after, Limit: limit})
		must(t, err)
		return lines
	}
	lines := read(0, 100)
	var types []video.HappeningType
	for i, line := range lines {
		types = append(types, line.Type)
		if i > 0 && (line.Seq <= lines[i-1].Seq || line.At.Before(lines[i-1].At)) {
			t.Fatalf("line %d runs back: %+v", i, line)
		}
	}
	want := []video.HappeningType{
		video.HappenedSessionStarted, video.HappenedJoined, video.HappenedPublished, video.HappenedMuted, video.HappenedLeft, video.HappenedSessionEnded,
	}
	if !reflect.DeepEqual(types, want) {
		t.Fatalf("history is %v, want %v", types, want)
	}
	published.Seq = lines[2].Seq
	if !reflect.DeepEqual(lines[2], published) {
		t.Fatalf("noted %+v, read %+v", published, lines[2])
	}
	wantEqual(t, "reason", lines[4].Reason, string(video.LeftSessionEnded))
	if paged := read(lines[1].Seq, 2); len(paged) != 2 || paged[0].Seq != lines[2].Seq || paged[1].Seq != lines[3].Seq {
		t.Fatalf("the page holds %+v", paged)
	}
	some, err := f.Happenings(t.Context(), video.HappeningQuery{
		AccountID: f.account, SessionID: session.ID, ParticipantID: p.ID, Types: []video.HappeningType{video.HappenedMuted, video.HappenedLeft, video.HappenedSessionEnded}, Limit: 10,
	})
	must(t, err)
	if len(some) != 2 || some[0].Type != video.HappenedMuted || some[1].Type != video.HappenedLeft {
		t.Fatalf("of one participant and some types there are %+v", some)
	}
	select {
	case <-news:
		t.Fatal("news of another session, or of nothing")
	default:
	}
	_, err = f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.foreign(), SessionID: session.ID, Limit: 1})
	wantCode(t, err, video.CodeNotFound)
	_, err = f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: session.ID, Limit: 1001})
	wantCode(t, err, video.CodeInvalid)
}

// While the database does not keep up, happenings that come often are dropped, and nothing else.
func TestHappeningsAreDropped(t *testing.T) {
	f := openNew(t)
	session := f.session(f.room("").ID)
	release := hold(t, f.journal)
	layer := video.Happening{SessionID: session.ID, Type: video.HappenedLayer, At: start}
	for range maxNotes + 10 {
		f.Note(layer)
	}
	f.Note(video.Happening{SessionID: session.ID, Type: video.HappenedMuted, At: start})
	release()
	f.flush()
	wantEqual(t, "dropped", f.DroppedHappenings(), int64(10))
	n, err := f.reads.NewSelect().Table("happenings").Where("type = ?", video.HappenedLayer).Count(t.Context())
	must(t, err)
	wantEqual(t, "kept", n, int64(maxNotes))
	n, err = f.reads.NewSelect().Table("happenings").Where("type = ?", video.HappenedMuted).Count(t.Context())
	must(t, err)
	wantEqual(t, "muted", n, int64(1))
}

func TestFollowersEnd(t *testing.T) {
	f := openNew(t)
	_, stop := f.Follow("s")
	_, other := f.Follow("s")
	stop()
	stop()
	wantEqual(t, "sessions followed", len(f.journal.news.followers), 1)
	other()
	wantEqual(t, "sessions followed", len(f.journal.news.followers), 0)
}

func testPruning(t *testing.T, f *fixture) {
	old, going := f.session(f.hooked("https://a.example", "").ID), f.session(f.hooked("https://a.example", "").ID)
	silent := f.session(f.room("").ID)
	f.end(old.ID, video.EndedEmpty)
	f.end(silent.ID, video.EndedEmpty)
	f.flush()
	claimed, err := f.ClaimDeliveries(t.Context(), nil, time.Hour, 10)
	must(t, err)
	wantEqual(t, "claimed", len(claimed), 3)
	must(t, f.SettleDeliveries(t.Context(), []video.DeliveryOutcome{{
		Seq: claimed[0].Seq, Attempt: video.Attempt{Number: 1, StartedAt: f.clock.now(), FinishedAt: f.clock.now()}, Status: video.DeliveryFailed,
	}}))
	f.clock.advance(time.Hour)
	limit := f.clock.now()
	young := f.session(f.room("").ID)
	f.end(young.ID, video.EndedEmpty)
	f.flush()
	n, err := f.PruneHistory(t.Context(), limit)
	must(t, err)
	wantEqual(t, "removed", n, 3+4) // one settled and two skipped, and two lines each of two sessions
	wantEqual(t, "deliveries left", len(f.outbox()), 4)
	for id, want := range map[video.SessionID]int{old.ID: 0, silent.ID: 0, going.ID: 1, young.ID: 2} {
		lines, err := f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: id, Limit: 10})
		must(t, err)
		wantEqual(t, "lines left", len(lines), want)
	}
	attempts, err := f.reads.NewSelect().Table("attempts").Count(t.Context())
	must(t, err)
	wantEqual(t, "attempts left", int(attempts), 0)
}
