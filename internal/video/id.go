package video

import (
	"crypto/rand"
	"fmt"
	"io"
)

// Ids are UUIDs in lower case. Each kind has a type of its own, so that a room's id is never passed for a session's.
type (
	AccountID     string
	RoomID        string
	SessionID     string
	ParticipantID string
	StreamID      string
)

// NewUUID returns a random UUID version 4 (RFC 9562) in lower case. It panics if the system has no randomness.
func NewUUID() string { return NewUUIDFrom(rand.Reader) }

// NewUUIDFrom is NewUUID with the randomness given, for tests that need the same ids each time.
func NewUUIDFrom(random io.Reader) string {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic("video: no randomness: " + err.Error())
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// IsUUID reports whether s is a UUID in the canonical lower-case form, of any version.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
