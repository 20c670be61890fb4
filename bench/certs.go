package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// serverName is in the certificate of every process.
const serverName = "bench.internal"

// certificates makes an authority and one certificate for all processes of the run.
func certificates() (ca, cert, key []byte, err error) {
	root, rootKey, err := certificate(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	leaf, leafKey, err := certificate(&x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{serverName}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, root, rootKey)
	if err != nil {
		return nil, nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		return nil, nil, nil, err
	}
	block := func(what string, b []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: what, Bytes: b}) }
	return block("CERTIFICATE", root.Raw), block("CERTIFICATE", leaf.Raw), block("PRIVATE KEY", der), nil
}

// certificate signs c with the parent's key, or with its own.
func certificate(c, parent *x509.Certificate, signer crypto.Signer) (*x509.Certificate, crypto.Signer, error) {
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, signer = c, private
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate: %w", err)
	}
	made, err := x509.ParseCertificate(der)
	return made, private, err
}
