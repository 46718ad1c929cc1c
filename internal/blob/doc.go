// Package blob keeps objects by key: recordings, their indexes and compositions. They lie in a directory or in a bucket of a server
// that speaks S3, and may be encrypted; callers see no difference.
//
// An object is put whole, from a file, and never changed. Put returns when the object is durable and was read back equal, so that
// the file can go. Putting again what was put before does no harm: whoever is unsure does it again.
//
// Keys are clean relative paths, such as "recordings/a/b.webm". Nothing here knows what an object is or whose; Links makes
// the signed URLs under which others decide to serve them.
//
// No goroutine runs. Everything here is safe for concurrent use, but a Reader belongs to one caller.
package blob
