package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Admin is the HTTP endpoint at which people and tools see the node, and the
// network through it.
type Admin struct {
	// Listen is a port, for both loopback interfaces ("8787"), an address
	// host:port, or "off"; port 0 lets the system choose. Empty = off; the command
	// iris node makes it AdminPort. Beyond the loopback interface it needs
	// TokenFile, TLSCert and TLSKey.
	Listen string

	// TokenFile is the path of a file with a token, at least 16 bytes in
	// hexadecimal, that every request must show; also on the loopback interface, if
	// it is set. Load resolves it against the folder of the config file.
	TokenFile string

	// TLSCert and TLSKey are the paths of the certificate, with what leads to its
	// root, and of its private key, in PEM. With them the endpoint speaks HTTPS
	// only. Load resolves them against the folder of the config file.
	TLSCert, TLSKey string

	// PProf offers the profiles of Go's net/http/pprof at /debug/pprof/.
	PProf bool

	// Optional lets the node start without its admin endpoint if Listen is in use.
	// Not part of the file.
	Optional bool
}

// AdminPort is where tools look for the admin endpoint of their host.
const AdminPort = "8787"

// On reports whether there is an admin endpoint.
func (a Admin) On() bool { return a.Listen != "" && a.Listen != EndpointOff }

// Certificate reads the certificate and its key, after checking that nobody but
// the owner can read the key; nil if there is to be none. The error is an
// [Errors]. Blocks for the time of reading.
func (a Admin) Certificate() (*tls.Certificate, error) {
	if a.TLSCert == "" {
		return nil, nil
	}
	pair, key, err := a.readCertificate()
	if err != nil {
		return nil, Errors{problemOf("", key, err)}
	}
	return &pair, nil
}

const maxCertificate = 1 << 20 // bytes of the file

// readCertificate returns the pair, or the key of the configuration that is wrong
// and why.
func (a Admin) readCertificate() (pair tls.Certificate, key string, err error) {
	pair, at, err := readPair(a.TLSCert, a.TLSKey)
	return pair, "admin.tls_" + at, err
}

// readPair reads a certificate and its key, or says which of the two is wrong,
// "cert" or "key", and why.
func readPair(certFile, keyFile string) (pair tls.Certificate, at string, err error) {
	cert, _, err := readRegular(certFile, maxCertificate)
	if err != nil {
		return pair, "cert", unreadableFile("certificate", certFile, err)
	}
	private, info, err := readRegular(keyFile, maxCertificate)
	if err != nil {
		return pair, "key", unreadableFile("private key", keyFile, err)
	}
	if err := onlyOwner("private key", keyFile, info); err != nil {
		return pair, "key", err
	}
	if pair, err = tls.X509KeyPair(cert, private); err != nil {
		return pair, "cert", bad("", "%s with %s is no certificate with its key: %s", certFile, keyFile, err)
	}
	return pair, "", nil
}

func unreadableFile(what, path string, err error) error {
	cause := err
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // its text without the path
	}
	return &valueError{message: fmt.Sprintf("cannot read %s %s: %s", what, path, err), cause: cause}
}

// adminRelations returns the conflicts between the values of the admin section.
func adminRelations(a Admin, add func(err error, keys ...string)) {
	switch {
	case a.TLSCert != "" && a.TLSKey == "":
		add(bad("name the file of its private key in admin.tls_key", "a certificate without its key"), "admin.tls_cert", "admin.tls_key")
	case a.TLSCert == "" && a.TLSKey != "":
		add(bad("name the file of the certificate in admin.tls_cert", "a key without its certificate"), "admin.tls_key", "admin.tls_cert")
	}
	if !a.On() || LocalOnly(a.Listen) {
		return
	}
	const hint = "it shows and steers the whole node: set admin.token_file, admin.tls_cert and admin.tls_key, or listen on 127.0.0.1"
	switch {
	case a.TokenFile == "":
		add(bad(hint, "%s can be reached from outside without a token", a.Listen), "admin.listen", "admin.token_file")
	case a.TLSCert == "":
		add(bad(hint, "%s can be reached from outside without TLS, and whoever listens on the way would have the token", a.Listen), "admin.listen", "admin.tls_cert")
	}
}

// LocalOnly reports whether a value of Relay.Listen or Admin.Listen can only be
// reached from this host.
func LocalOnly(listen string) bool {
	return !strings.Contains(listen, ":") || onThisHost(listen)
}
