package rest

import (
	"context"
	"encoding/csv"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Usage knows what an account used.
type Usage interface {
	Usage(ctx context.Context, query video.UsageQuery) (video.UsageList, error)
}

const (
	// usualDays is how many days usage is of, today included, unless asked for otherwise.
	usualDays = 30
	// maxCSVLines is how many lines one CSV file may have.
	maxCSVLines = 100_000
)

const (
	formatJSON = "json"
	formatCSV  = "csv"
	typeCSV    = "text/csv"
)

func (e *entrance) listUsage(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.UsageQuery{
		AccountID: r.account, RoomID: video.RoomID(q.id("filter[room_id]")), Days: q.days("date", time.Now()),
		Group: oneOfWords(q, "group_by", video.UsageGroups), Page: q.page(),
	}
	format := oneOfWords(q, "format", []string{formatJSON, formatCSV})
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	if query.Group == "" {
		query.Group = video.UsageByRoomAndDay
	}
	if format == formatCSV || format == "" && accepts(r.Header, typeCSV) {
		return e.usageFile(r, query)
	}
	list, err := e.Usage.Usage(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	page := listMeta{
		TotalPages: (list.Total + query.Page.Size - 1) / query.Page.Size, TotalResults: list.Total, PageNumber: query.Page.Number, PageSize: query.Page.Size,
	}
	return answer{status: http.StatusOK, data: usagePageJSON{
		Data: each(list.Items, renderUsage), Meta: page,
		Totals: usageTotalsJSON{From: day(query.Days.From), To: day(query.Days.Until.AddDate(0, 0, -1)), usedJSON: renderUsed(list.Sum)},
	}}, nil
}

// days reads the filters of a field that is a day in UTC. Without them it is the last days, today included.
func (q *query) days(field string, now time.Time) video.Span {
	bound := func(operator string) time.Time {
		filter := "filter[" + field + "][" + operator + "]"
		value, ok := q.value(filter, invalidFilter)
		if !ok {
			return time.Time{}
		}
		day, err := time.Parse(time.DateOnly, value)
		if err != nil || !inEra(day) {
			q.fail(invalidFilter, filter, "%s must be a day like 2021-04-25.", filter)
		}
		return day
	}
	span := video.Span{From: bound("gte"), Until: bound("lte")}
	if span.Until.IsZero() {
		span.Until = now.UTC().Truncate(24 * time.Hour)
		if span.From.After(span.Until) {
			span.Until = span.From
		}
	}
	span.Until = span.Until.AddDate(0, 0, 1)
	if span.From.IsZero() {
		span.From = span.Until.AddDate(0, 0, -usualDays)
	}
	return span
}

// accepts reports whether the caller names a media type. Who takes anything does not.
func accepts(header http.Header, wanted string) bool {
	return slices.ContainsFunc(header.Values("Accept"), func(value string) bool {
		return slices.ContainsFunc(strings.Split(value, ","), func(accepted string) bool {
			mediaType, parameters, err := mime.ParseMediaType(accepted)
			weight, weightErr := strconv.ParseFloat(parameters["q"], 64)
			return err == nil && mediaType == wanted && (weightErr != nil || weight > 0)
		})
	})
}

// usageFile answers with all lines, on no pages.
func (e *entrance) usageFile(r *request, query video.UsageQuery) (answer, error) {
	query.Page = video.Page{Number: 1, Size: maxCSVLines}
	list, err := e.Usage.Usage(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	if list.Total > maxCSVLines {
		return answer{}, refuse(http.StatusUnprocessableEntity, unprocessable,
			"A file has up to %d lines, and these would be %d. Ask for fewer days, or for group_by=day or room.", maxCSVLines, list.Total)
	}
	name := fmt.Sprintf("usage-%s-%s.csv", query.Days.From.Format(time.DateOnly), query.Days.Until.AddDate(0, 0, -1).Format(time.DateOnly))
	return answer{status: http.StatusOK, stream: func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", typeCSV)
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		w.WriteHeader(http.StatusOK)
		file := csv.NewWriter(w)
		_ = file.Write([]string{
			"date", "room_id", "room_name", "participant_minutes", "recorded_minutes", "composed_minutes", "egress_mb", "download_mb", "stored_mb",
		})
		for _, u := range list.Items {
			_ = file.Write(usageLine(u))
		}
		file.Flush() // fails only if the caller has gone
		return nil
	}}, nil
}

func usageLine(u video.Usage) []string {
	date := ""
	if !u.Day.IsZero() {
		date = u.Day.Format(time.DateOnly)
	}
	number := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	size := func(bytes int64) string { return number(float64(bytes) / 1e6) }
	return []string{
		date, string(u.RoomID), inSheet(u.RoomName), number(minutes(u.Participation)), number(minutes(u.Recorded)), number(minutes(u.Composed)),
		size(u.Sent), size(u.Downloaded), size(u.Stored),
	}
}

// inSheet keeps spreadsheets from taking a name for a formula.
func inSheet(name string) string {
	if name != "" && strings.ContainsAny(name[:1], "=+-@\t\r") {
		return "'" + name
	}
	return name
}

// minutes are to a thousandth.
func minutes(d time.Duration) float64 { return rounded(d.Minutes(), 1000) }

type (
	usagePageJSON struct {
		Data   []usageJSON     `json:"data"`
		Totals usageTotalsJSON `json:"totals"`
		Meta   listMeta        `json:"meta"`
	}
	usageTotalsJSON struct {
		From day `json:"from"`
		To   day `json:"to"`
		usedJSON
	}
	usageJSON struct {
		RecordType string  `json:"record_type"`
		Date       *day    `json:"date"`
		RoomID     *string `json:"room_id"`
		RoomName   *string `json:"room_name"`
		usedJSON
	}
	usedJSON struct {
		ParticipantMinutes float64   `json:"participant_minutes"`
		RecordedMinutes    float64   `json:"recorded_minutes"`
		ComposedMinutes    float64   `json:"composed_minutes"`
		Egress             megabytes `json:"egress_mb"`
		Download           megabytes `json:"download_mb"`
		Stored             megabytes `json:"stored_mb"`
	}
)

// day is a day in UTC.
type day time.Time

func (d day) MarshalText() ([]byte, error) { return time.Time(d).AppendFormat(nil, time.DateOnly), nil }

func renderUsage(u video.Usage) usageJSON {
	line := usageJSON{RecordType: "usage", RoomID: optional(u.RoomID), RoomName: optional(u.RoomName), usedJSON: renderUsed(u.Used)}
	if !u.Day.IsZero() {
		line.Date = (*day)(&u.Day)
	}
	return line
}

func renderUsed(u video.Used) usedJSON {
	return usedJSON{
		ParticipantMinutes: minutes(u.Participation), RecordedMinutes: minutes(u.Recorded), ComposedMinutes: minutes(u.Composed),
		Egress: megabytes(u.Sent), Download: megabytes(u.Downloaded), Stored: megabytes(max(u.Stored, 0)),
	}
}
