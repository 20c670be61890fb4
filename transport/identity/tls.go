package identity

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"iris/internal/id"
)

// ErrIdentity says that a peer holds the network key but is not acceptable: an
// id other than the one dialled, our own id, or a certificate that no node makes.
var ErrIdentity = errors.New("wrong peer identity")

// ServerTLS returns the configuration for accepting connections: any other
// holder of a key of the keyring is admitted. The caller may change the copy it
// gets, each call returns a new one.
func (i *Identity) ServerTLS() *tls.Config {
	c := i.base(id.ID{})
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = i.ring.cas
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		// The order of the keyring decides, as in the choice of the protocol.
		for n, proto := range i.ring.alpns {
			if slices.Contains(hello.SupportedProtos, proto) {
				return i.certificate(n)
			}
		}
		return nil, fmt.Errorf("%w: the client offers no key of ours", ErrIdentity)
	}
	return c
}

// ClientTLS returns the configuration for dialling the node with id want, or any
// node of the network if want is zero. Dialling ourselves fails.
//
// In TLS 1.3 a client finishes its handshake before the server has judged the
// client's certificate: a refusal shows at the first read.
func (i *Identity) ClientTLS(want id.ID) *tls.Config {
	c := i.base(want)
	c.RootCAs = i.ring.cas
	c.ServerName = ServerName
	c.GetClientCertificate = func(req *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		var refused error
		for n := range i.ring.keys {
			cert, err := i.certificate(n)
			if err != nil {
				return nil, err
			}
			if refused = req.SupportsCertificate(cert); refused == nil {
				return cert, nil
			}
		}
		return nil, fmt.Errorf("%w: the server accepts no key of ours: %w", ErrIdentity, refused)
	}
	return c
}

// base is what both roles share. Resumption stays off: it would save a
// millisecond per link and cost ticket keys and a way round VerifyConnection's
// sight of the certificate.
func (i *Identity) base(want id.ID) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519MLKEM768, tls.X25519},
		NextProtos:             slices.Clone(i.ring.alpns),
		SessionTicketsDisabled: true,
		Time:                   i.now,
		VerifyConnection:       func(cs tls.ConnectionState) error { return i.verify(cs, want) },
	}
}

// verify judges a peer whose certificate chains to the keyring. It does not ask
// that chain and protocol belong to the same key: in the midst of a rotation
// they differ.
func (i *Identity) verify(cs tls.ConnectionState, want id.ID) error {
	if cs.Version != tls.VersionTLS13 {
		return fmt.Errorf("%w: TLS version %#x", ErrIdentity, cs.Version)
	}
	// A client that offers no protocol at all passes the negotiation.
	if !slices.Contains(i.ring.alpns, cs.NegotiatedProtocol) {
		return fmt.Errorf("%w: protocol %q", ErrIdentity, cs.NegotiatedProtocol)
	}
	peer, err := PeerID(cs)
	if err != nil {
		return err
	}
	cert := cs.PeerCertificates[0]
	switch {
	case len(cs.VerifiedChains) == 0:
		return fmt.Errorf("%w: certificate not verified", ErrIdentity)
	case cert.IsCA: // the CA itself would make one id that all could claim
		return fmt.Errorf("%w: a CA is no node", ErrIdentity)
	case peer == i.id:
		return fmt.Errorf("%w: the peer is this node itself", ErrIdentity)
	case !want.IsZero() && peer != want:
		return fmt.Errorf("%w: node %v answered, want %v", ErrIdentity, peer, want)
	}
	if _, ok := cert.PublicKey.(ed25519.PublicKey); !ok {
		return fmt.Errorf("%w: public key of type %T", ErrIdentity, cert.PublicKey)
	}
	if err := cert.VerifyHostname(ServerName); err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return nil
}
