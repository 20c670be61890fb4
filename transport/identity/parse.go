package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

var (
	// ErrWeak says that a key can be guessed or computed.
	ErrWeak = errors.New("weak key")
	// ErrFormat says that the data is no private key this package reads.
	ErrFormat = errors.New("unusable key")
)

const (
	// MaxInput is the most bytes a key may have in any form.
	MaxInput = 32 << 10
	// MinRSABits is the smallest modulus accepted.
	MinRSABits = 2048
	maxRSABits = 16384
)

// Parse reads a network key: PEM (see ParsePEM) when the data has a PEM block,
// else raw bytes or their text (see ParseRaw). The data is not kept.
func Parse(data []byte) (Secret, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return ParsePEM(data)
	}
	return ParseRaw(data)
}

// ParsePEM reads the one private key of data: RSA of at least 2048 bits (PKCS#1,
// PKCS#8), EC (SEC 1, PKCS#8) or Ed25519 (PKCS#8). Other blocks beside it, as
// "EC PARAMETERS" or a certificate, are skipped. Encrypted keys are refused:
// a node starts without a person who could type the passphrase.
func ParsePEM(data []byte) (Secret, error) {
	if len(data) > MaxInput {
		return Secret{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrFormat, len(data), MaxInput)
	}
	rest := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // byte order mark of some editors
	var keys []Secret
	var others []string
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			others = append(others, block.Type)
			continue
		}
		s, err := parseBlock(block)
		if err != nil {
			return Secret{}, err
		}
		keys = append(keys, s)
	}
	switch {
	case len(keys) == 1:
		return keys[0], nil
	case len(keys) > 1:
		return Secret{}, fmt.Errorf("%w: the PEM data holds %d private keys, want one", ErrFormat, len(keys))
	case len(others) > 0:
		return Secret{}, fmt.Errorf("%w: the PEM data holds %q (%s) but no private key", ErrFormat, others[0], explain(others[0]))
	}
	return Secret{}, fmt.Errorf("%w: the PEM data has no complete block", ErrFormat)
}

// explain says in words what a PEM block that is no private key is.
func explain(label string) string {
	switch {
	case strings.HasSuffix(label, "PUBLIC KEY"):
		return "a public key is known to everybody"
	case strings.HasSuffix(label, "CERTIFICATE"):
		return "a certificate is public"
	case strings.HasSuffix(label, "CERTIFICATE REQUEST"):
		return "a certificate request is public"
	}
	return "not a key"
}

// parseBlock reads one private key block.
func parseBlock(b *pem.Block) (Secret, error) {
	if b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED") {
		return Secret{}, fmt.Errorf("%w: the key is encrypted with a passphrase; decrypt it first (openssl pkey)", ErrFormat)
	}
	var key any
	var err error
	switch b.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case "OPENSSH PRIVATE KEY":
		return Secret{}, fmt.Errorf("%w: an OpenSSH key; convert it first (ssh-keygen -p -m PKCS8)", ErrFormat)
	default:
		return Secret{}, fmt.Errorf("%w: PEM block %q; want RSA, EC or Ed25519", ErrFormat, b.Type)
	}
	if err != nil {
		return Secret{}, fmt.Errorf("%w: PEM block %q: %w", ErrFormat, b.Type, err)
	}
	return canonical(key)
}

// canonical returns the form of a private key that is the same for every
// encoding of it. For RSA these are the primes: d and the order of the primes
// differ between the programs that wrote a key.
func canonical(key any) (Secret, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		bits := k.N.BitLen()
		if bits < MinRSABits {
			return Secret{}, fmt.Errorf("%w: RSA of %d bits, want at least %d", ErrWeak, bits, MinRSABits)
		}
		if bits > maxRSABits {
			return Secret{}, fmt.Errorf("%w: RSA of %d bits, at most %d are read", ErrFormat, bits, maxRSABits)
		}
		out := appendInt([]byte("rsa\x00"), big.NewInt(int64(k.E)))
		primes := slices.SortedFunc(slices.Values(k.Primes), func(a, b *big.Int) int { return b.Cmp(a) })
		for _, p := range primes {
			out = appendInt(out, p)
		}
		return Secret{seal(out)}, nil
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			return Secret{}, fmt.Errorf("%w: EC key: %w", ErrFormat, err)
		}
		return Secret{seal(slices.Concat([]byte("ec\x00"+k.Curve.Params().Name+"\x00"), d))}, nil
	case ed25519.PrivateKey:
		return Secret{seal(slices.Concat([]byte("ed25519\x00"), k.Seed()))}, nil
	}
	return Secret{}, fmt.Errorf("%w: private key of type %T; want RSA, EC or Ed25519", ErrFormat, key)
}

func appendInt(dst []byte, n *big.Int) []byte {
	b := n.Bytes()
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b))) // bounded by MaxInput
	return append(dst, b...)
}
