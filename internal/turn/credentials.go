package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// realm is what long-term credentials are for (RFC 8489 section 9.2).
const realm = "rotunda"

// issuer makes credentials and knows its own again: the user name is "expiry:subject", the password its keyed hash. The key is
// made at the start, and lasts as long as the sessions do.
type issuer struct {
	key      [32]byte
	lifetime time.Duration
	now      func() time.Time
}

func newIssuer(lifetime time.Duration, now func() time.Time) *issuer {
	i := &issuer{lifetime: lifetime, now: now}
	_, _ = rand.Read(i.key[:])
	return i
}

// issue makes credentials for a subject.
func (i *issuer) issue(subject string) (username, password string, expires time.Time) {
	expires = i.now().Add(i.lifetime).Truncate(time.Second)
	username = strconv.FormatInt(expires.Unix(), 10) + ":" + subject
	return username, i.password(username), expires
}

func (i *issuer) password(username string) string {
	mac := hmac.New(sha256.New, i.key[:])
	mac.Write([]byte(username))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate is the library's AuthHandler. It names as the user the subject and where it comes from (an IPv4 address or IPv6 /64): so fresh
// credentials of a subject serve what was allocated with former ones, and a client whose address changed has room beside what its former
// one still holds for minutes. Expired credentials allocate nothing; what there is may be kept with them, as browsers
// cannot change those of an allocation.
func (i *issuer) authenticate(request *turn.RequestAttributes) (user string, key []byte, ok bool) {
	expiry, subject, ok := strings.Cut(request.Username, ":")
	at, err := strconv.ParseInt(expiry, 10, 64)
	if !ok || err != nil || subject == "" {
		return "", nil, false
	}
	if request.Method == stun.MethodAllocate && at < i.now().Unix() {
		return "", nil, false
	}
	return subject + " " + comesFrom(request.SrcAddr).String(), turn.GenerateAuthKey(request.Username, realm, i.password(request.Username)), true
}

// comesFrom returns the IPv4 address or IPv6 /64 of a client.
func comesFrom(a net.Addr) netip.Prefix {
	switch a := a.(type) {
	case *net.UDPAddr:
		return originOf(a.AddrPort().Addr())
	case *net.TCPAddr:
		return originOf(a.AddrPort().Addr())
	}
	return netip.Prefix{}
}
