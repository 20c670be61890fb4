package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
	"time"

	"iris/internal/id"
)

const (
	// Skew is how far the clocks of two nodes may differ.
	Skew = 48 * time.Hour
	// Validity is how long a leaf lives after it was made.
	Validity = 30 * 24 * time.Hour
	// ServerName is the name in every leaf. It is visible to observers.
	ServerName = "node.iris.internal"
)

// Options of New. The zero value is good.
type Options struct {
	Now  func() time.Time // the wall clock; nil means time.Now
	Rand io.Reader        // source of the leaf key; nil means crypto/rand.Reader
}

// Identity is what a process is in its network: an ephemeral Ed25519 key, its
// certificate by each key of the keyring, and the id that follows from it. It is
// safe for concurrent use.
type Identity struct {
	ring *Keyring
	now  func() time.Time
	leaf func() ed25519.PrivateKey
	id   id.ID

	mu     sync.Mutex
	leaves []leaf // guarded by mu; in the order of ring.keys
}

// leaf is the certificate of the process by one key of the keyring. It comes
// with the private key, hence the function, see sealed.
type leaf struct {
	cert func() *tls.Certificate
	made time.Time
}

// New makes the identity of this process: a new key, therefore a new id.
func New(k *Keyring, o Options) (*Identity, error) {
	if k == nil {
		return nil, errors.New("identity without keyring")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(o.Rand, seed); err != nil {
		return nil, fmt.Errorf("make node key: %w", err)
	}
	priv := ed25519.NewKeyFromSeed(seed)
	i := &Identity{ring: k, now: o.Now, leaf: func() ed25519.PrivateKey { return priv }, leaves: make([]leaf, len(k.keys))}
	spki, err := x509.MarshalPKIXPublicKey(priv.Public())
	if err != nil {
		return nil, fmt.Errorf("make node key: %w", err)
	}
	i.id = idOf(spki)
	for n := range k.keys {
		if _, err := i.certificate(n); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// ID returns the id of this process.
func (i *Identity) ID() id.ID { return i.id }

// Tag returns the public tag of the primary key: 8 characters of base64url that
// tell networks and keys apart.
func (i *Identity) Tag() string { return i.ring.keys[0].tag }

// Keyring returns the keyring the identity was made with.
func (i *Identity) Keyring() *Keyring { return i.ring }

// Derive returns n bytes, at most 8160, that belong to label and to the primary
// key: every node of the network derives the same, nobody else can. A key that
// must differ between nodes, as that of stateless resets, needs something of the
// node in its label. It panics if n is out of range.
func (i *Identity) Derive(label string, n int) []byte { return i.ring.keys[0].expand("sub/"+label, n) }

// String names id and network, which are public.
func (i *Identity) String() string { return fmt.Sprintf("node %v of %v", i.id, i.ring) }

// GoString returns String.
func (i *Identity) GoString() string { return i.String() }

// PeerID returns the id of the peer of a connection whose handshake succeeded.
func PeerID(cs tls.ConnectionState) (id.ID, error) {
	if len(cs.PeerCertificates) != 1 {
		return id.ID{}, fmt.Errorf("%w: %d certificates, want one", ErrIdentity, len(cs.PeerCertificates))
	}
	return idOf(cs.PeerCertificates[0].RawSubjectPublicKeyInfo), nil
}

// idOf returns the id of a public key in its SubjectPublicKeyInfo form.
func idOf(spki []byte) id.ID {
	sum := sha256.Sum256(spki)
	return id.FromBytes([id.Size]byte(sum[:id.Size]))
}

// certificate returns the leaf by key n of the keyring, made anew when a third of
// its life is over or when the clock was set back by more than half of Skew.
func (i *Identity) certificate(n int) (*tls.Certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	l := &i.leaves[n]
	if age := now.Sub(l.made); l.cert != nil && age < Validity/3 && age > -Skew/2 {
		return l.cert(), nil
	}
	cert, err := mint(i.ring.keys[n], i.leaf(), now)
	if err != nil {
		return nil, err
	}
	*l = leaf{cert: func() *tls.Certificate { return cert }, made: now}
	return cert, nil
}

// mint certifies the key of this process at time now.
func mint(nk *networkKey, priv ed25519.PrivateKey, now time.Time) (*tls.Certificate, error) {
	tmpl := leafTemplate(now)
	serial := sha256.Sum256(fmt.Appendf(nil, "%x %d", priv.Public(), now.UnixNano()))
	serial[0] = serial[0]&0x7f | 0x40 // positive and of full length
	tmpl.SerialNumber = new(big.Int).SetBytes(serial[:16])
	der, err := x509.CreateCertificate(nil, tmpl, nk.ca, priv.Public(), nk.caKey())
	if err != nil {
		return nil, fmt.Errorf("certify node key: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certify node key: %w", err)
	}
	// The CA is not sent: who holds the network key has it already.
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: priv, Leaf: parsed}, nil
}

func leafTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: "iris-node"},
		DNSNames:              []string{ServerName},
		NotBefore:             now.Add(-Skew),
		NotAfter:              now.Add(Validity),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// GeneratePEM makes a new network key: Ed25519 as PKCS#8 in PEM. A nil reader
// means crypto/rand.Reader.
func GeneratePEM(random io.Reader) ([]byte, error) {
	if random == nil {
		random = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("generate network key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, fmt.Errorf("generate network key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
