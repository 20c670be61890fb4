package node

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"iris/actor"
	"iris/internal/canary"
	"iris/node/config"
	"iris/transport/identity"
)

// sink is a writer that keeps everything.
type sink struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// print writes values as everybody may print them.
func (s *sink) print(values ...any) {
	for _, v := range values {
		for _, verb := range []string{"%v\n", "%+v\n", "%#v\n", "%s\n", "%q\n", "%x\n"} {
			fmt.Fprintf(s, verb, v)
		}
	}
}

// Whatever a node says, at any level, in events, errors, panics or when it or a part
// of it is printed, the network key is not in it, in any form.
func TestTheKeyIsNeverTold(t *testing.T) {
	for name, key := range map[string][]byte{
		"text":   []byte("canary in a coal mine, it must not sing 0123456789"),
		"binary": {0x9b, 0x01, 0xc3, 0x28, 0xff, 0x10, 0x7e, 0xa1, 0x55, 0x0a, 0xd0, 0x8c, 0x33, 0xe7, 0x92, 0x64, 0xbd, 0x1f, 0x70, 0x46, 0xf8, 0x0d, 0x21, 0x9a, 0xce, 0x5b, 0x87, 0x3c, 0xe1, 0x16, 0xaa, 0x49},
	} {
		t.Run(name, func(t *testing.T) {
			key = append(key, rand.Text()...) // nodes of another run are none of this network
			said := new(sink)
			everythingSaid(t, said, key)
			if n := len(said.String()); n < 10_000 {
				t.Fatalf("only %d bytes were said: the test looks at nothing", n)
			}
			canary.Check(t, "the node", []byte(said.String()), key)
		})
	}
}

// everythingSaid makes nodes with the key talk into said.
func everythingSaid(t *testing.T, said *sink, key []byte) {
	formats := map[string]config.Log{
		"text": {Writer: said, Level: slog.LevelDebug},
		"json": {Writer: said, Level: slog.LevelDebug, Format: config.FormatJSON},
		"own":  {Handler: slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})},
	}
	for _, log := range formats {
		nodes := together(t, 2, func(c *config.Config) { c.Network.Secret, c.Log = key, log })
		for _, n := range nodes {
			n.Events().Subscribe(func(ev any) {
				said.print(ev)
				if text, err := actor.EncodeEvent(ev); err != nil {
					t.Error(err)
				} else {
					_, _ = said.Write(text) // never fails
				}
			})
			said.print(n, n.cfg, &n.cfg, n.cfg.Network, n.Peers())
			n.Logger().Error("printed", "node", n, "config", n.cfg, "network", &n.cfg.Network)
		}
		if _, err := nodes[0].Register("c", actor.Func(func(ctx actor.Context) {
			if _, ok := ctx.Message().(actor.Bytes); ok {
				panic(fmt.Errorf("a failure, for its stack, of %v", nodes[0]))
			}
		})); err != nil {
			t.Fatal(err)
		}
		_, err := nodes[1].Request(t.Context(), "c", actor.Bytes("x"))
		said.print(err)
		stranger := config.Default()
		stranger.Network.Name, stranger.Network.Secret = t.Name(), append(bytes.Clone(key), " another"...)
		stranger.Seeds = []string{nodes[0].Addr().String()}
		stranger.Log = log
		s, err := Start(t.Context(), stranger)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range append(nodes, s) {
			stop(t, n)
		}
	}
	said.print(parts(t, key)...)
}

// parts are the values that have to do with a key, and errors about one.
func parts(t *testing.T, key []byte) []any {
	cfg := config.Default()
	cfg.Network.Name, cfg.Network.Secret = "n", key
	secret, err := identity.Parse(key)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := identity.NewKeyring("n", secret)
	if err != nil {
		t.Fatal(err)
	}
	ident, err := identity.New(ring, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	both := cfg
	both.Network.Key = "also a file"
	_, refused := Start(t.Context(), both)
	_, parsed := config.Parse("node.yaml", []byte("network:\n  secret: "+fmt.Sprintf("%x", key)+"\n  sceret: x\nbogus: 1\n"))
	text, err := json.Marshal(cfg)
	return []any{
		cfg, &cfg, cfg.Network, cfg.Network.Secret, cfg.Settings(), cfg.YAML(config.Origins{}), string(text), secret, &secret, ring, ident,
		struct{ S identity.Secret }{secret},
		struct{ s *identity.Identity }{ident},
		refused, parsed, errors.Join(refused, parsed, err),
	}
}
