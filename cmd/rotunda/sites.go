package main

import (
	"net/http"

	"github.com/rotunda-rtc/rotunda/apps/docs"
	"github.com/rotunda-rtc/rotunda/apps/portal"
	"github.com/rotunda-rtc/rotunda/apps/sample"
	"github.com/rotunda-rtc/rotunda/internal/site"
)

// callApp may load and reach this server alone. Websockets are named by scheme because browsers differ on whether 'self'
// covers them.
func callApp() http.Handler {
	return site.New(sample.Files(), site.Config{
		Name: "The call app", Pages: []string{"/connectivity"},
		Policy: "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
			"media-src 'self' blob:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		Permissions: "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), " +
			"screen-wake-lock=(self), geolocation=(), payment=(), usb=()",
	})
}

// portalApp is for members. All its paths are one page, which looks at where it is; it reaches nothing but this server.
func portalApp() http.Handler {
	return site.New(portal.Files(), site.Config{
		Name: "The portal", Path: "/portal", OnePage: true,
		Policy: "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; " +
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		Permissions: securityHeaders["Permissions-Policy"] + ", clipboard-write=(self)",
	})
}

// reference is the API reference. Its viewer has pictures in its stylesheet, as data.
func reference() http.Handler {
	return site.New(docs.Files(), site.Config{
		Name: "The API reference", Path: "/docs",
		Policy: "default-src 'self'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
			"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		Permissions: securityHeaders["Permissions-Policy"],
	})
}
