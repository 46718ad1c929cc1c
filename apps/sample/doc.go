// Package sample serves the sample call app, built by Vite into dist and embedded in the binary.
//
// It owns no goroutine: the files are read once when the handler is made and never change. cmd/rotunda mounts the
// handler at the root of the public listener, where it answers whatever no other route takes.
package sample
