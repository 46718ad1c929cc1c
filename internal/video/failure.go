package video

import "strings"

// Why a recording failed, as its record holds it.
const (
	FailedDiskFull = "disk_full"   // there was no room to begin, or to go on
	FailedNoMedia  = "no_media"    // it ended before anything came that can be played
	FailedFile     = "file_broken" // its file could not be written, or finished after a crash
)

// Failure is why something failed, as those outside are told.
type Failure struct{ Code, Title, Detail string }

var failures = map[string]Failure{
	FailedDiskFull: {FailedDiskFull, "The disk is full", "The server's disk had no room for the recording."},
	FailedNoMedia:  {FailedNoMedia, "Nothing to keep", "The recording ended before anything came that can be played."},
	FailedFile:     {FailedFile, "The file is broken", "The recording's file could not be written or finished."},
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
