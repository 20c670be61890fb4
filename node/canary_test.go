package node

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"iris/actor"
	"iris/node/config"
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

// Whatever a node says, at any level, in events or when it is printed, the
// network key is not in it.
func TestTheKeyIsNeverTold(t *testing.T) {
	key := []byte("canary in a coal mine, it must not sing 0123456789")
	said := new(sink)
	edit := func(c *config.Config) {
		c.Network.Secret = key
		c.Log.Handler = slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})
	}
	nodes := together(t, 2, edit)
	for _, n := range nodes {
		n.Events().Subscribe(func(ev any) {
			fmt.Fprintf(said, "%v %+v %#v\n", ev, ev, ev)
			if text, err := json.Marshal(ev); err == nil {
				_, _ = said.Write(text) // never fails
			}
		})
		fmt.Fprintf(said, "%v %+v %v\n", n.cfg, n.cfg, n.Peers())
	}
	if _, err := nodes[0].Register("c", actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			panic("a failure, for its stack")
		}
	})); err != nil {
		t.Fatal(err)
	}
	_, err := nodes[1].Request(t.Context(), "c", actor.Bytes("x"))
	fmt.Fprintln(said, err)
	stranger := config.Default()
	stranger.Network.Name, stranger.Network.Secret = t.Name(), append(bytes.Clone(key), " another"...)
	stranger.Seeds = []string{nodes[0].Addr().String()}
	stranger.Log.Handler = slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})
	s, err := Start(t.Context(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(nodes, s) {
		stop(t, n)
	}
	bad := config.Default()
	bad.Network.Secret, bad.Network.Key = key, "also a file"
	_, err = Start(t.Context(), bad)
	fmt.Fprintln(said, err)

	text := said.String()
	if len(text) < 1000 {
		t.Fatalf("only %d bytes were said: the test looks at nothing", len(text))
	}
	for name, form := range map[string]string{
		"plain": string(key[:24]), "hex": hex.EncodeToString(key[:24]), "base64": base64.StdEncoding.EncodeToString(key[:24]),
		"bytes": strings.Trim(fmt.Sprint(key[:24]), "[]"), "quoted": strings.Trim(fmt.Sprintf("%#v", key[:8]), "[]byte{}"),
	} {
		if i := strings.Index(text, form); i >= 0 {
			t.Errorf("the key was told, in %s: ...%.120s...", name, text[max(0, i-60):])
		}
	}
}
