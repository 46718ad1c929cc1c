// Package compose makes one file of a session's recordings: pictures in the regions of a frame, sounds mixed.
//
// What is decided is pure and held by golden files: the index of each recording and its place on the composition's clock
// (index.go, timeline.go), which cell shows whom when (grid.go, layout.go), and the script for ffmpeg that does it (lane.go,
// expression.go, picture.go, sound.go). What acts is the rest: the programs are found (tools.go), run under supervision
// (run.go), recordings and results are looked at (damage.go, probe.go); render.go makes a file of a job by them, and worker.go takes
// jobs from the database, if there is room (room.go), and tells why one failed (failure.go).
//
// Memory is bounded by how many are in the session at once, not by its length. The sound is mixed in slices of a minute, because
// ffmpeg holds the silence it fills a gap with. Recordings that do not overlap share a lane, which has one file open at a time.
//
//	           recordings complete        outcome checked, file kept
//	enqueued ─────────────────▶ processing ─────────────────▶ completed
//	    ▲                           │ failure: up to three attempts │
//	    └───────────────────────────┴──────────────────────────────▶ failed
//
// A Worker runs one goroutine that claims and one for each job under way; Close ends them with their processes. Jobs that a
// killed server left behind are claimed again by the next one.
package compose
