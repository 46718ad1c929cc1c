package sfu

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// sealOverhead is what sealing adds to a packet at most: an AES-GCM tag, or the shorter one of HMAC-SHA1.
const sealOverhead = 16

// sealer encrypts what we send on one connection. AES-GCM (RFC 7714) is done here, straight from the publisher's payload to
// where the packet leaves from: no copy, no look-up by SSRC, and the rollover counter comes with the number of the packet.
// RTCP, and RTP of clients without GCM, go through the SRTP library.
type sealer struct {
	gcm     cipher.AEAD // nil: the client has AES-CM
	salt    [12]byte
	nonce   [12]byte // scratch
	context *srtp.Context
	header  rtp.Header // scratch
}

// newSealer takes the keys that DTLS gave for what we send.
func newSealer(profile srtp.ProtectionProfile, key, salt []byte) (*sealer, error) {
	context, err := srtp.CreateContext(key, salt, profile)
	if err != nil {
		return nil, err
	}
	s := &sealer{context: context}
	if profile != srtp.ProtectionProfileAeadAes128Gcm && profile != srtp.ProtectionProfileAeadAes256Gcm {
		return s, nil
	}
	if len(salt) != len(s.salt) {
		return nil, fmt.Errorf("the salt has %d bytes, not %d", len(salt), len(s.salt))
	}
	const labelKey, labelSalt = 0x00, 0x02
	sessionKey, err := deriveSRTP(labelKey, key, salt, len(key))
	if err != nil {
		return nil, err
	}
	sessionSalt, err := deriveSRTP(labelSalt, key, salt, len(salt))
	if err != nil {
		return nil, err
	}
	copy(s.salt[:], sessionSalt)
	block, err := aes.NewCipher(sessionKey)
	if err != nil {
		return nil, err
	}
	s.gcm, err = cipher.NewGCM(block)
	return s, err
}

// deriveSRTP is the key derivation of RFC 3711 section 4.3 with a derivation rate of zero.
func deriveSRTP(label byte, key, salt []byte, size int) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	var in [aes.BlockSize]byte
	copy(in[:], salt)
	in[7] ^= label
	out := make([]byte, size)
	cipher.NewCTR(block, in[:]).XORKeyStream(out, out)
	return out, nil
}

var errNumbersUsedUp = errors.New("2^48 packets under one key (RFC 3711 section 9.2)")

// seal completes the packet whose header stands at the beginning of b, with this payload, and returns its size. number is that of
// the header with its rollovers: one number of an SSRC must never be sealed with two different contents, the header's extension
// included. The payload may stand behind the header in b; b has room for it and sealOverhead.
func (s *sealer) seal(b, payload []byte, number uint64) (int, error) {
	h := headerSize(b)
	if number >= 1<<48 {
		return 0, errNumbersUsedUp
	}
	if s.gcm != nil {
		s.nonce = s.salt
		for i, x := range b[8:12] { // SSRC
			s.nonce[2+i] ^= x
		}
		var index [8]byte
		binary.BigEndian.PutUint64(index[:], number<<16)
		for i, x := range index[:6] {
			s.nonce[6+i] ^= x
		}
		return h + len(s.gcm.Seal(b[h:h], s.nonce[:], payload, b[:h])), nil
	}
	n := h + copy(b[h:], payload)
	sealed, err := s.context.EncryptRTP(b[:n], b[:n], &s.header)
	return len(sealed), err
}

// sealRTCP encrypts a compound RTCP packet.
func (s *sealer) sealRTCP(plain []byte) ([]byte, error) {
	return s.context.EncryptRTCP(nil, plain, nil)
}
