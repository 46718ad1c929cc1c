// Package site serves web apps that are built into the binary: a page, what it loads, and refusals people can read.
//
// It owns no goroutine: files are read once when the handler is made and never change.
package site
