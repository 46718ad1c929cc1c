package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const mebibyte = 1 << 20

// row is how one measure is judged: its median of the last third, while all were there, may be larger than that of the first by a share or by a number, whichever is
// more, and at rest it may be larger than it was before by a number.
type row struct {
	name    string
	measure int
	share   float64
	number  float64
	atRest  float64
	bytes   bool
}

var rows = []row{
	// The collector lets the heap become twice what is in use, so that memory differs by a tenth from one third to the next though nothing
	// grows. What stays at rest are the runtime's tables of a large heap, pages with holes, and SQLite's caches: up to 2 MiB a connection.
	{"resident memory", memory, 0.15, 12 * mebibyte, 32 * mebibyte, true},
	// What a collection left: the pages it is in have holes after a crowd, and to look at it makes garbage.
	{"objects on the heap", heap, 0.15, 8 * mebibyte, 4 * mebibyte, true},
	// A median moves by one or two people, who happen to be on their way; each has about nine goroutines, and four files if recorded.
	{"goroutines", goroutines, 0.05, 20, 3, false},
	{"file handles", handles, 0.05, 8, 3, false},
	{"media connections", transports, 0.05, 2, 0, false},
	{"sessions", sessions, 0, 1, 0, false},
}

// In a run shorter than brief memory does not become steady, and may grow by briefExtra beyond its row.
const (
	brief      = 10 * time.Minute
	briefExtra = 24 * mebibyte
)

// allowed is what a measure may be in the last third of a run of some length.
func (r row) allowed(early float64, ran time.Duration) float64 {
	allowed := early + max(early*r.share, r.number)
	if r.bytes && ran < brief {
		allowed += briefExtra
	}
	return allowed
}

func (r row) show(n float64) string {
	if r.bytes {
		return mebibytes(n)
	}
	return fmt.Sprintf("%.0f", n)
}

// verdict is what a run has shown.
type verdict struct {
	ran                        time.Duration
	rows                       []row // that are judged
	before, early, late, after sample
	faults                     []string
}

// judge compares the thirds of a run, and the rest after it with that before.
func judge(ran time.Duration, before sample, samples []sample, after sample, racing bool) *verdict {
	n := len(samples)
	v := &verdict{ran: ran, before: before, early: medians(samples[:n/3]), late: medians(samples[2*n/3:]), after: after, rows: rows}
	if racing {
		v.rows = rows[1:] // the detector's shadow of all memory that was ever used is never given back
	}
	for _, r := range v.rows {
		if early, late := v.early[r.measure], v.late[r.measure]; late > r.allowed(early, ran) {
			v.faults = append(v.faults, fmt.Sprintf("%s grew from %s to %s, and %s is allowed", r.name, r.show(early), r.show(late), r.show(r.allowed(early, ran))))
		}
	}
	v.faults = append(v.faults, grownAtRest(v.rows, before, after)...)
	return v
}

// grownAtRest says what did not go back to what it was.
func grownAtRest(rows []row, before, after sample) (faults []string) {
	for _, r := range rows {
		if was, is := before[r.measure], after[r.measure]; is > was+r.atRest {
			faults = append(faults, fmt.Sprintf("%s: %s when everyone had left, %s before anyone came", r.name, r.show(is), r.show(was)))
		}
	}
	return faults
}

// changed says which gauges are at rest not what they were before.
func changed(before, after map[string]float64) (faults []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] {
			faults = append(faults, fmt.Sprintf("%s: %g when everyone had left, %g before anyone came", name, after[name], before[name]))
		}
	}
	return faults
}

func medians(samples []sample) (m sample) {
	for i := range m {
		values := make([]float64, len(samples))
		for j, s := range samples {
			values[j] = s[i]
		}
		slices.Sort(values)
		if len(values) > 0 {
			m[i] = values[len(values)/2]
		}
	}
	return m
}

func (v *verdict) print(to io.Writer) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tbefore\tfirst third\tlast third\tallowed\tafter\tallowed\t")
	for _, r := range v.rows {
		before, early := v.before[r.measure], v.early[r.measure]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.name, r.show(before), r.show(early),
			r.show(v.late[r.measure]), r.show(r.allowed(early, v.ran)), r.show(v.after[r.measure]), r.show(before+r.atRest))
	}
	_ = w.Flush()
}

func (v *verdict) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(v.faults, "\nsoak: "))
}
