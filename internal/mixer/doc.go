// Package mixer mixes the sound of a session: Opus in, Opus out, to each listener everybody but itself.
package mixer
