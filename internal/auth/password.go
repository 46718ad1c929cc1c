package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MinPassword and MaxPassword bound passwords of members, in characters.
const (
	MinPassword = 10
	MaxPassword = 256
)

// The cost of a password, as RFC 9106 (argon2id) names it: about 30 ms and 19 MiB. Hashes say what theirs was, so that it can
// be raised.
const (
	passTime    = 2
	passMemory  = 19 << 10 // KiB
	passThreads = 1
	passSalt    = 16
	passKey     = 32
)

const passFormat = "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"

// CheckPassword says why a password cannot be chosen.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword || !utf8.ValidString(password) {
		return video.Errorf(video.CodeInvalid, "a password has %d to %d characters of UTF-8", MinPassword, MaxPassword).WithField("/password")
	}
	return nil
}

func hashPassword(password string) string {
	salt := make([]byte, passSalt)
	_, _ = rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(password), salt, passTime, passMemory, passThreads, passKey)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf(passFormat, passMemory, passTime, passThreads, encode(salt), encode(key))
}

// verifyPassword reports whether the hash is the password's. A hash that cannot be read is nobody's.
func verifyPassword(password, hash string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return false
	}
	var memory, time uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil || time == 0 || threads == 0 {
		return false
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(key) == 0 {
		return false
	}
	tried := argon2.IDKey([]byte(password), salt, time, memory, threads, uint32(len(key))) //nolint:gosec // a hash of ours is short
	return subtle.ConstantTimeCompare(tried, key) == 1
}
