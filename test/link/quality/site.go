//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

//go:embed page
var pages embed.FS

// site is the application, at localhost of a namespace: browsers give cameras to pages from there, and no bad network delays it.
type site struct {
	server *http.Server
	ended  chan error
}

const sitePort = "8000"

func openSite(ctx context.Context, in *link.Namespace, sdk string) (*site, error) {
	listener, err := in.Listen(ctx, "tcp4", "127.0.0.1:"+sitePort)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "page/index.html") })
	mux.Handle("GET /page/", http.FileServerFS(pages))
	mux.Handle("GET /sdk/", http.StripPrefix("/sdk/", http.FileServer(http.Dir(sdk))))
	s := &site{&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, make(chan error, 1)}
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

func (s *site) close() error {
	err := s.server.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
