// Package rig has what rehearsals of the whole product stand on: the real binary, a real PostgreSQL, and a client of the native
// signalling protocol.
package rig
