// Package livetest has what tests of live and of the entrances plug into a live.Host in place of the engines: rooms and a
// journal in memory, and a scripted Media that keeps lines and subscriptions as the real one does but moves no packet.
// It is imported by tests only.
package livetest
