package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Objects knows what there is to download.
type Objects interface {
	// MediaObject finds an object of the account. One that is not complete is video.CodeState; one that was deleted is
	// video.CodeNotFound, from the moment of its deletion on.
	MediaObject(ctx context.Context, account video.AccountID, kind video.MediaKind, id string) (video.MediaObject, error)
}

// Media opens objects. One that is not there is blob.ErrAbsent.
type Media interface {
	Open(ctx context.Context, key string) (*blob.Reader, error)
}

// Config is what the entrance stands on. All fields are required unless said otherwise.
type Config struct {
	Links   *blob.Links
	Objects Objects
	Media   Media
	Log     *slog.Logger

	// ErrorPages is the address of the pages that explain error codes, to which the code is appended.
	ErrorPages string

	// Downloaded is told how many bytes of an object a client took, when the download ends. It may be nil, and must not wait.
	Downloaded func(account video.AccountID, room video.RoomID, bytes int64)

	MaxDownloads int           // at once; 0 is DefaultMaxDownloads
	Stall        time.Duration // how long a client may take nothing; 0 is DefaultStall
}

// Limits unless a Config has others.
const (
	DefaultMaxDownloads = 200
	DefaultStall        = 2 * time.Minute
)

// Handler serves everything under blob.LinkPath.
type Handler struct {
	Config

	places chan struct{} // holds one for each download
}

// New returns the handler. It is for any path: what is no media URL is not found.
func New(config Config) *Handler {
	if config.MaxDownloads == 0 {
		config.MaxDownloads = DefaultMaxDownloads
	}
	if config.Stall == 0 {
		config.Stall = DefaultStall
	}
	return &Handler{config, make(chan struct{}, config.MaxDownloads)}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	// The URL is the credential: who has it may use it from any page, and nothing else rides along.
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if err := h.serve(w, r); err != nil {
			h.refuse(w, r, err)
		}
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		h.refuse(w, r, errMethod)
	}
}

// serve fails only before anything was sent.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	link, err := h.Links.Read(r.URL)
	if err != nil {
		return err
	}
	object, err := h.Objects.MediaObject(r.Context(), link.Account, link.Kind, link.ID)
	if err != nil {
		return err
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return errBusy
	}
	content, err := h.Media.Open(r.Context(), object.Key)
	if err != nil {
		return fmt.Errorf("open media: %w", err)
	}
	defer func() {
		if err := content.Close(); err != nil && r.Context().Err() == nil {
			h.Log.Warn("media was not closed", "object", object.Key, "error", err)
		}
	}()
	header := w.Header()
	header.Set("Content-Type", object.ContentType)
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": object.Name}))
	// Objects never change, but they are deleted: whoever keeps a copy asks again.
	header.Set("ETag", `"`+link.ID+"-"+strconv.FormatInt(content.Size(), 36)+`"`)
	header.Set("Cache-Control", "private, no-cache")
	// Several ranges at once may be ignored (RFC 9110 section 14.2). No player asks for them, each would be a request to a bucket of
	// its own, and ServeContent reads them in a goroutine that outlives it when the client goes.
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range")
	}
	watched, control := &watched{Reader: content}, http.NewResponseController(w)
	out := &patient{ResponseWriter: w, control: control, stall: h.Stall}
	http.ServeContent(out, r, "", object.CompletedAt, watched)
	if h.Downloaded != nil && out.taken > 0 {
		h.Downloaded(link.Account, object.RoomID, out.taken)
	}
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{}) // the connection may have other uses
	if watched.fault != nil && r.Context().Err() == nil {
		h.Log.Error("media was cut off", "object", object.Key, "error", watched.fault)
		panic(http.ErrAbortHandler) // the client sees that it has not all of it
	}
	return nil
}

// watched remembers what went wrong with reading.
type watched struct {
	*blob.Reader

	fault error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.fault = err
	}
	return n, err
}

// patient gives each piece of an answer its own time: a download takes as long as it takes, but who takes nothing is cut off.
type patient struct {
	http.ResponseWriter

	control *http.ResponseController
	stall   time.Duration
	taken   int64 // bytes
}

func (p *patient) WriteHeader(status int) {
	// The server's limit is for requests to arrive, and this one has.
	_ = p.control.SetReadDeadline(time.Time{})
	p.ResponseWriter.WriteHeader(status)
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.stall))
	n, err := p.ResponseWriter.Write(b)
	p.taken += int64(n)
	return n, err
}
