package rest

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// query reads the parameters of a request one by one and collects what is wrong with them. After the last, refuse gives the
// faults; what was read is of no use if there are any.
type query struct {
	values url.Values
	read   map[string]bool
	faults []fault
}

func readQuery(r *request) (*query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, badRequest, "The query string is malformed: a bad percent-encoding, or a semicolon.")
	}
	return &query{values: values, read: make(map[string]bool)}, nil
}

// refuse returns what was wrong, filters that nobody read included.
func (q *query) refuse() error {
	for _, name := range slices.Sorted(mapKeys(q.values)) {
		if strings.HasPrefix(name, "filter") && !q.read[name] {
			q.fail(invalidFilter, name, "%s is no filter of this list.", name)
		}
	}
	if len(q.faults) == 0 {
		return nil
	}
	status := http.StatusUnprocessableEntity
	for _, f := range q.faults {
		if f.kind != invalidEnum {
			status = http.StatusBadRequest
		}
	}
	return &refusal{status: status, faults: q.faults}
}

func mapKeys(values url.Values) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range values {
			if !yield(name) {
				return
			}
		}
	}
}

func (q *query) fail(k kind, parameter, format string, args ...any) {
	q.faults = append(q.faults, fault{kind: k, parameter: parameter, detail: fmt.Sprintf(format, args...)})
}

// value returns a parameter that is given exactly once and well encoded. NUL is refused because databases refuse it.
func (q *query) value(name string, k kind) (string, bool) {
	q.read[name] = true
	values := q.values[name]
	switch {
	case len(values) == 0:
		return "", false
	case len(values) > 1:
		q.fail(k, name, "%s is given more than once.", name)
		return "", false
	case !utf8.ValidString(values[0]):
		q.fail(characterEncoding, name, "%s is not UTF-8.", name)
		return "", false
	case strings.ContainsRune(values[0], 0):
		q.fail(k, name, "%s has a NUL character.", name)
		return "", false
	}
	return values[0], true
}

// boolean returns nil if the parameter is not given.
func (q *query) boolean(name string, k kind) *bool {
	value, ok := q.value(name, k)
	if !ok {
		return nil
	}
	if value != "true" && value != "false" {
		q.fail(k, name, "%s must be true or false.", name)
		return nil
	}
	truth := value == "true"
	return &truth
}

// include reads one of the switches that are not filters.
func (q *query) include(name string) bool {
	return orDefault(q.boolean(name, badRequest), false)
}

// name reads a filter whose value cannot be empty.
func (q *query) name(filter string) string {
	value, ok := q.value(filter, invalidFilter)
	if ok && value == "" {
		q.fail(invalidFilter, filter, "%s must not be empty.", filter)
	}
	return value
}

// names reads a filter that takes names separated by commas, at least one.
func (q *query) names(filter string) (names []string) {
	value := q.name(filter)
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	if value != "" && names == nil {
		q.fail(invalidFilter, filter, "%s must hold names separated by commas.", filter)
	}
	return names
}

// text reads a filter whose value can be empty. It returns nil if the filter is not given.
func (q *query) text(filter string) *string {
	value, ok := q.value(filter, invalidFilter)
	if !ok {
		return nil
	}
	return &value
}

// id reads a filter whose value is a UUID, and returns it in lower case.
func (q *query) id(filter string) string {
	value, ok := q.value(filter, invalidFilter)
	value = strings.ToLower(value)
	if ok && !video.IsUUID(value) {
		q.fail(invalidFilter, filter, "%s must be a UUID.", filter)
	}
	return value
}

func (q *query) page() video.Page {
	return video.Page{
		Number: q.integer("page[number]", 1, math.MaxInt32),
		Size:   q.integer("page[size]", video.DefaultPageSize, video.MaxPageSize),
	}
}

// integer reads a number from 1 to most.
func (q *query) integer(name string, otherwise, most int) int {
	value, ok := q.value(name, badRequest)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		q.fail(badRequest, name, "%s must be an integer from 1 to %d.", name, most)
		return otherwise
	}
	return n
}

// atLeast reads a filter that is a number from 0 on.
func (q *query) atLeast(filter string) int {
	value, ok := q.value(filter, invalidFilter)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > math.MaxInt32 {
		q.fail(invalidFilter, filter, "%s must be an integer from 0 to %d.", filter, math.MaxInt32)
		return 0
	}
	return n
}

// oneOfWords reads a filter that takes one of some words. A word that is none of them is the one fault of a query that is 422.
func oneOfWords[T ~string](q *query, filter string, words []T) T {
	value, ok := q.value(filter, invalidFilter)
	if !ok || slices.Contains(words, T(value)) {
		return T(value)
	}
	named := each(words, func(word T) string { return string(word) })
	q.fail(invalidEnum, filter, "%s must be one of %s.", filter, strings.Join(named, ", "))
	return ""
}

// span reads the three filters of a date field, which combine by AND.
func (q *query) span(field string) video.Span {
	var span video.Span
	for _, operator := range []string{"eq", "gte", "lte"} {
		filter := "filter[" + field + "][" + operator + "]"
		value, ok := q.value(filter, invalidFilter)
		if !ok {
			continue
		}
		moment, ok := parseMoment(value)
		if !ok {
			q.fail(invalidFilter, filter, "%s must be a date like 2021-04-25, or a time like 2021-04-25T10:15:00Z.", filter)
			continue
		}
		if operator != "lte" && (span.From.IsZero() || moment.From.After(span.From)) {
			span.From = moment.From
		}
		if operator != "gte" && (span.Until.IsZero() || moment.Until.Before(span.Until)) {
			span.Until = moment.Until
		}
	}
	return span
}

// parseMoment reads a UTC day or a time. Times are kept in microseconds, so a time is a span of one; one that is finer
// falls between two microseconds, and its span is empty.
func parseMoment(value string) (video.Span, bool) {
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return video.Span{From: day, Until: day.AddDate(0, 0, 1)}, inEra(day)
	}
	moment, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return video.Span{}, false
	}
	moment = moment.UTC()
	until := moment.Truncate(time.Microsecond).Add(time.Microsecond)
	if !moment.Equal(moment.Truncate(time.Microsecond)) {
		moment = until
	}
	return video.Span{From: moment, Until: until}, inEra(moment)
}

// inEra keeps clear of the zero time, which means an open bound, and of years that do not fit four digits.
func inEra(t time.Time) bool {
	return t.Year() >= 1000 && t.Year() <= 9998
}
