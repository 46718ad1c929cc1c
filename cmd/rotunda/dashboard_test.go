package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	metricNames = regexp.MustCompile(`\b(?:rotunda|process|go)_[a-z0-9_]+`)
	servedTypes = regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`)
)

// checkDashboard fails the test unless every metric the Grafana dashboard asks for is served, as what it is taken for, and every metric of ours is
// on it.
func checkDashboard(t *testing.T, scraped string) {
	t.Helper()
	kinds := map[string]string{}
	for _, served := range servedTypes.FindAllStringSubmatch(scraped, -1) {
		kinds[served[1]] = served[2]
	}
	content, err := os.ReadFile("../../deploy/grafana/rotunda.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Templating struct {
			List []struct{ Definition string }
		}
		Panels []struct {
			ID      int
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(content, &dashboard); err != nil {
		t.Fatal(err)
	}
	shown, ids := map[string]bool{}, map[int]bool{}
	for _, variable := range dashboard.Templating.List {
		for _, name := range metricNames.FindAllString(variable.Definition, -1) {
			shown[name] = true
		}
	}
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || (panel.Type == "row") != (len(panel.Targets) == 0) {
			t.Errorf("the panel %q has no target, or the id of another", panel.Title)
		}
		ids[panel.ID] = true
		for _, target := range panel.Targets {
			names := metricNames.FindAllString(target.Expr, -1)
			if len(names) == 0 {
				t.Errorf("%q asks for no metric: %s", panel.Title, target.Expr)
			}
			for _, name := range names {
				base, kind := strings.TrimSuffix(name, "_bucket"), "counter"
				switch overTime := strings.Contains(target.Expr, "rate(") || strings.Contains(target.Expr, "increase("); {
				case base != name:
					kind = "histogram"
				case !overTime:
					kind = "gauge"
				}
				if kinds[base] != kind {
					t.Errorf("%q takes %s for a %s, and it is served as %q", panel.Title, base, kind, kinds[base])
				}
				shown[base] = true
			}
		}
	}
	for name := range kinds {
		if strings.HasPrefix(name, "rotunda_") && !shown[name] {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
}
