package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"iris/internal/id"
)

func TestHandshakeTellsBothIDs(t *testing.T) {
	k := keyring(t, "net", rawKey(t, 1))
	a, b := node(t, k, clock0), node(t, k, clock0)
	for name, want := range map[string]id.ID{"known": b.ID(), "anybody": {}} {
		t.Run(name, func(t *testing.T) {
			cs, ss, cerr, serr := shake(t, a.ClientTLS(want), b.ServerTLS())
			if cerr != nil || serr != nil {
				t.Fatalf("client %v, server %v", cerr, serr)
			}
			if got, err := PeerID(cs); err != nil || got != b.ID() {
				t.Errorf("client sees %v, %v; want %v", got, err, b.ID())
			}
			if got, err := PeerID(ss); err != nil || got != a.ID() {
				t.Errorf("server sees %v, %v; want %v", got, err, a.ID())
			}
			if cs.CurveID != tls.X25519MLKEM768 || cs.Version != tls.VersionTLS13 || cs.DidResume {
				t.Errorf("curve %v version %x resumed %v", cs.CurveID, cs.Version, cs.DidResume)
			}
			if want := "iris/1." + a.Tag(); cs.NegotiatedProtocol != want || ss.NegotiatedProtocol != want {
				t.Errorf("protocol %q, %q; want %q", cs.NegotiatedProtocol, ss.NegotiatedProtocol, want)
			}
		})
	}
}

func TestNoResumption(t *testing.T) {
	k := keyring(t, "net", rawKey(t, 1))
	a, b := node(t, k, clock0), node(t, k, clock0)
	client := a.ClientTLS(b.ID())
	client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	server := b.ServerTLS()
	for range 2 {
		cs, _, cerr, serr := shake(t, client, server)
		if cerr != nil || serr != nil || cs.DidResume {
			t.Fatalf("client %v, server %v, resumed %v", cerr, serr, cs.DidResume)
		}
	}
}

// TestAttacks plays each attack as client against an honest server and as server
// against an honest client. The honest end must end with an error, and no byte
// may get through.
func TestAttacks(t *testing.T) {
	ours := keyring(t, "net", rawKey(t, 1))
	other := keyring(t, "net", rawKey(t, 2))
	renamed := keyring(t, "net2", rawKey(t, 1))
	key := ours.keys[0]
	mallory := newKey(9)
	honest := node(t, ours, clock0)
	third := node(t, ours, clock0)

	forged := func(f forge) []tls.Certificate {
		if f.parent == nil {
			f.parent, f.signer = key.ca, key.caKey()
		}
		return []tls.Certificate{f.certificate(t, mallory, clock0)}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fakeCA := func() forge { // the right name over a key that is not the CA's
		fake := newKey(77)
		tmpl := *key.ca
		tmpl.PublicKey = fake.Public()
		der, err := x509.CreateCertificate(nil, &tmpl, &tmpl, fake.Public(), fake)
		if err != nil {
			t.Fatal(err)
		}
		parent, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return forge{parent: parent, signer: fake}
	}()
	middle := forge{parent: key.ca, signer: key.caKey(), change: func(c *x509.Certificate) { c.Subject.CommonName = "middle" }}.certificate(t, newKey(5), clock0)
	middleCert, err := x509.ParseCertificate(middle.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}

	attacks := []struct {
		name   string
		certs  []tls.Certificate
		protos []string
		max    uint16 // TLS version
		skip   string // this direction is no attack
		want   error  // identity of the honest end's error, if it is judged by VerifyConnection
	}{
		{name: "wrong key", certs: forged(forge{parent: other.keys[0].ca, signer: other.keys[0].caKey()})},
		{name: "other network, same key", certs: forged(forge{parent: renamed.keys[0].ca, signer: renamed.keys[0].caKey()})},
		{name: "other network, its own protocol", certs: forged(forge{parent: renamed.keys[0].ca, signer: renamed.keys[0].caKey()}), protos: renamed.alpns},
		{name: "no certificate", certs: nil},
		{name: "self-made CA of the same name", certs: forged(fakeCA)},
		{name: "self-made CA sent along", certs: []tls.Certificate{{
			Certificate: [][]byte{fakeCA.certificate(t, mallory, clock0).Certificate[0], fakeCA.parent.Raw}, PrivateKey: mallory,
		}}},
		{name: "expired", certs: forged(forge{change: func(c *x509.Certificate) { c.NotAfter = clock0.Add(-time.Second) }})},
		{name: "future", certs: forged(forge{change: func(c *x509.Certificate) { c.NotBefore = clock0.Add(time.Second) }})},
		{name: "EKU of something else", certs: forged(forge{change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} }})},
		{name: "EKU of clients only", skip: "client", certs: forged(forge{change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }})},
		{name: "EKU of servers only", skip: "server", certs: forged(forge{change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }})},
		{name: "stolen certificate without its key", certs: []tls.Certificate{{Certificate: must(third.certificate(0)).Certificate, PrivateKey: mallory}}},
		{name: "our own id", want: ErrIdentity, certs: []tls.Certificate{*must(honest.certificate(0))}},
		{name: "two certificates", want: ErrIdentity, certs: []tls.Certificate{{
			Certificate: [][]byte{forged(forge{})[0].Certificate[0], key.ca.Raw}, PrivateKey: mallory,
		}}},
		{name: "the CA itself", certs: []tls.Certificate{{Certificate: [][]byte{key.ca.Raw}, PrivateKey: key.caKey()}}},
		{name: "a leaf that claims to be a CA", want: ErrIdentity, certs: forged(forge{change: func(c *x509.Certificate) { c.IsCA = true }})},
		{name: "signed by another leaf", certs: []tls.Certificate{{
			Certificate: [][]byte{forge{parent: middleCert, signer: newKey(5)}.certificate(t, mallory, clock0).Certificate[0], middle.Certificate[0]}, PrivateKey: mallory,
		}}},
		{name: "key of another kind", want: ErrIdentity, certs: []tls.Certificate{forge{parent: key.ca, signer: key.caKey(), public: ec.Public()}.certificate(t, ec, clock0)}},
		{name: "another server name", certs: forged(forge{change: func(c *x509.Certificate) { c.DNSNames = []string{"example.org"} }})},
		{name: "other protocol", certs: forged(forge{}), protos: []string{"h3"}},
		{name: "other version of the protocol", certs: forged(forge{}), protos: []string{"iris/2." + key.tag}},
		{name: "no protocol", certs: forged(forge{}), protos: []string{}},
		{name: "TLS 1.2", certs: forged(forge{}), max: tls.VersionTLS12},
	}
	for _, a := range attacks {
		cfg := &tls.Config{ // of somebody who checks nothing
			InsecureSkipVerify: true, ServerName: ServerName, Certificates: a.certs, ClientAuth: tls.RequestClientCert,
			NextProtos: ours.alpns, MaxVersion: a.max, Time: func() time.Time { return clock0 },
		}
		if a.protos != nil {
			cfg.NextProtos = a.protos
		}
		if len(a.certs) > 0 { // also if the other end would not accept its issuer
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &a.certs[0], nil }
		}
		judge := func(t *testing.T, got error) {
			t.Helper()
			if got == nil {
				t.Fatal("accepted")
			}
			if a.want != nil && !errors.Is(got, a.want) {
				t.Errorf("error %v, want %v", got, a.want)
			}
			t.Log(got)
		}
		if a.skip != "client" {
			t.Run(a.name+"/client", func(t *testing.T) {
				_, _, cerr, serr := shake(t, cfg, honest.ServerTLS())
				judge(t, serr)
				if cerr == nil {
					t.Error("the attacker got a byte")
				}
			})
		}
		if a.skip != "server" {
			t.Run(a.name+"/server", func(t *testing.T) {
				_, _, cerr, _ := shake(t, honest.ClientTLS(id.ID{}), cfg)
				judge(t, cerr)
			})
		}
	}
	t.Run("control: a good forgery passes", func(t *testing.T) {
		cfg := &tls.Config{
			InsecureSkipVerify: true, ServerName: ServerName, Certificates: forged(forge{}), NextProtos: ours.alpns,
			Time: func() time.Time { return clock0 },
		}
		if _, _, cerr, serr := shake(t, cfg, honest.ServerTLS()); cerr != nil || serr != nil {
			t.Fatalf("client %v, server %v", cerr, serr)
		}
	})
}

func TestDialWrongNode(t *testing.T) {
	k := keyring(t, "net", rawKey(t, 1))
	a, b := node(t, k, clock0), node(t, k, clock0)
	for name, want := range map[string]id.ID{"another": {Hi: 1, Lo: 2}, "close": {Hi: b.ID().Hi, Lo: b.ID().Lo ^ 1}} {
		t.Run(name, func(t *testing.T) {
			if _, _, cerr, serr := shake(t, a.ClientTLS(want), b.ServerTLS()); !errors.Is(cerr, ErrIdentity) || serr == nil {
				t.Errorf("client %v, server %v; want ErrIdentity at the client", cerr, serr)
			}
		})
	}
	t.Run("ourselves", func(t *testing.T) {
		if _, _, cerr, _ := shake(t, a.ClientTLS(id.ID{}), a.ServerTLS()); !errors.Is(cerr, ErrIdentity) {
			t.Errorf("client %v, want ErrIdentity", cerr)
		}
	})
}

// TestKeyringMatrix holds the table in the comment of Keyring.
func TestKeyringMatrix(t *testing.T) {
	keyA, keyB := rawKey(t, 1), rawKey(t, 2)
	rings := []struct {
		name string
		ring *Keyring
		has  string
	}{
		{"A", keyring(t, "net", keyA), "A"},
		{"A,B", keyring(t, "net", keyA, keyB), "AB"},
		{"B,A", keyring(t, "net", keyB, keyA), "AB"},
		{"B", keyring(t, "net", keyB), "B"},
	}
	for _, c := range rings {
		for _, s := range rings {
			t.Run(c.name+" dials "+s.name, func(t *testing.T) {
				client, server := node(t, c.ring, clock0), node(t, s.ring, clock0)
				share := len(c.has) > 1 || len(s.has) > 1 || c.has == s.has
				_, _, cerr, serr := shake(t, client.ClientTLS(server.ID()), server.ServerTLS())
				if share && (cerr != nil || serr != nil) {
					t.Errorf("client %v, server %v; they share a key", cerr, serr)
				}
				if !share && (cerr == nil || serr == nil) {
					t.Error("joined without a common key")
				}
			})
		}
	}
}

func TestClockSkew(t *testing.T) {
	k := keyring(t, "net", rawKey(t, 1))
	for _, c := range []struct {
		off time.Duration
		ok  bool
	}{
		{0, true},
		{47 * time.Hour, true},
		{-47 * time.Hour, true},
		{49 * time.Hour, false}, // its leaf is not valid yet for us, and we know
		{29 * 24 * time.Hour, false},
		{31 * 24 * time.Hour, false},
	} {
		t.Run(fmt.Sprint(c.off), func(t *testing.T) {
			a, b := node(t, k, clock0), node(t, k, clock0.Add(c.off))
			_, _, cerr, serr := shake(t, a.ClientTLS(b.ID()), b.ServerTLS())
			if ok := cerr == nil && serr == nil; ok != c.ok {
				t.Errorf("client %v, server %v; want ok %v", cerr, serr, c.ok)
			}
			if !c.ok {
				var invalid x509.CertificateInvalidError
				if !errors.As(cerr, &invalid) && !errors.As(serr, &invalid) {
					t.Errorf("neither %v nor %v names the dates", cerr, serr)
				}
			}
		})
	}
}

// TestLeafIsRenewed holds that a leaf is made anew for the same key, in time and
// also when the clock was set back.
func TestLeafIsRenewed(t *testing.T) {
	now := clock0
	k := keyring(t, "net", rawKey(t, 1), rawKey(t, 2))
	i, err := New(k, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	serial := func() *big.Int { return must(i.certificate(1)).Leaf.SerialNumber }
	first := serial()
	steps := []struct {
		by    time.Duration
		renew bool
	}{
		{9 * 24 * time.Hour, false},
		{25 * time.Hour, true},
		{-23 * time.Hour, false},
		{-2 * time.Hour, true},
		{20 * 365 * 24 * time.Hour, true},
		{-40 * 365 * 24 * time.Hour, true}, // before 2000
	}
	for _, s := range steps {
		now = now.Add(s.by)
		next := serial()
		if renewed := next.Cmp(first) != 0; renewed != s.renew {
			t.Fatalf("after %v: renewed %v, want %v", s.by, renewed, s.renew)
		}
		first = next
		cert := must(i.certificate(1)).Leaf
		if got := idOf(cert.RawSubjectPublicKeyInfo); got != i.ID() {
			t.Fatalf("after %v: the id changed to %v", s.by, got)
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: k.cas, CurrentTime: now}); err != nil {
			t.Fatalf("after %v: %v", s.by, err)
		}
	}
}

func TestLongLivedNodesStillMeet(t *testing.T) {
	now := clock0
	k := keyring(t, "net", rawKey(t, 1))
	o := Options{Now: func() time.Time { return now }}
	a, b := must(New(k, o)), must(New(k, o))
	client, server := a.ClientTLS(b.ID()), b.ServerTLS() // made once, used for years
	for range 50 {
		now = now.Add(17 * 24 * time.Hour)
		if _, _, cerr, serr := shake(t, client, server); cerr != nil || serr != nil {
			t.Fatalf("at %v: client %v, server %v", now, cerr, serr)
		}
	}
}

func TestIDIsTruncatedHashOfKey(t *testing.T) {
	i := must(New(keyring(t, "net", rawKey(t, 1)), Options{Rand: constant(3)}))
	if _, ok := i.leaf().Public().(ed25519.PublicKey); !ok {
		t.Fatal("not Ed25519")
	}
	// openssl pkey -pubout -outform DER | sha256sum of the key with seed 0303...03
	if got, want := i.ID().String(), goldenID; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
