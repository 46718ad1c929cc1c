//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// results are figures of many measurements, the last of each kind.
type results []*figures

const resultsFile = "results.json"

// load reads what a folder has; nothing is no fault.
func load(folder string) (results, error) {
	content, err := os.ReadFile(filepath.Join(folder, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r results
	if err := json.Unmarshal(content, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", resultsFile, err)
	}
	return r, nil
}

// put puts figures in the place of older ones; if only calmer ones should be kept, unless the machine was less busy then.
func (r *results) put(f *figures, calmer bool) {
	i := slices.IndexFunc(*r, func(old *figures) bool {
		return old.Scenario == f.Scenario && old.Side == f.Side && old.Peer == f.Peer
	})
	switch {
	case i < 0:
		*r = append(*r, f)
	case !calmer || f.Busy < (*r)[i].Busy:
		(*r)[i] = f
	}
}

// write writes the figures, the table, and a graph for each scenario and side.
func (r *results) write(folder string) error {
	content, err := json.MarshalIndent(*r, "", " ")
	if err != nil {
		return err
	}
	files := map[string]string{resultsFile: string(content)}
	var ordered []*figures
	for _, sc := range scenarios {
		for _, bad := range []side{viewerSide, publisherSide} {
			var same []*figures
			for _, f := range *r {
				if f.Scenario == sc.Name && f.Side == bad {
					same = append(same, f)
				}
			}
			slices.SortFunc(same, func(a, b *figures) int { return strings.Compare(b.Peer, a.Peer) }) // ours before Janus
			if len(same) > 0 {
				files[fmt.Sprintf("%s-%s.svg", sc.Name, bad)] = graph(sc, same)
				ordered = append(ordered, same...)
			}
		}
	}
	files["table.md"] = table(ordered)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}
