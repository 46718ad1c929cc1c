package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// soleRegion is the name of the region of a composition that asks for none.
const soleRegion = "main"

var resolutionForm = regexp.MustCompile(`^[0-9]{1,9}x[0-9]{1,9}$`)

func isResolution(s string) bool { return resolutionForm.MatchString(s) }

func parseResolution(s string) (width, height int, ok bool) {
	if !isResolution(s) {
		return 0, 0, false
	}
	w, h, _ := strings.Cut(s, "x")
	width, _ = strconv.Atoi(w)
	height, _ = strconv.Atoi(h)
	ok = min(width, height) >= video.MinFrameSide && max(width, height) <= video.MaxFrameSide && width*height <= video.MaxFramePixels
	return width, height, ok
}

func checkResolution(s string) error {
	if _, _, ok := parseResolution(s); !ok {
		return errors.New("no resolution")
	}
	return nil
}

// sources are ids of recordings in lower case, or video.AllSources, which an absent or null value means too.
func (b body) sources(name string) []string {
	switch value := b[name].(type) {
	case string:
		return []string{strings.ToLower(value)}
	case []any:
		return each(value, func(item any) string {
			id, _ := item.(string)
			return strings.ToLower(id)
		})
	}
	return []string{video.AllSources}
}

// compositionOf is what a body asks for.
func compositionOf(b body) video.Composition {
	width, height, _ := parseResolution(orDefault(optional(b.text("resolution")), video.DefaultFrame))
	settings := b.object("layout")
	return video.Composition{
		SessionID: video.SessionID(b.id("session_id")),
		Format:    wordOr(b.text("format"), video.DefaultContainer),
		Width:     width,
		Height:    height,
		Layout:    layoutOf(b),
		Settings: video.CompositionSettings{
			Grid:   wordOr(settings.text("grid"), video.GridReflow),
			Fit:    wordOr(settings.text("fit"), video.FitLetterbox),
			Labels: orDefault(settings.boolean("labels"), false),
		},
		AudioSources:            b.sources("audio_sources"),
		WebhookEventURL:         b.text("webhook_event_url"),
		WebhookEventFailoverURL: b.text("webhook_event_failover_url"),
		WebhookTimeoutSecs:      b.integer("webhook_timeout_secs"),
	}
}

func wordOr[T ~string](word string, otherwise T) T {
	if word == "" {
		return otherwise
	}
	return T(word)
}

// layoutOf reads the regions. None at all is one that fills the frame.
func layoutOf(b body) map[string]video.Region {
	regions := b.object("video_layout")
	layout := make(map[string]video.Region)
	for name := range regions {
		layout[name] = regionOf(regions.object(name))
	}
	if len(layout) == 0 {
		layout[soleRegion] = video.Region{VideoSources: []string{video.AllSources}}
	}
	return layout
}

func regionOf(b body) video.Region {
	number := func(name string) int { return orDefault(b.integer(name), 0) }
	return video.Region{
		X: number("x_pos"), Y: number("y_pos"), Z: number("z_pos"), Width: number("width"), Height: number("height"),
		MaxColumns: number("max_columns"), MaxRows: number("max_rows"), VideoSources: b.sources("video_sources"),
	}
}

// checkComposition finds what the schema cannot: regions out of the frame, empty or with impossible names, and a session or
// recordings that are not there. The body may be at fault otherwise; of that it says nothing.
func (e *entrance) checkComposition(r *request) ([]fault, error) {
	faults := append(checkRegions(r.body), checkRegionNames(r.content)...)
	if format := video.CompositionFormat(r.body.text("format")); format == video.FormatM4A || format == video.FormatOgg {
		if len(r.body.sources("audio_sources")) == 0 {
			faults = append(faults, faultAt([]string{"audio_sources"}, outsideRange, fmt.Sprintf("audio_sources must not be empty: %s has nothing but sound.", format)))
		}
	}
	session := r.body.id("session_id")
	if !video.IsUUID(session) {
		return faults, nil
	}
	_, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(session), false)
	if err != nil && video.CodeOf(err) == video.CodeNotFound {
		absent := fmt.Sprintf("There is no session with id %s.", session)
		return append(faults, faultAt([]string{"session_id"}, associatedAbsent, absent)), nil
	}
	if err != nil {
		return nil, err
	}
	bare, err := e.checkMaterial(r, video.SessionID(session))
	if err != nil {
		return nil, err
	}
	faults = append(faults, bare...)
	absent, err := e.checkSources(r, video.SessionID(session))
	return append(faults, absent...), err
}

// checkMaterial refuses what could only come to nothing: the session has no recordings, or none of the only kind that is asked for.
func (e *entrance) checkMaterial(r *request, session video.SessionID) ([]fault, error) {
	asked := compositionOf(r.body)
	sources := map[video.Kind][]string{video.Audio: asked.AudioSources}
	if asked.Format.Pictured() {
		for _, region := range asked.Layout {
			sources[video.Video] = append(sources[video.Video], region.VideoSources...)
		}
	}
	var kinds []string
	for _, kind := range []video.Kind{video.Audio, video.Video} {
		if slices.ContainsFunc(sources[kind], func(id string) bool { return id != video.AllSources }) {
			return nil, nil // those that are named are looked for one by one
		}
		if len(sources[kind]) == 0 {
			continue
		}
		kinds = append(kinds, string(kind))
		recorded, err := e.Recordings.Recordings(r.Context(), video.RecordingQuery{
			RecordingFilter: video.RecordingFilter{AccountID: r.account, SessionID: session, Type: kind}, Page: video.Page{Number: 1, Size: 1},
		})
		if err != nil || recorded.Total > 0 {
			return nil, err
		}
	}
	detail := fmt.Sprintf("The session %s has no recordings.", session)
	switch {
	case len(kinds) == 0 || !slices.Contains(video.CompositionFormats, asked.Format):
		return nil, nil // which is a fault of its own
	case len(kinds) == 1:
		detail = fmt.Sprintf("The session %s has no %s recordings, and the composition is made of nothing else.", session, kinds[0])
	}
	return []fault{faultAt([]string{"session_id"}, unprocessable, detail)}, nil
}

// checkRegionNames refuses names that cannot be told apart. JSON allows to give one twice, and the second would win unseen.
func checkRegionNames(content []byte) []fault {
	var faults []fault
	known := make(map[string]string)
	for _, name := range namesIn(content, "video_layout") {
		folded := strings.ToLower(strings.Join(strings.Fields(name), " "))
		first, taken := known[folded]
		if !taken {
			known[folded] = name
			continue
		}
		faults = append(faults, faultAt([]string{"video_layout", name}, unprocessable,
			fmt.Sprintf("The regions %q and %q have the same name, apart from case and spaces.", first, name)))
	}
	return faults
}

// namesIn are the names in an object that is a field of a JSON object, as they are written, one after the other.
func namesIn(content []byte, field string) []string {
	var whole map[string]json.RawMessage
	if json.Unmarshal(content, &whole) != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(whole[field]))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil
	}
	var names []string
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			return names
		}
		text, _ := name.(string)
		names = append(names, text)
	}
	return names
}

func checkRegions(b body) []fault {
	var faults []fault
	width, height, ok := parseResolution(orDefault(optional(b.text("resolution")), video.DefaultFrame))
	regions := b.object("video_layout")
	for _, name := range slices.Sorted(maps.Keys(regions)) {
		at := slices.Clip([]string{"video_layout", name})
		if length := utf8.RuneCountInString(name); length < 1 || length > video.MaxRegionNameLength {
			faults = append(faults, faultAt(at, stringLength,
				fmt.Sprintf("The name of a region must have 1 to %d characters.", video.MaxRegionNameLength)))
		}
		if sources, isList := regions.object(name)["video_sources"].([]any); isList && len(sources) == 0 {
			faults = append(faults, faultAt(append(at, "video_sources"), outsideRange, "A region must have a source: leave video_sources out for all."))
		}
		if !ok {
			continue
		}
		region := regionOf(regions.object(name))
		faults = append(faults, checkExtent(at, "x_pos", "width", region.X, region.Width, width)...)
		faults = append(faults, checkExtent(at, "y_pos", "height", region.Y, region.Height, height)...)
	}
	return faults
}

// checkExtent holds one dimension of a region against the frame. Numbers the schema refuses anyway pass.
func checkExtent(at []string, position, size string, from, extent, frame int) []fault {
	at = slices.Clip(at)
	switch {
	case from < 0 || from > video.MaxFrameSide || extent > video.MaxFrameSide:
	case from > frame-video.MinRegionSide:
		return []fault{faultAt(append(at, position), outsideRange,
			fmt.Sprintf("The region begins outside the frame: %s must be at most %d.", position, frame-video.MinRegionSide))}
	case from+extent > frame:
		return []fault{faultAt(append(at, size), outsideRange,
			fmt.Sprintf("The region reaches out of the frame: with this %s, %s must be at most %d.", position, size, frame-from))}
	}
	return nil
}

// source is an id that stands somewhere in a body.
type source struct {
	id   string
	kind video.Kind
	at   []string
}

func sourcesIn(b body) []source {
	var all []source
	add := func(holder body, name string, kind video.Kind, at ...string) {
		_, isList := holder[name].([]any)
		for i, id := range holder.sources(name) {
			if isList && video.IsUUID(id) {
				all = append(all, source{id, kind, append(slices.Clip(at), name, strconv.Itoa(i))})
			}
		}
	}
	add(b, "audio_sources", video.Audio)
	regions := b.object("video_layout")
	for name := range regions {
		add(regions.object(name), "video_sources", video.Video, "video_layout", name)
	}
	return all
}

func (e *entrance) checkSources(r *request, session video.SessionID) ([]fault, error) {
	named := sourcesIn(r.body)
	ids := each(named, func(s source) string { return s.id })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		return nil, nil
	}
	kinds, err := e.Recordings.RecordingKinds(r.Context(), r.account, session, ids)
	if err != nil {
		return nil, err
	}
	var faults []fault
	for _, s := range named {
		if kinds[s.id] != s.kind {
			faults = append(faults, faultAt(s.at, associatedAbsent,
				fmt.Sprintf("The session has no %s recording with id %s.", s.kind, s.id)))
		}
	}
	return faults, nil
}
