package identity

import (
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// clock0 is where the clocks of tests start: as that of testing/synctest.
var clock0 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// rawKey returns a key of its own for each seed.
func rawKey(t testing.TB, seed byte) Secret {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(seed), 42))
	b := make([]byte, 32)
	for i := range b {
		b[i] = byte(rng.Uint32()) | 0x80 // not text
	}
	s, err := ParseRaw(b)
	if err != nil {
		t.Fatalf("ParseRaw(seed %d): %v", seed, err)
	}
	return s
}

func keyring(t testing.TB, network string, keys ...Secret) *Keyring {
	t.Helper()
	k, err := NewKeyring(network, keys...)
	if err != nil {
		t.Fatalf("NewKeyring(%q): %v", network, err)
	}
	return k
}

// node returns an identity whose clock stands at now.
func node(t testing.TB, k *Keyring, now time.Time) *Identity {
	t.Helper()
	i, err := New(k, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return i
}

// shake runs a handshake and sends a byte each way. It returns what both ends
// got, nil meaning that the byte of the other arrived.
func shake(t testing.TB, client, server *tls.Config) (cs, ss tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	a, b := newWire()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer b.Close()
		conn := tls.Server(b, server)
		if serverErr = conn.Handshake(); serverErr != nil {
			return
		}
		ss = conn.ConnectionState()
		if _, serverErr = conn.Write([]byte{1}); serverErr == nil {
			_, serverErr = conn.Read(make([]byte, 1))
		}
	}()
	conn := tls.Client(a, client)
	if clientErr = conn.Handshake(); clientErr == nil {
		cs = conn.ConnectionState()
		if _, clientErr = conn.Read(make([]byte, 1)); clientErr == nil {
			_, clientErr = conn.Write([]byte{1})
		}
	}
	if clientErr != nil {
		a.Close()
	}
	<-done
	a.Close()
	return cs, ss, clientErr, serverErr
}

// forge is a certificate made by somebody who holds the CA key ca.
type forge struct {
	parent *x509.Certificate
	signer ed25519.PrivateKey
	change func(*x509.Certificate)
	public any // default: that of private
}

func (f forge) certificate(t testing.TB, private any, now time.Time) tls.Certificate {
	t.Helper()
	tmpl := leafTemplate(now)
	tmpl.SerialNumber = big.NewInt(7)
	if f.change != nil {
		f.change(tmpl)
	}
	public := f.public
	if public == nil {
		public = private.(crypto.Signer).Public()
	}
	der, err := x509.CreateCertificate(nil, tmpl, f.parent, public, f.signer)
	if err != nil {
		t.Fatalf("forge: %v", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{seed}, ed25519.SeedSize))
}

// leakForms returns the ways in which printers show bytes.
func leakForms(b []byte) []string {
	return []string{
		string(b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% x", b), fmt.Sprint(b)[1:20],
		fmt.Sprintf("%#v", b)[8:40],
	}
}
