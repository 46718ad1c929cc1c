package store

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func testCompositions(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.room("")
	session, secs := f.session(room.ID), 0
	asked := video.Composition{
		AccountID: f.account, SessionID: session.ID, Format: "mp4", Width: 640, Height: 480,
		Layout: map[string]video.Region{
			"a\x00\"b": {X: 1, Y: 2, Z: -3, Width: 320, VideoSources: []string{video.AllSources}},
			"":         {MaxRows: 2, VideoSources: []string{}},
		},
		AudioSources: []string{}, WebhookEventURL: "https://a.example", WebhookTimeoutSecs: &secs,
	}
	made, err := f.CreateComposition(ctx, asked)
	must(t, err)
	if !video.IsUUID(made.ID) || made.Status != video.CompositionEnqueued || made.CreatedAt.IsZero() || !made.UpdatedAt.Equal(made.CreatedAt) {
		t.Fatalf("made: %+v", made)
	}
	wantEqual(t, "room", made.RoomID, room.ID)
	if !reflect.DeepEqual(made.Layout, asked.Layout) || made.AudioSources == nil || len(made.AudioSources) != 0 || *made.WebhookTimeoutSecs != 0 {
		t.Fatalf("made: %+v", made)
	}
	read, err := f.Composition(ctx, f.account, made.ID)
	must(t, err)
	if !reflect.DeepEqual(read, made) {
		t.Fatalf("read %+v, want %+v", read, made)
	}
	_, err = f.CreateComposition(ctx, made)
	wantCode(t, err, video.CodeDuplicate)
	other := f.foreign()
	asked.AccountID = other
	_, err = f.CreateComposition(ctx, asked)
	wantCode(t, err, video.CodeNotFound)
	_, err = f.Composition(ctx, other, made.ID)
	wantCode(t, err, video.CodeNotFound)
	wantCode(t, f.DeleteComposition(ctx, other, made.ID), video.CodeNotFound)
	must(t, f.DeleteComposition(ctx, f.account, made.ID))
	wantCode(t, f.DeleteComposition(ctx, f.account, made.ID), video.CodeNotFound)
	f.wantCompositions(video.CompositionQuery{})
}

func (f *fixture) wantCompositions(query video.CompositionQuery, want ...string) {
	f.t.Helper()
	query.AccountID, query.Page = f.account, video.Page{Number: 1, Size: 20}
	list, err := f.Compositions(f.t.Context(), query)
	must(f.t, err)
	var got []string
	for _, c := range list.Items {
		got = append(got, c.ID)
	}
	if !slices.Equal(got, want) || list.Total != len(want) {
		f.t.Fatalf("compositions %v (%d), want %v, by %+v", got, list.Total, want, query)
	}
}

func testCompositionList(t *testing.T, f *fixture) {
	compose := func(session video.SessionID) string {
		made, err := f.CreateComposition(t.Context(), video.Composition{AccountID: f.account, SessionID: session})
		must(t, err)
		return made.ID
	}
	session, other := f.session(f.room("").ID), f.session(f.room("").ID)
	a, b := compose(session.ID), compose(other.ID)
	f.clock.advance(time.Hour)
	late := f.clock.now()
	c := compose(session.ID)
	f.wantCompositions(video.CompositionQuery{}, c, b, a)
	f.wantCompositions(video.CompositionQuery{SessionID: session.ID}, c, a)
	f.wantCompositions(video.CompositionQuery{Status: video.CompositionEnqueued}, c, b, a)
	f.wantCompositions(video.CompositionQuery{Status: video.CompositionFailed})
	f.wantCompositions(video.CompositionQuery{CreatedAt: video.Span{From: late}}, c)
	f.wantCompositions(video.CompositionQuery{CreatedAt: video.Span{Until: late}, SessionID: session.ID}, a)
}
