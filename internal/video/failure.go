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
