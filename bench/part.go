package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// peers are what Iris is measured beside, in the order of their rows.
var peers = []string{"nats-tls", "nats", "proto-tls", "proto", "quic", "tls"}

// iris is the name of what the others are measured beside.
const iris = "iris"

// hasBroker reports whether the parts of a peer meet at a process of its own.
func hasBroker(peer string) bool { return peer == "nats" || peer == "nats-tls" }

// raw reports whether a peer is a mere stream of bytes.
func raw(peer string) bool { return peer == "quic" || peer == "tls" }

// open starts a part.
func open(s setup, into *sink) (part, error) {
	var conf *tls.Config
	if s.Peer != "nats" && s.Peer != "proto" && s.Peer != iris {
		var err error
		if conf, err = s.tls(); err != nil {
			return nil, err
		}
	}
	base, _, _ := strings.Cut(s.Peer, "-")
	switch name := base + " " + s.Role; {
	case s.Peer == "tls" && s.Role == "near":
		return dialTLS(s.At, conf)
	case s.Peer == "tls":
		return listenTLS(conf, into)
	case name == "iris near":
		return irisNear(s)
	case name == "iris far":
		return irisFar(s, into)
	case name == "nats broker":
		return natsBroker(conf)
	case name == "nats near":
		return natsNear(s.At, conf)
	case name == "nats far":
		return natsFar(s.At, conf, into)
	case name == "proto near":
		return protoNear(s.At, conf)
	case name == "proto far":
		return protoFar(conf, into)
	case name == "quic near":
		return dialQUIC(s.At, conf)
	case name == "quic far":
		return listenQUIC(conf, into)
	}
	return nil, fmt.Errorf("no part %q of %q; peers: %s", s.Role, s.Peer, strings.Join(slices.Concat([]string{iris}, peers), ", "))
}

// tls returns settings that serve both ends: TLS 1.3, certificates on both sides.
func (s *setup) tls() (*tls.Config, error) {
	cert, err := tls.X509KeyPair(s.Cert, s.Key)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, ServerName: serverName,
		RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true,
	}, nil
}
