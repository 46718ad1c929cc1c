package quality

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The precision that is kept.
const (
	connectionUnit = 100 * time.Microsecond // of round trips and jitter
	availableUnit  = 1000                   // bit/s
	mostAvailable  = 1 << 40                // of those
)

var errBroken = errors.New("it is cut off or damaged")

// packer writes values as bytes: numbers by the rules of encoding/binary's uvarint.
type packer struct{ b []byte }

func (p *packer) word(n uint64)  { p.b = binary.AppendUvarint(p.b, n) }
func (p *packer) count(n int)    { p.word(uint64(n)) }
func (p *packer) signed(n int64) { p.b = binary.AppendVarint(p.b, n) }

// span writes a duration in units, rounded; one that is not 0 does not become 0.
func (p *packer) span(d, unit time.Duration) {
	n := uint64((d + unit/2) / unit)
	if d > 0 && n == 0 {
		n = 1
	}
	p.word(n)
}

func (p *packer) text(s string) {
	p.count(len(s))
	p.b = append(p.b, s...)
}

// id writes a UUID in 16 bytes, after a length of 0; an empty one as the length of 1; anything else as a text of two more.
func (p *packer) id(s string) {
	switch {
	case s == "":
		p.word(1)
	case video.IsUUID(s):
		p.word(0)
		p.b, _ = hex.AppendDecode(p.b, []byte(strings.ReplaceAll(s, "-", "")))
	default:
		p.count(len(s) + 2)
		p.b = append(p.b, s...)
	}
}

// unpacker reads what packer wrote. After the first fault it gives zeros.
type unpacker struct {
	b   []byte
	err error
}

func (u *unpacker) fail(err error) {
	if u.err == nil {
		u.err, u.b = err, nil
	}
}

func (u *unpacker) word() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.fail(errBroken)
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) signed() int64 {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.fail(errBroken)
		return 0
	}
	u.b = u.b[size:]
	return n
}

// count reads how many things follow, each of which takes a byte at least.
func (u *unpacker) count() int {
	n := u.word()
	if n > uint64(len(u.b)) {
		u.fail(errBroken)
		return 0
	}
	return int(n)
}

func (u *unpacker) span(unit time.Duration) time.Duration {
	return time.Duration(min(u.word(), uint64(longest/unit))) * unit
}

func (u *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(u.b)) {
		u.fail(errBroken)
		return nil
	}
	some := u.b[:n]
	u.b = u.b[n:]
	return some
}

func (u *unpacker) text() string { return string(u.bytes(u.word())) }

func (u *unpacker) id() string {
	switch n := u.word(); n {
	case 0:
		b := u.bytes(16)
		if b == nil {
			return ""
		}
		h := hex.EncodeToString(b)
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	case 1:
		return ""
	default:
		return string(u.bytes(n - 2))
	}
}

func boolWord(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// placeOf returns the number of a word; one that is not known has that of the first.
func placeOf[T comparable](words []T, word T) uint64 {
	for i, w := range words {
		if w == word {
			return uint64(i)
		}
	}
	return 0
}

func wordAt[T any](u *unpacker, words []T) T {
	place := u.word()
	if place >= uint64(len(words)) {
		u.fail(errBroken)
		return words[0]
	}
	return words[place]
}
