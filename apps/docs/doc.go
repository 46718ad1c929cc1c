// Package docs is the API reference, built by Vite into dist and embedded in the binary. cmd/rotunda serves it at
// /docs; the pages of error codes share its stylesheet.
package docs
