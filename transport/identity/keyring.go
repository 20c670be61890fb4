package identity

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxKeys is the most keys of a keyring. A rotation needs two.
	MaxKeys = 8
	// MaxNetworkName is the most bytes of a network's name.
	MaxNetworkName = 255

	labels    = "iris/v1/"
	alpn      = "iris/1."
	tagSize   = 6
	beaconKey = 32
)

// Keyring is what a node derives from the keys of one network, the primary key
// first. Two nodes can talk if their keyrings share a key:
//
//	        A    A,B   B,A   B
//	A       x     x     x    -
//	A,B     x     x     x    x
//	B,A     x     x     x    x
//	B       -     x     x    x
//
// It is immutable.
type Keyring struct {
	network string
	keys    []*networkKey
	cas     *x509.CertPool // the CAs of all keys; any of them admits a peer
	alpns   []string       // in the order of keys
}

// networkKey is one key under the name of the network.
type networkKey struct {
	prk   sealed // pseudorandom key of HKDF, input of every derivation
	caKey func() ed25519.PrivateKey
	ca    *x509.Certificate
	tag   string
}

// NewKeyring derives the keyring of the named network. The name takes part in
// every derivation: networks of different names are strangers even if they use
// one key. Names have 1 to 255 bytes of valid UTF-8 without control characters.
func NewKeyring(network string, keys ...Secret) (*Keyring, error) {
	if err := validName(network); err != nil {
		return nil, err
	}
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("keyring of %d keys, want 1 to %d", len(keys), MaxKeys)
	}
	k := &Keyring{network: network, cas: x509.NewCertPool()}
	for i, s := range keys {
		if s.IsZero() {
			return nil, fmt.Errorf("key %d of the keyring is empty", i)
		}
		for j := range i {
			if s.Equal(keys[j]) {
				return nil, fmt.Errorf("keys %d and %d of the keyring are the same", j, i)
			}
		}
		nk, err := derive(network, s)
		if err != nil {
			return nil, fmt.Errorf("key %d of the keyring: %w", i, err)
		}
		k.keys = append(k.keys, nk)
		k.cas.AddCert(nk.ca)
		k.alpns = append(k.alpns, alpn+nk.tag)
	}
	return k, nil
}

// Network returns the network's name.
func (k *Keyring) Network() string { return k.network }

// Tags returns the public tag of each key, primary first.
func (k *Keyring) Tags() []string {
	out := make([]string, len(k.keys))
	for i, nk := range k.keys {
		out[i] = nk.tag
	}
	return out
}

// BeaconKeys returns the 32-byte key that authenticates discovery beacons, per
// network key, primary first. The slices are the caller's own and secret.
func (k *Keyring) BeaconKeys() [][]byte {
	out := make([][]byte, len(k.keys))
	for i, nk := range k.keys {
		out[i] = nk.expand("sub/beacon", beaconKey)
	}
	return out
}

// String names the network and the tags, which are public.
func (k *Keyring) String() string { return fmt.Sprintf("network %q keys %v", k.network, k.Tags()) }

// GoString returns String.
func (k *Keyring) GoString() string { return k.String() }

func validName(network string) error {
	if len(network) == 0 || len(network) > MaxNetworkName {
		return fmt.Errorf("network name of %d bytes, want 1 to %d", len(network), MaxNetworkName)
	}
	if !utf8.ValidString(network) {
		return errors.New("network name is not valid UTF-8")
	}
	for _, r := range network {
		if unicode.IsControl(r) {
			return fmt.Errorf("network name %q has a control character", network)
		}
	}
	return nil
}

// caFrom is the fixed start of every CA: before any clock, also before the year
// 2000 of simulated time.
var caFrom = time.Unix(0, 0).UTC()

// caUntil is the date that means "no well-defined expiration" (RFC 5280, 4.1.2.5).
var caUntil = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// derive makes the CA and the tag of one key. Everything in the certificate is
// fixed or derived and Ed25519 signs deterministically, so every node computes
// the same CA.
func derive(network string, s Secret) (*networkKey, error) {
	salt := sha256.Sum256([]byte(network))
	prk, err := hkdf.Extract(sha256.New, s.key(), salt[:])
	if err != nil {
		return nil, err
	}
	nk := &networkKey{prk: seal(prk)}
	nk.tag = base64.RawURLEncoding.EncodeToString(nk.expand("alpn", tagSize))
	priv := ed25519.NewKeyFromSeed(nk.expand("ca", ed25519.SeedSize))
	nk.caKey = func() ed25519.PrivateKey { return priv }
	pub := priv.Public().(ed25519.PublicKey)
	keyID := sha256.Sum256(pub)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		// Subjects must differ between the keys of a keyring: the client chooses
		// its certificate by the issuers that the server names.
		Subject:               pkix.Name{CommonName: "iris-ca-" + hex.EncodeToString(keyID[:6])},
		NotBefore:             caFrom,
		NotAfter:              caUntil,
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
		SubjectKeyId:          keyID[:20],
	}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, pub, priv)
	if err != nil {
		return nil, fmt.Errorf("derive CA: %w", err)
	}
	if nk.ca, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("derive CA: %w", err)
	}
	return nk, nil
}

// expand returns n bytes that belong to label, at most 8160 (RFC 5869, 2.3).
func (nk *networkKey) expand(label string, n int) []byte {
	out, err := hkdf.Expand(sha256.New, nk.prk(), labels+label, n)
	if err != nil {
		panic("identity: derive " + label + ": " + err.Error()) // only for a length out of range
	}
	return out
}
