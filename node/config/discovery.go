package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Discovery chooses how a node finds others without being told an address.
type Discovery struct {
	// Host looks for nodes of the network on this machine. Default true; note
	// that the zero Config has it off.
	Host bool

	// LAN looks for nodes on the local networks by multicast. Default false: it
	// makes the node listen beyond this machine.
	LAN bool

	// DNS are names to resolve: _service._protocol.domain for SRV records, or
	// host:port for A and AAAA records. At most 16.
	DNS []string

	// Exec is a program and its arguments, which prints one host:port per line; at
	// most 64 words. It is run without a shell. Load resolves a relative path, not
	// a bare name, against the folder of the config file.
	Exec []string

	// Etcd registers the node in an etcd and finds others there.
	Etcd Etcd

	// Interval is how often DNS, Exec and Etcd are asked by a node that has peers;
	// alone it asks more often. 1 s..1 h, default 1 min.
	Interval time.Duration
}

// Etcd says where an etcd is. There is none without Endpoints.
type Etcd struct {
	// Endpoints are the URLs of its members, http or https; at most 16.
	Endpoints []string

	// Prefix is what the keys of all networks begin with: / and 1..254 bytes of
	// letters, digits and -_./ without a slash at the end. Default /iris.
	Prefix string

	// TTL is how long the entry of a node outlives it. 5 s..1 h in whole seconds,
	// default 30 s.
	TTL time.Duration

	// Username with the password in PasswordFile authenticates; both or neither.
	// PasswordFile is for its owner only.
	Username, PasswordFile string

	// TLSCA is the path of the certificates, PEM, that vouch for https endpoints;
	// empty = those of the host. TLSCert and TLSKey authenticate this node; both or
	// neither. TLSKey is for its owner only.
	TLSCA, TLSCert, TLSKey string
}

// On reports whether there is an etcd.
func (e Etcd) On() bool { return len(e.Endpoints) > 0 }

// lookups reports whether nodes are looked for that may be anywhere.
func (d Discovery) lookups() bool { return len(d.DNS) > 0 || len(d.Exec) > 0 || d.Etcd.On() }

// withDefaults fills in what the zero values stand for.
func (d Discovery) withDefaults() Discovery {
	if d.Interval == 0 {
		d.Interval = time.Minute
	}
	if d.Etcd.On() && d.Etcd.Prefix == "" {
		d.Etcd.Prefix = "/iris"
	}
	if d.Etcd.On() && d.Etcd.TTL == 0 {
		d.Etcd.TTL = 30 * time.Second
	}
	return d
}

// files are the paths of the section that are relative to the config file.
func (d *Discovery) files() []*string {
	e := &d.Etcd
	list := []*string{&e.PasswordFile, &e.TLSCA, &e.TLSCert, &e.TLSKey}
	if len(d.Exec) > 0 && strings.ContainsRune(d.Exec[0], '/') {
		list = append(list, &d.Exec[0])
	}
	return list
}

const maxPassword = 1024 // bytes of the file

// Password reads the password file, after checking that nobody but the owner can
// read it; empty without one. The line break at its end is not part of it. The
// error is an [Errors]. Blocks for the time of reading.
func (e Etcd) Password() (string, error) {
	text, err := e.password()
	if err != nil {
		return "", Errors{problemOf("", "discovery.etcd.password_file", err)}
	}
	return text, nil
}

func (e Etcd) password() (string, error) {
	if e.PasswordFile == "" {
		return "", nil
	}
	data, info, err := readRegular(e.PasswordFile, maxPassword)
	if err != nil {
		return "", unreadableFile("password file", e.PasswordFile, err)
	}
	if err := onlyOwner("password file", e.PasswordFile, info); err != nil {
		return "", err
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 || bytes.ContainsFunc(data, unicode.IsControl) {
		return "", bad("", "password file %s does not hold a password on one line", e.PasswordFile)
	}
	return string(data), nil
}

// TLS reads the certificates for https endpoints; nil if none are named. The error
// is an [Errors]. Blocks for the time of reading.
func (e Etcd) TLS() (*tls.Config, error) {
	c, key, err := e.tls()
	if err != nil {
		return nil, Errors{problemOf("", key, err)}
	}
	return c, nil
}

// tls returns the certificates, or the key of the configuration that is wrong and
// why.
func (e Etcd) tls() (c *tls.Config, key string, err error) {
	if e.TLSCA == "" && e.TLSCert == "" {
		return nil, "", nil
	}
	c = &tls.Config{MinVersion: tls.VersionTLS12}
	if e.TLSCA != "" {
		const key = "discovery.etcd.tls_ca"
		data, _, err := readRegular(e.TLSCA, maxCertificate)
		if err != nil {
			return nil, key, unreadableFile("certificate", e.TLSCA, err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(data) {
			return nil, key, bad("", "%s holds no certificate in PEM", e.TLSCA)
		}
	}
	if e.TLSCert != "" {
		pair, at, err := readPair(e.TLSCert, e.TLSKey)
		if err != nil {
			return nil, "discovery.etcd.tls_" + at, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, "", nil
}

// discoveryRelations returns the conflicts between the values of the section.
func discoveryRelations(d Discovery, add func(err error, keys ...string)) {
	e := d.Etcd
	const at = "discovery.etcd."
	both := func(a, b, nameA, nameB string) {
		if a != "" && b == "" {
			add(bad("", "is given without %s%s", at, nameB), at+nameA, at+nameB)
		} else if a == "" && b != "" {
			add(bad("", "is given without %s%s", at, nameA), at+nameB, at+nameA)
		}
	}
	both(e.Username, e.PasswordFile, "username", "password_file")
	both(e.TLSCert, e.TLSKey, "tls_cert", "tls_key")
	for _, s := range e.Endpoints {
		u, err := url.Parse(s)
		if err == nil && u.Scheme == "http" && e.PasswordFile != "" && !onThisHost(net.JoinHostPort(u.Hostname(), "80")) {
			add(bad("write https, and perhaps discovery.etcd.tls_ca", "the password would be sent to %s unencrypted", s), at+"endpoints", at+"password_file")
			return
		}
	}
}

const (
	maxServices  = 16
	maxWords     = 64
	maxWord      = 4096 // bytes
	maxEndpoints = 16
)

// checkList checks a value that is a list.
func (k *key) checkList(list []string) error {
	switch most := map[kind]int{seeds: maxSeeds, services: maxServices, command: maxWords, urls: maxEndpoints}[k.kind]; {
	case len(list) > most && k.kind == seeds:
		return bad("a few seeds are enough, they tell of the others", "%d seeds, at most %d are taken", len(list), most)
	case len(list) > most:
		return bad("", "%d entries, at most %d are taken", len(list), most)
	case k.kind == command && len(list) > 0 && list[0] == "":
		return bad("write the path of a program first", "no program is given")
	}
	for _, s := range list {
		if err := k.checkItem(s); err != nil {
			return err
		}
	}
	return nil
}

// checkItem checks an entry of a list.
func (k *key) checkItem(s string) error {
	switch k.kind {
	case services:
		return checkService(s)
	case command:
		return checkWord(s)
	case urls:
		return checkURL(s)
	}
	return checkAddress(s, false)
}

// listHint says how to write the list.
func (k *key) listHint() string {
	if k.kind == command {
		return "write [program, argument, argument]"
	}
	return `write one "- ` + k.kind.String() + `" per line`
}

// checkService checks an entry of discovery.dns.
func checkService(s string) error {
	if !strings.HasPrefix(s, "_") {
		return checkAddress(s, false)
	}
	if labels := strings.Split(s, "."); !hostName(s) || len(labels) < 3 || !strings.HasPrefix(labels[1], "_") {
		return bad("write a name such as _iris._udp.example.net, or host:port", "%q is not the name of SRV records", s)
	}
	return nil
}

// checkWord checks a word of discovery.exec.
func checkWord(s string) error {
	if len(s) > maxWord {
		return bad("", "has %d bytes, at most %d are allowed", len(s), maxWord)
	}
	if strings.ContainsRune(s, 0) {
		return bad("", "contains a zero byte")
	}
	return nil
}

// checkURL checks an endpoint of etcd.
func checkURL(s string) error {
	const hint = "write a URL such as https://etcd.example.net:2379"
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return bad(hint, "%q is not a URL with http or https", s)
	}
	if u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return bad(hint, "a URL with more than host and port")
	}
	host := u.Host
	if u.Port() == "" {
		host += ":443"
	}
	return checkAddress(host, false)
}

// checkPrefix checks discovery.etcd.prefix.
func checkPrefix(s string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"
	if len(s) < 2 || len(s) > 255 || s[0] != '/' || s[len(s)-1] == '/' || strings.Trim(s, letters) != "" {
		return bad("write a prefix such as /iris", "%q is not / with letters, digits and -_./, the last not a slash", s)
	}
	return nil
}
