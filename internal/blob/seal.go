package blob

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// An encrypted object is a head (a mark of 8 bytes, the last of them the version, and a salt) and chunks of AES-256-GCM, each of
// chunkSize bytes and a tag, the last one shorter or as long. The key is derived from the secret, the salt and the object's key, so no two
// objects share one, and an object under another's key cannot be read. A chunk's nonce is its number and whether it is the last: none can be
// moved, left out or cut off unnoticed. The head is bound to every chunk.
const (
	sealMark  = "ROTSEAL\x01"
	headSize  = 32
	chunkSize = 64 << 10
	tagSize   = 16
)

// ErrSealed is the error for an encrypted object that this root key does not open.
var ErrSealed = errors.New("the object is encrypted, and cannot be read with this root key; it was written with another, or is damaged")

var (
	errNoKey   = errors.New("the object is encrypted, and there is no key")
	errLooksSo = errors.New("the file begins like an encrypted object")
)

type sealer struct{ secret []byte }

func (s *sealer) cipher(key string, head []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, s.secret, head[len(sealMark):], "object "+key, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// nonce is that of a chunk.
func nonce(chunk uint32, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint32(n[7:], chunk)
	if last {
		n[11] = 1
	}
	return n
}

func chunksOf(plain int64) int64 { return (plain + chunkSize - 1) / chunkSize }

// maxChunks is as far as a nonce counts: 256 TiB.
const maxChunks = 1 << 32

// seal returns the encrypted form of the plain content, and its size. The plain size must not be 0.
func (s *sealer) seal(key string, plain io.Reader, size int64) (io.Reader, int64, error) {
	if chunksOf(size) > maxChunks {
		return nil, 0, errors.New("too large to be encrypted")
	}
	head := make([]byte, headSize)
	_, _ = rand.Read(head[copy(head, sealMark):]) // never fails
	aead, err := s.cipher(key, head)
	if err != nil {
		return nil, 0, err
	}
	sealing := &sealing{plain: plain, left: size, aead: aead, head: head, ready: head}
	return sealing, headSize + size + chunksOf(size)*tagSize, nil
}

type sealing struct {
	plain io.Reader
	left  int64 // of the plain content
	aead  cipher.AEAD
	head  []byte
	chunk uint32
	ready []byte // encrypted, not yet read
	space [chunkSize + tagSize]byte
}

func (s *sealing) Read(p []byte) (int, error) {
	if len(s.ready) == 0 {
		if s.left == 0 {
			return 0, io.EOF
		}
		n := min(s.left, chunkSize)
		if _, err := io.ReadFull(s.plain, s.space[:n]); err != nil {
			return 0, err
		}
		s.left -= n
		s.ready = s.aead.Seal(s.space[:0], nonce(s.chunk, s.left == 0), s.space[:n], s.head)
		s.chunk++
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// unseal gives an encrypted object its plain form. Any other is what it is.
func (s *Store) unseal(ctx context.Context, key string, o object) (object, error) {
	if o.size() < headSize {
		return o, nil
	}
	head, err := readAll(ctx, o, 0, headSize)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(head, []byte(sealMark)) {
		return o, nil
	}
	if s.sealer == nil {
		return nil, errNoKey
	}
	sealed := o.size() - headSize
	chunks := (sealed + chunkSize + tagSize - 1) / (chunkSize + tagSize)
	last := sealed - (chunks-1)*(chunkSize+tagSize)
	if chunks < 1 || chunks > maxChunks || last <= tagSize {
		return nil, ErrSealed
	}
	aead, err := s.sealer.cipher(key, head)
	if err != nil {
		return nil, err
	}
	u := &unsealed{object: o, plain: sealed - chunks*tagSize, aead: aead, head: head, chunks: chunks}
	// The last chunk vouches for the size.
	_, err = readAll(ctx, u, u.plain-1, 1)
	if err != nil {
		return nil, err
	}
	return u, nil
}

func readAll(ctx context.Context, o object, from, n int64) ([]byte, error) {
	r, err := o.read(ctx, from, n)
	if err != nil {
		return nil, err
	}
	p := make([]byte, n)
	_, err = io.ReadFull(r, p)
	return p, errors.Join(err, r.Close())
}

// unsealed is the plain form of an encrypted object.
type unsealed struct {
	object

	plain  int64
	aead   cipher.AEAD
	head   []byte
	chunks int64
}

func (u *unsealed) size() int64 { return u.plain }

func (u *unsealed) read(ctx context.Context, from, n int64) (io.ReadCloser, error) {
	first, last := from/chunkSize, (from+n-1)/chunkSize
	begin := headSize + first*(chunkSize+tagSize)
	end := min(headSize+(last+1)*(chunkSize+tagSize), u.object.size())
	sealed, err := u.object.read(ctx, begin, end-begin)
	if err != nil {
		return nil, err
	}
	return &unsealing{of: u, sealed: sealed, chunk: first, skip: from - first*chunkSize, left: n}, nil
}

type unsealing struct {
	of     *unsealed
	sealed io.ReadCloser
	chunk  int64 // the next one
	skip   int64 // of its plain bytes
	left   int64 // to be read
	ready  []byte
	space  [chunkSize + tagSize]byte
}

func (u *unsealing) Read(p []byte) (int, error) {
	if u.left == 0 {
		return 0, io.EOF
	}
	if len(u.ready) == 0 {
		if err := u.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p[:min(int64(len(p)), u.left)], u.ready)
	u.ready = u.ready[n:]
	u.left -= int64(n)
	return n, nil
}

func (u *unsealing) next() error {
	n := min(chunkSize, u.of.plain-u.chunk*chunkSize) + tagSize
	if _, err := io.ReadFull(u.sealed, u.space[:n]); errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	} else if err != nil {
		return err
	}
	number := uint32(u.chunk)
	plain, err := u.of.aead.Open(u.space[:0], nonce(number, u.chunk == u.of.chunks-1), u.space[:n], u.of.head)
	if err != nil {
		return ErrSealed
	}
	u.ready, u.skip, u.chunk = plain[u.skip:], 0, u.chunk+1
	return nil
}

func (u *unsealing) Close() error { return u.sealed.Close() }
