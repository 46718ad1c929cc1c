//go:build linux

// Package link is a bad network of our own: two network namespaces, and between them a program that loses, delays and holds back
// their packets. What is on the near side (the server) and on the far side (a client) are ordinary programs with ordinary sockets.
//
//	l, err := link.Open(link.Options{Seed: 1, Down: link.Conditions{Delay: 50 * time.Millisecond, Loss: 0.1}})
//	defer l.Close()
//	err = l.Far.Do(command.Start) // a browser that sees only this network
//
// Each side has a TUN device with an IPv4 address; packets of 1,500 bytes at most are read from one and, if and when the conditions
// let them through, written to the other. One goroutine (pump.go) owns both directions (direction.go), which are pure: they are told the time.
//
// It needs Linux, /dev/net/tun and the right to make network namespaces (root). Nothing outlives the process, however it ends.
package link
