package rest

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// ErrorPages is the prefix of the pages that explain error codes, one each; errors link to them.
const ErrorPages = "/docs/errors/"

// errorPage looks like the reference, whose stylesheet it borrows; without that it is a plain page.
var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Code}} {{.Title}} – Rotunda API</title>
<link rel="icon" type="image/svg+xml" href="/docs/favicon.svg">
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<header class="head"><a class="home" href="/docs"><img src="/docs/favicon.svg" alt="" width="24" height="24">Rotunda API</a></header>
<main class="page">
<p class="code">Error {{.Code}}</p>
<h1>{{.Title}}</h1>
<p>{{.Help}}</p>
<p>Every operation with its fields, bounds and errors is in the <a href="/docs">API reference</a>.</p>
</main>
</body>
</html>
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
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	k := kinds[i]
	_ = errorPage.Execute(w, struct{ Code, Title, Help string }{k.code, k.title, k.help})
}
