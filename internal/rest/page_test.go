package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// lists is every list of the document with a path that answers.
func (s *scene) lists() map[string]string {
	s.Helper()
	paths := map[string]string{}
	for op, documented := range table() {
		if op.method == http.MethodGet && documented.Parameters.GetByInAndName("query", "page[number]") != nil {
			paths[op.path] = s.target(op, documented)
		}
	}
	return paths
}

func TestPageBounds(t *testing.T) {
	h := newScene(t)
	for _, path := range h.lists() {
		for value, ok := range map[string]bool{
			"1": true, "250": true, "01": true, "0": false, "-1": false, "x": false, "": false, "1.0": false, "1e1": false, " 1": false,
			"9223372036854775808": false,
		} {
			want := map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[ok]
			for _, name := range []string{"page[number]", "page[size]"} {
				r := h.call("GET", path+parameters(name, value), nil).want(want)
				if !ok {
					r.wantFaults(http.StatusBadRequest, "10015 "+name)
				}
			}
		}
		h.call("GET", path+"?page[size]=251", nil).wantFaults(http.StatusBadRequest, "10015 page[size]")
		h.call("GET", path+"?page[number]=251", nil).want(http.StatusOK)
		h.call("GET", path+"?page[number]=2147483648", nil).wantFaults(http.StatusBadRequest, "10015 page[number]")
		h.call("GET", path+"?page[size]=1&page[size]=1", nil).wantFaults(http.StatusBadRequest, "10015 page[size]")
		h.call("GET", path+"?page[number]=0&page[size]=0&filter[x]=1&filter[a]=1", nil).
			wantFaults(http.StatusBadRequest, "10015 page[number]", "10015 page[size]", "10031 filter[a]", "10031 filter[x]")
		h.call("GET", path+"?page=7&pagesize=x&page[limit]=x", nil).want(http.StatusOK)
	}
}

// TestParameters takes every documented parameter of every list, with good and bad values by the name of its kind.
func TestParameters(t *testing.T) {
	h := newScene(t)
	dates := []string{"2021-04-25", "2021-04-25T10:15:00Z", "2021-04-25T10:15:00.123456Z", "2021-04-25T10:15:00.123456789-23:59", "2024-02-29"}
	for template, path := range h.lists() {
		for _, ref := range contract().doc.Paths.Value(template).Get.Parameters {
			name := ref.Value.Name
			var good, bad []string
			fault := "10031 " + name
			status := http.StatusBadRequest
			switch {
			case strings.HasPrefix(name, "page["):
				continue
			case strings.HasPrefix(name, "include_"):
				good, bad, fault = []string{"true", "false"}, []string{"", "1", "TRUE", "yes", "true "}, "10015 "+name
			case name == "filter[active]":
				good, bad = []string{"true", "false"}, []string{"", "1", "null", "True"}
			case strings.Contains(name, "_at]["):
				good = dates
				bad = []string{
					"", "x", "2021", "2021-4-25", "2021-02-30", "20210425", "2021-04-25T10:15:00", "2021-04-25 10:15:00Z", "2021-04-25T10:15Z",
					"2021-04-25T24:00:00Z", "0000-12-31", "0001-01-01", "9999-01-01", "12021-04-25", "1619345700", "2021-04-25T10:15:00 02:00",
				}
			case name == "filter[context]":
				good, bad = []string{"", " ", "😀", strings.Repeat("x", 5000)}, []string{"\x00"}
			case name == "filter[left_reason]", name == "filter[object_id]", name == "filter[unique_name]", name == "filter[search]", name == "filter[action]", strings.HasSuffix(name, "[contains]"):
				good, bad = []string{" ", "😀", "%", "x', 'y", strings.Repeat("x", 5000)}, []string{"", "\x00"}
			case name == "filter[event_type]":
				good, bad = []string{"x", "x,y", " x , y,"}, []string{"", ",", " , ", "\x00"}
			case name == "filter[duration_secs]":
				good, bad = []string{"0", "1", "2147483647"}, []string{"", "-1", "1.5", "x", "2147483648", "1e3"}
			case name == "filter[status]", name == "filter[status][eq]", name == "filter[type]", name == "span", name == "group_by", name == "format":
				for _, value := range ref.Value.Schema.Value.Enum {
					good = append(good, value.(string))
				}
				bad, fault, status = []string{"", "x", "Completed", "all"}, "10032 "+name, http.StatusUnprocessableEntity
			case strings.HasPrefix(name, "filter[date]["):
				good = []string{"2021-04-25", "2024-02-29", "2100-01-01"}
				bad = []string{"", "x", "2021", "2021-02-30", "2021-04-25T10:15:00Z", "0001-01-01", "9999-01-01"}
			case strings.HasSuffix(name, "_id]"):
				good, bad = []string{absentID, strings.ToUpper(absentID)}, []string{"", "x", absentID + "0", "{" + absentID + "}"}
			default:
				t.Fatalf("%s: nobody knows what %s takes", template, name)
			}
			if strings.HasPrefix(name, "filter") {
				h.call("GET", path+parameters(name, "\xff"), nil).wantFaults(http.StatusBadRequest, "10028 "+name)
			}
			for _, value := range good {
				h.call("GET", path+parameters(name, value), nil).want(http.StatusOK)
				h.call("GET", path+parameters(name, value, name, value), nil).
					wantFaults(http.StatusBadRequest, strings.Replace(fault, "10032", "10031", 1))
			}
			for _, value := range bad {
				h.call("GET", path+parameters(name, value), nil).wantFaults(status, fault)
			}
		}
		for _, unknown := range []string{
			"filter", "filter[]", "filter[date_created_at]", "filter[date_created_at][gt]", "filter[date_created_at][eq][x]", "filter[statuses]",
			"filter[Active]", "filter[active] ", "filter[all]", "filtering", "filter[é\r\n]",
		} {
			h.call("GET", path+parameters(unknown, "x"), nil).wantFaults(http.StatusBadRequest, "10031 "+unknown)
		}
		for _, malformed := range []string{"?filter[active]=%zz", "?a=1;b=2", "?%"} {
			h.call("GET", path+malformed, nil).wantFaults(http.StatusBadRequest, "10015")
		}
	}
	id := h.room(nil)
	h.call("GET", "/rooms/"+id+"?include_sessions=1", nil).wantFaults(http.StatusBadRequest, "10015 include_sessions")
	h.call("GET", "/room_sessions/"+absentID+"?include_participants=", nil).wantFaults(http.StatusBadRequest, "10015 include_participants")
	h.call("GET", "/rooms/"+id+"?include_participants=x", nil).want(http.StatusOK)
}

func TestSpan(t *testing.T) {
	at := func(s string) time.Time {
		moment, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, test := range []struct{ query, from, until string }{
		{"[eq]=2021-12-31", "2021-12-31T00:00:00Z", "2022-01-01T00:00:00Z"},
		{"[gte]=2021-12-31", "2021-12-31T00:00:00Z", ""},
		{"[lte]=2021-12-31", "", "2022-01-01T00:00:00Z"},
		{"[eq]=2021-12-31T01:00:00%2B02:00", "2021-12-30T23:00:00Z", "2021-12-30T23:00:00.000001Z"},
		{"[gte]=2021-12-31T01:02:03.0000019Z", "2021-12-31T01:02:03.000002Z", ""},
		{"[lte]=2021-12-31T01:02:03.0000019Z", "", "2021-12-31T01:02:03.000002Z"},
		{"[eq]=2021-12-31T01:02:03.0000019Z", "2021-12-31T01:02:03.000002Z", "2021-12-31T01:02:03.000002Z"},
		{"[gte]=2021-12-30&filter[d][lte]=2021-12-31&filter[d][eq]=2021-12-31", "2021-12-31T00:00:00Z", "2022-01-01T00:00:00Z"},
		{"[gte]=2021-12-31&filter[d][lte]=2021-12-29", "2021-12-31T00:00:00Z", "2021-12-30T00:00:00Z"},
	} {
		values, err := url.ParseQuery("filter[d]" + test.query)
		if err != nil {
			t.Fatal(err)
		}
		q := &query{values: values, read: map[string]bool{}}
		span := q.span("d")
		if err := q.refuse(); err != nil {
			t.Errorf("%s: %v", test.query, err)
		}
		for bound, want := range map[*time.Time]string{&span.From: test.from, &span.Until: test.until} {
			if want == "" && !bound.IsZero() || want != "" && !bound.Equal(at(want)) {
				t.Errorf("%s: bound %v, want %q", test.query, *bound, want)
			}
		}
	}
}
