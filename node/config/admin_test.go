package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	encodingpem "encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAdminListen(t *testing.T) {
	const files = ", token_file: t, tls_cert: c, tls_key: k"
	for text, want := range map[string]string{
		"listen: 8787": "", "listen: 0": "", "listen: off": "", "listen: 'localhost:1'": "", "listen: '127.0.0.1:0'": "", "listen: '[::1]:7'": "",
		"listen: ':7'" + files: "", "listen: 'admin.example.org:7'" + files: "", "token_file: t": "",
		"listen: 70000":                                "write a port such as 8787",
		"listen: on":                                   `"on" is not a port`,
		"listen: ':7'":                                 "can be reached from outside without a token",
		"listen: '10.0.0.1:7', token_file: t":          "can be reached from outside without TLS",
		"listen: ':7', tls_cert: c, tls_key: k":        "can be reached from outside without a token",
		"listen: 7, tls_cert: c":                       "a certificate without its key",
		"listen: ':7', token_file: t, tls_key: k":      "a key without its certificate",
		"listen: 7, pprof: maybe":                      "write true or false",
		"listen: 7, token: 0011223344556677":           "unknown key",
		"listen: 7, token_file: [a, b], tls_cert: c":   "not a list",
		"listen: '127.0.0.1:99999', pprof: true":       `port "99999" is not a number`,
		"listen: ':7', token_file: '', tls_cert: c":    "must not be empty",
		"listen: '[::ffff:127.0.0.1]:7', pprof: false": "",
	} {
		c, err := Parse("node.yaml", []byte("admin: {"+text+"}\n"))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		case want == "" && c.Admin.On() != (strings.Contains(text, "listen") && !strings.Contains(text, "off")):
			t.Errorf("%s: on is %v", text, c.Admin.On())
		}
	}
	if Default().Admin.On() {
		t.Error("the admin endpoint of a program is on by default")
	}
	c, err := Parse("/etc/iris/node.yaml", []byte("admin: {listen: ':7'"+files+"}\n"))
	if want := (Admin{Listen: ":7", TokenFile: "/etc/iris/t", TLSCert: "/etc/iris/c", TLSKey: "/etc/iris/k"}); err != nil || c.Admin != want {
		t.Errorf("got %+v, %v", c.Admin, err)
	}
}

func TestAdminCertificate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		file := filepath.Join(dir, name)
		_ = os.Remove(file)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(encodingpem.EncodeToMemory(&encodingpem.Block{Type: kind, Bytes: der}))
	}
	write("node.yaml", "admin: {listen: 8787, tls_cert: cert.pem, tls_key: key.pem}\n", 0o600)
	for _, tc := range []struct {
		name, cert, key string
		mode            os.FileMode
		want            string
	}{
		{"good", block("CERTIFICATE", cert), block("PRIVATE KEY", private), 0o600, ""},
		{"for everybody", block("CERTIFICATE", cert), block("PRIVATE KEY", private), 0o644, "chmod 600"},
		{"no certificate", "nothing", block("PRIVATE KEY", private), 0o600, "is no certificate with its key"},
		{"no key", block("CERTIFICATE", cert), block("CERTIFICATE", cert), 0o600, "is no certificate with its key"},
	} {
		write("cert.pem", tc.cert, 0o644)
		write("key.pem", tc.key, tc.mode)
		c, err := Load(filepath.Join(dir, "node.yaml"))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.want != "" {
			c.Admin = Admin{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
		}
		if pair, err := c.Admin.Certificate(); (err == nil && pair != nil) != (tc.want == "") {
			t.Errorf("%s, read again: %v", tc.name, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "cert.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "node.yaml")); err == nil || !strings.Contains(err.Error(), "cannot read certificate") {
		t.Errorf("a certificate that is not there: %v", err)
	}
	if pair, err := (Admin{}).Certificate(); pair != nil || err != nil {
		t.Errorf("none wanted: %v", err)
	}
}
