// Package record keeps what participants publish as files on the local disk: one for each kind of each stream, written
// packet by packet, without transcoding, so that a killed process loses at most the last second.
//
//	media path ──Take──▶ queue ──▶ reorder ──▶ packet.Assembler ──▶ timeline ──▶ writer, index
//	live loop ──Gate, Stop──▶ posts of the session
//
// # Goroutines
//
// A session in which anything is recorded has one goroutine, started by [Recorder.Record] and awaited by
// [Recorder.Close]. It alone touches the tracks of the session but for their queues: ten times a second it takes what the
// queues hold, then runs what the loop posted meanwhile, so that a packet taken before a post is written before it. It
// waits for the disk and nothing else.
//
// While files cannot be finished, because the disk refuses or is not there, one more goroutine tries them again.
//
// # What is full
//
// A queue holds 4 MiB of video or 1 MiB of audio; what does not fit is dropped, counted, and loss like any other. Posts
// are a few for each stream, and the disk cannot hold them up for long: their list is not bounded.
//
// # Crashes
//
// Clusters are written whole, and index lines after the cluster they belong to. A clean end and the next start after a
// crash finish a file with the same code, which cuts off what is not whole and fills in the length, the cues and the seek
// head in place: finishing needs no free space and may be done twice.
package record
