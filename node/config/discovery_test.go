package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDiscovery(t *testing.T) {
	got, err := Parse("/etc/iris/node.yaml", []byte(`
discovery:
  host: false
  dns: [_iris._udp.example.net, "iris.default.svc.cluster.local:7000"]
  exec: [./find, --zone, "7"]
  interval: 10s
  etcd:
    endpoints: ["https://etcd-1:2379", "https://[fd00::1]:2379/"]
    prefix: /a/b
    ttl: 5s
    username: iris
    password_file: password
    tls_ca: ca.pem
    tls_cert: /x/cert.pem
    tls_key: key.pem
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Discovery{
		DNS: []string{"_iris._udp.example.net", "iris.default.svc.cluster.local:7000"}, Exec: []string{"/etc/iris/find", "--zone", "7"}, Interval: 10 * time.Second,
		Etcd: Etcd{
			Endpoints: []string{"https://etcd-1:2379", "https://[fd00::1]:2379/"}, Prefix: "/a/b", TTL: 5 * time.Second,
			Username: "iris", PasswordFile: "/etc/iris/password", TLSCA: "/etc/iris/ca.pem", TLSCert: "/x/cert.pem", TLSKey: "/etc/iris/key.pem",
		},
	}
	if diff := cmp.Diff(want, got.Discovery); diff != "" {
		t.Error(diff)
	}
	if got := got.WithDefaults(); got.Listen != ":0" {
		t.Errorf("listens on %s, where nobody from outside can reach it", got.Listen)
	}
	few := Config{Discovery: Discovery{Etcd: Etcd{Endpoints: []string{"http://e:1"}}}}.WithDefaults().Discovery
	if few.Interval != time.Minute || few.Etcd.TTL != 30*time.Second || few.Etcd.Prefix != "/iris" {
		t.Errorf("%+v", few)
	}
	if got, err := Parse("node.yaml", []byte("discovery: {exec: [gcloud, a]}")); err != nil || got.Discovery.Exec[0] != "gcloud" {
		t.Errorf("a bare name is looked for in PATH: %v, %v", got.Discovery.Exec, err)
	}
}

func TestDiscoveryProblems(t *testing.T) {
	for text, want := range map[string]string{
		"dns: iris:7000":                        `discovery.dns: must be a list, not text (write one "- _service._protocol.domain or host:port" per line)`,
		"dns: [iris]":                           `"iris" is not host:port`,
		"dns: [_iris]":                          `"_iris" is not the name of SRV records`,
		"dns: ['_iris._udp.x:7000']":            "is not the name of SRV records",
		"dns: [_iris.example.net]":              "is not the name of SRV records",
		"dns: [7]":                              "must be a list of _service._protocol.domain or host:port, not of a number",
		"exec: gcloud":                          "discovery.exec: must be a list, not text (write [program, argument, argument])",
		"exec: ['']":                            "no program is given",
		"exec: [a, 7]":                          "must be a list of text, not of a number",
		"etcd: {endpoints: ['etcd:2379']}":      `"etcd:2379" is not a URL with http or https`,
		"etcd: {endpoints: ['ftp://e']}":        "is not a URL with http or https",
		"etcd: {endpoints: ['http://u:p@e:1']}": "a URL with more than host and port",
		"etcd: {endpoints: ['http://e:1/v3']}":  "a URL with more than host and port",
		"etcd: {endpoints: ['http://e:http']}":  "is not a URL",
		"etcd: {prefix: iris}":                  `"iris" is not / with letters`,
		"etcd: {prefix: /}":                     `is not / with letters`,
		"etcd: {prefix: /a/}":                   `is not / with letters`,
		"etcd: {ttl: 1s}":                       "1s is out of range, 5s to 1h are allowed",
		"etcd: {username: a}":                   "discovery.etcd.username: is given without discovery.etcd.password_file",
		"etcd: {tls_key: a}":                    "discovery.etcd.tls_key: is given without discovery.etcd.tls_cert",
		"etcd: {endpoints: ['http://e:1'], username: a, password_file: b}":                        "the password would be sent to http://e:1 unencrypted",
		"etcd: {endpoints: ['http://127.0.0.1:1', 'https://e:1'], username: a, password_file: b}": "",
		"etcd: {endpoint: 'http://e:1'}":                                                          "unknown key (did you mean endpoints?)",
		"etcd: {password: hunter2}":                                                               "unknown key",
		"interval: 0.5s":                                                                          "500ms is out of range, 1s to 1h are allowed",
		"dns: [" + strings.Repeat("a:1, ", maxServices) + "a:1]":                                  "17 entries, at most 16 are taken",
		"exec: [" + strings.Repeat("a, ", maxWords) + "a]":                                        "65 entries, at most 64 are taken",
		"etcd: {endpoints: [" + strings.Repeat("'http://a', ", maxEndpoints) + "'http://a']}":     "17 entries, at most 16 are taken",
		"exec: [" + strings.Repeat("a", maxWord+1) + "]":                                          "4097 bytes, at most 4096 are allowed",
		"dns:":  "",
		"etcd:": "",
		"etcd: {endpoints: ['http://e', 'https://10.0.0.1:2379/']}": "",
	} {
		_, err := Parse("node.yaml", []byte("discovery:\n  "+text+"\n"))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestEtcdFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("good", "hunter2 is mine\r\n", 0o600)
	write("open", "hunter2\n", 0o644)
	write("empty", "\n", 0o600)
	write("lines", "hunter2\nhunter3\n", 0o600)
	write("text", "no certificate", 0o600)
	if got, err := (Etcd{PasswordFile: filepath.Join(dir, "good")}).Password(); got != "hunter2 is mine" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	const section = "discovery:\n  etcd:\n    endpoints: ['https://e']\n"
	for text, want := range map[string]string{
		"username: a, password_file: good":   "",
		"username: a, password_file: open":   "node.yaml:3:60: discovery.etcd.password_file: password file",
		"username: a, password_file: empty":  "does not hold a password on one line",
		"username: a, password_file: lines":  "does not hold a password on one line",
		"username: a, password_file: absent": "cannot read password file",
		"tls_ca: absent":                     "discovery.etcd.tls_ca: cannot read certificate",
		"tls_ca: text":                       "holds no certificate in PEM",
		"tls_cert: text, tls_key: text":      "discovery.etcd.tls_cert: ",
		"tls_cert: text, tls_key: open":      "discovery.etcd.tls_key: private key",
		"tls_cert: text":                     "is given without discovery.etcd.tls_key",
	} {
		file := write("node.yaml", strings.Replace(section, "    endpoints: ['https://e']\n", "    {endpoints: ['https://e'], "+text+"}\n", 1), 0o600)
		_, err := Load(file)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter")) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}
