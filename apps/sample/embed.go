package sample

import (
	"embed"
	"io/fs"
	"net/http"
)

// dist holds at least .gitkeep, so that the package compiles before the app was ever built.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the app: its page at /, its files under /assets/, and a plain 404 page for every other path. In a
// binary made without the app, / explains how to build it. The handler may be used from any number of goroutines.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("sample: " + err.Error()) // Only if the directive above names another folder.
	}
	return newSite(files)
}
