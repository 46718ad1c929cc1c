package video

import "strings"

// Why a recording failed, as its record holds it.
const (
	FailedDiskFull = "disk_full"    // too little room was left to begin
	FailedNoMedia  = "no_media"     // the server died before anything was on the disk
	FailedDisk     = "disk_error"   // the disk refused
	FailedMissing  = "file_missing" // the file is neither on the disk nor where recordings stay
)

// Failure is why something failed, as those outside are told.
type Failure struct{ Code, Title, Detail string }

var failures = map[string]Failure{
	FailedDiskFull: {FailedDiskFull, "The disk is full", "The server's disk had no room for the recording."},
	FailedNoMedia:  {FailedNoMedia, "Nothing to keep", "The server stopped before anything of the recording was on its disk."},
	FailedDisk:     {FailedDisk, "The disk refused", "The recording's file could not be written or finished."},
	FailedMissing:  {FailedMissing, "The file is missing", "The recording's file is neither on the server's disk nor where recordings stay."},
}

// FailureOf explains a reason. One that is not known is its own detail.
func FailureOf(reason string) Failure {
	if f, known := failures[reason]; known {
		return f
	}
	code := reason
	if code == "" || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		code = "failed"
	}
	return Failure{code, "The recording failed", reason}
}

var awaited = map[string]Failure{
	"storage_unavailable": {Title: "The storage does not answer", Detail: "The place where recordings stay cannot be reached. It is tried again until it can."},
	"storage_full":        {Title: "The storage is full", Detail: "The place where recordings stay has no room. It is tried again until it has."},
	"storage_refused":     {Title: "The storage refuses", Detail: "The place where recordings stay does not take the server's keys, or knows no such bucket. It is tried again until it does."},
	"checksum_mismatch":   {Title: "The storage changed the file", Detail: "What was read back differs from what was put. The server's own file stays, and it is tried again."},
}

// Awaited explains why a recording that ended is not where recordings stay.
func Awaited(reason string) Failure {
	if f, known := awaited[reason]; known {
		f.Code = reason
		return f
	}
	return Failure{"storage_unavailable", "The recording waits", reason}
}

// Why a composition failed, or is not being made.
const (
	CompositionFailedNoFFmpeg  = "ffmpeg_unusable"     // it is missing, too old, or lacks what is needed
	CompositionFailedFFmpeg    = "ffmpeg_failed"       // it ended with an error, or its file is not what was asked for
	CompositionFailedStalled   = "ffmpeg_stalled"      // it did not get on
	CompositionFailedDeadline  = "deadline_exceeded"   // it took too long
	CompositionFailedUnread    = "no_readable_tracks"  // none of its recordings can be read
	CompositionFailedDiskFull  = "disk_full"           // there is too little room to make it
	CompositionFailedStorage   = "storage_unavailable" // a recording could not be had, or the file not be kept
	CompositionFailedStop      = "server_stopped"      // the server died while it was made
	CompositionFailedInternal  = "internal_error"      // it is our fault
	CompositionFailedOtherwise = "composition_failed"  // anything else
	CompositionWaitsElsewhere  = "not_made_here"       // the server is set to make none
)

var compositionTitles = map[string]string{
	CompositionFailedNoFFmpeg: "There is no ffmpeg that will do",
	CompositionFailedFFmpeg:   "ffmpeg failed",
	CompositionFailedStalled:  "ffmpeg stood still",
	CompositionFailedDeadline: "It took too long",
	CompositionFailedUnread:   "No recording can be read",
	CompositionFailedDiskFull: "The disk is full",
	CompositionFailedStorage:  "The storage failed",
	CompositionFailedStop:     "The server stopped",
	CompositionFailedInternal: "Something went wrong inside",
	CompositionWaitsElsewhere: "Compositions are not made here",
}

// CompositionFailure explains why a composition failed or waits. Without a code it is about neither, or one of before there were codes.
func CompositionFailure(code, detail string) Failure {
	title, known := compositionTitles[code]
	if !known {
		code, title = CompositionFailedOtherwise, "The composition failed"
	}
	return Failure{code, title, detail}
}
