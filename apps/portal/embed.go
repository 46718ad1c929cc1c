package portal

import (
	"embed"
	"io/fs"
)

// dist holds at least .gitkeep, so that the package compiles before the app was ever built.
//
//go:embed all:dist
var dist embed.FS

// Files are those of the app: its page index.html and what that loads. Nothing but .gitkeep if it was never built.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("portal: " + err.Error()) // Only if the directive above names another folder.
	}
	return files
}
