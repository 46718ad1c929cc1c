// Package archive moves what was recorded to where it stays, and removes what was deleted from there.
//
// An Archiver takes recordings that ended, keeps their files as objects, completes their rows, and only then deletes the local
// files. A Remover deletes the media of rows that were deleted. Both work through what the record says is to be done, in any order, and
// again after a failure: every step can be repeated, so that a process may die between any two.
//
// What fails is tried again after a second, then after twice as long and so on, up to a quarter of an hour, for ever. The
// record is told why, and when the next attempt is.
//
//	ended ──▶ put index ──▶ put file ──▶ row completed ──▶ local files deleted
//	   ▲          │             │              │
//	   └──────────┴── failed ───┴──────────────┘        without its file: row failed
//
// Each has one goroutine, which runs in Run, and one more for each thing it has in hand. cmd/rotunda starts them.
package archive
