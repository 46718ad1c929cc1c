package video

import (
	"strings"
	"time"
)

// MediaKind says what an object is that can be downloaded.
type MediaKind string

const (
	MediaRecording      MediaKind = "recording"
	MediaRecordingIndex MediaKind = "recording_index"
	MediaComposition    MediaKind = "composition"
)

// MediaKinds are all there are.
var MediaKinds = []MediaKind{MediaRecording, MediaRecordingIndex, MediaComposition}

// MediaObject is an object that can be downloaded.
type MediaObject struct {
	Key         string // where it is kept
	Name        string // of the file it becomes
	ContentType string
	CompletedAt time.Time
	RoomID      RoomID
}

// indexExtension follows the name of a recording's file without its own.
const indexExtension = ".index.jsonl"

// FileExtension is that of the recording's file, with its point.
func (r Recording) FileExtension() string {
	if r.Codec == "h264" {
		return ".mkv"
	}
	return ".webm"
}

// FileName is the name of the recording's file where it is written, and IndexName that of the index beside it.
func (r Recording) FileName() string { return r.ID + r.FileExtension() }

// IndexName is the name of the file with the recording's index.
func (r Recording) IndexName() string { return r.ID + indexExtension }

// FileKey is where the recording's file is kept, and IndexKey where its index is.
func (r Recording) FileKey() string {
	return "recordings/" + string(r.AccountID) + "/" + string(r.SessionID) + "/" + r.FileName()
}

// IndexKey is where the recording's index is kept.
func (r Recording) IndexKey() string { return IndexKey(r.FileKey()) }

// IndexKey is where the index is kept of the recording that is kept there.
func IndexKey(file string) string {
	return file[:strings.LastIndexByte(file, '.')] + indexExtension
}

// File is the recording's file as it is downloaded, and Index its index.
func (r Recording) File() MediaObject {
	contentType := string(r.Type) + "/webm"
	if r.FileExtension() == ".mkv" {
		contentType = "video/matroska"
	}
	return MediaObject{r.FileKey(), string(r.Type) + "-" + r.FileName(), contentType, completed(r.CompletedAt), r.RoomID}
}

// Index is the recording's index as it is downloaded.
func (r Recording) Index() MediaObject {
	return MediaObject{r.IndexKey(), string(r.Type) + "-" + r.IndexName(), "application/jsonl", completed(r.CompletedAt), r.RoomID}
}

// FileKey is where the composition's file is kept.
func (c Composition) FileKey() string {
	return "compositions/" + string(c.AccountID) + "/" + string(c.SessionID) + "/" + c.ID + "." + string(c.Format)
}

// File is the composition's file as it is downloaded.
func (c Composition) File() MediaObject {
	contentType := map[CompositionFormat]string{FormatMP4: "video/mp4", FormatWebM: "video/webm", FormatM4A: "audio/mp4", FormatOgg: "audio/ogg"}[c.Format]
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return MediaObject{c.FileKey(), "composition-" + c.ID + "." + string(c.Format), contentType, completed(c.CompletedAt), c.RoomID}
}

func completed(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}

// MediaDeletion is media that is to be deleted because its recording or composition was.
type MediaDeletion struct {
	Seq      int64
	Kind     MediaKind // MediaRecording, the index included, or MediaComposition
	ID       string
	Key      string
	Attempts int // that failed

	After time.Duration // from the deletion of the record on: no sooner
}
