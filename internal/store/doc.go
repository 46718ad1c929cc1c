// Package store keeps what must outlive the process: accounts and their keys, rooms, and the record of sessions and
// participants. It is the only package that speaks SQL.
//
// Queries go through bun in a form that SQLite and PostgreSQL both understand; what differs is in dialect*.go and in a folder
// of migrations each. Times are stored as microseconds since 1970, UTC, in integer columns: they sort, compare and port
// without a parser. Contexts of participants are stored as bytes, because they come back exactly as they were given,
// whatever they hold.
//
// Two pools lead to the one database. Write transactions run one after the other: on SQLite because a single connection
// writes, so that writers queue in this process instead of colliding in the file; on PostgreSQL because each takes an
// advisory lock first, which holds for the writers of other processes too. So code in a write transaction may read and then write,
// and no two transactions can deadlock. A statement outside of one waits for nobody: it should touch one row. Reading happens
// on the other pool, which cannot write and never waits for a writer.
//
// One goroutine runs, the journal (journal.go). It is started by Open and awaited by Close. Everything here is safe for
// concurrent use. Failures a caller may be shown are *video.Error; records of another account do not exist for the caller.
//
// Callers are the entrances (rest, for records), live (its journal), auth (keys) and the command line.
package store
