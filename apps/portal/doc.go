// Package portal is the operator's console, built by Vite into dist and embedded in the binary. cmd/rotunda serves it under
// /portal of the public listener.
package portal
