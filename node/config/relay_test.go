package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRelayListen(t *testing.T) {
	for text, want := range map[string]string{
		"55555": "", `"55555"`: "", "0": "", "off": "", "localhost:1": "", "127.0.0.1:0": "", `"[::1]:7"`: "",
		"70000": `"70000" is not a port`, "-1": `"-1" is not a port`, "on": `"on" is not a port`, "a:b": `port "b" is not a number`,
		":7":            "can be reached from outside without a token",
		"10.0.0.1:7":    "can be reached from outside without a token",
		"[1, 2]":        "must be a port, host:port or off, not a list",
		"example.org:7": "can be reached from outside without a token",
	} {
		c, err := Parse("node.yaml", []byte("relay: {listen: "+text+"}\n"))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		case want == "" && c.Relay.On() != (text != "off"):
			t.Errorf("%s: on is %v", text, c.Relay.On())
		}
	}
	if Default().Relay.On() {
		t.Error("the relay of a program is on by default")
	}
	c, err := Parse("/etc/iris/node.yaml", []byte("relay: {listen: 'all:7', token_file: token}\n"))
	if err != nil || c.Relay.TokenFile != "/etc/iris/token" {
		t.Errorf("got %+v, %v", c.Relay, err)
	}
}

func TestTunnelsListen(t *testing.T) {
	for text, want := range map[string]struct {
		port    int
		problem string
	}{
		"4001": {4001, ""}, `"4001"`: {4001, ""}, "0": {}, "off": {-1, ""},
		"70000": {0, `"70000" is not a port`}, "-1": {0, `"-1" is not a port`}, "on": {0, `"on" is not a port`},
		":4001": {0, `the host is that of listen`}, "[1, 2]": {0, "must be a port or off, not a list"},
		"4000": {0, "4000 is the port of listen"}, `"04001"`: {0, `"04001" is not a port`},
	} {
		c, err := Parse("node.yaml", []byte("listen: :4000\ntunnels: {listen: "+text+"}\n"))
		switch {
		case want.problem == "" && (err != nil || c.Tunnels.Port() != want.port):
			t.Errorf("%s: port %d, %v; want %d", text, c.Tunnels.Port(), err, want.port)
		case want.problem != "" && (err == nil || !strings.Contains(err.Error(), want.problem)):
			t.Errorf("%s: %v, want %q", text, err, want.problem)
		}
	}
	if err := Validate(Config{Listen: ":0", Tunnels: Tunnels{Listen: "0"}}); err != nil {
		t.Errorf("both ports as the system likes: %v", err)
	}
	t.Setenv("IRIS_TUNNELS_LISTEN", "off")
	if c, err := Load(""); err != nil || c.Tunnels.Port() != -1 {
		t.Errorf("by the environment: port %d, %v", c.Tunnels.Port(), err)
	}
}

func TestReadToken(t *testing.T) {
	dir := t.TempDir()
	write := func(text string, mode os.FileMode) string {
		file := filepath.Join(dir, "token")
		_ = os.Remove(file)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const good = "00112233445566778899aabbccddeeff"
	if token, err := ReadToken(write(good+"\n", 0o600)); err != nil || len(token) != 16 {
		t.Errorf("%x, %v", token, err)
	}
	for text, want := range map[string]string{"": "does not hold", good[2:]: "does not hold", "xyz": "does not hold", strings.Repeat(good, 100): "is larger than"} {
		if _, err := ReadToken(write(text, 0o600)); err == nil || !strings.Contains(err.Error(), want) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
	if _, err := ReadToken(write(good, 0o644)); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file for everybody: %v", err)
	}
	file := filepath.Join(dir, "node.yaml")
	if err := os.WriteFile(file, []byte("relay: {listen: ':7', token_file: nowhere}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "cannot read token file") {
		t.Errorf("a token that is not there: %v", err)
	}
}
