package sfu

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// What is sealed is, byte for byte, what the SRTP library makes of it, over rollovers of the sequence number too.
func TestSealIsSRTP(t *testing.T) {
	for name, c := range map[string]struct {
		profile   srtp.ProtectionProfile
		key, salt int
	}{
		"AES-128-GCM": {srtp.ProtectionProfileAeadAes128Gcm, 16, 12},
		"AES-256-GCM": {srtp.ProtectionProfileAeadAes256Gcm, 32, 12},
		"AES-CM":      {srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14},
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.NewChaCha8([32]byte{1})
			key, salt := make([]byte, c.key), make([]byte, c.salt)
			_, _ = random.Read(key)
			_, _ = random.Read(salt)
			s, err := newSealer(c.profile, key, salt)
			if err != nil {
				t.Fatal(err)
			}
			library, err := srtp.CreateContext(key, salt, c.profile)
			if err != nil {
				t.Fatal(err)
			}
			payload := make([]byte, 1200)
			_, _ = random.Read(payload)
			b := make([]byte, 1500)
			for number := uint64(65_000); number < 3*65_536; number += 97 {
				h := rtp.Header{Version: 2, Marker: number%2 == 0, PayloadType: 96, SSRC: 0xdecafbad, SequenceNumber: uint16(number), Timestamp: uint32(number * 3000)}
				if number%3 == 0 {
					if err := h.SetExtension(5, []byte{byte(number >> 8), byte(number)}); err != nil {
						t.Fatal(err)
					}
				}
				p := payload[:number%1200]
				plain, err := (&rtp.Packet{Header: h, Payload: p}).Marshal()
				if err != nil {
					t.Fatal(err)
				}
				want, err := library.EncryptRTP(nil, plain, nil)
				if err != nil {
					t.Fatal(err)
				}
				copy(b, plain[:h.MarshalSize()])
				n, err := s.seal(b, p, number)
				if err != nil || !bytes.Equal(b[:n], want) {
					t.Fatalf("number %d: %v, %x… is not %x…", number, err, b[:40], want[:min(len(want), 40)])
				}
			}
			if _, err := s.seal(b, payload, 1<<48); err == nil {
				t.Error("a number was sealed that no rollover counter can hold")
			}
			if _, err := newSealer(c.profile, key[1:], salt); err == nil {
				t.Error("a key of the wrong size was taken")
			}
		})
	}
}

// A payload that stands in its place already is sealed there.
func TestSealInPlace(t *testing.T) {
	s, err := newSealer(srtp.ProtectionProfileAeadAes128Gcm, make([]byte, 16), make([]byte, 12))
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte{7}, 900)
	apart, within := make([]byte, 1000), make([]byte, 1000)
	for _, b := range [][]byte{apart, within} {
		b[0] = 0x80
		binary.BigEndian.PutUint16(b[2:], 5)
	}
	copy(within[12:], payload)
	n, _ := s.seal(apart, payload, 5)
	m, _ := s.seal(within, within[12:912], 5)
	if n != 12+900+16 || m != n || !bytes.Equal(apart, within) {
		t.Fatal("they differ")
	}
}
