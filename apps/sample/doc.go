// Package sample is the sample call app, built by Vite into dist and embedded in the binary. cmd/rotunda serves it at the
// root of the public listener.
package sample
