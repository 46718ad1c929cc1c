package rest

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// ErrorPages is the prefix of the pages that explain error codes, one each; errors link to them.
const ErrorPages = "/docs/errors/"

var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Code}} {{.Title}}</title>
<h1>{{.Code}} {{.Title}}</h1>
<p>{{.Help}}</p>
`))

// ErrorPage serves what there is to say about one error code, for people.
func ErrorPage(w http.ResponseWriter, r *http.Request) {
	code := strings.TrimPrefix(r.URL.Path, ErrorPages)
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.code == code })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	k := kinds[i]
	_ = errorPage.Execute(w, struct{ Code, Title, Help string }{k.code, k.title, k.help})
}
