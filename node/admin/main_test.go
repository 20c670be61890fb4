package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"iris/actor"
	"iris/node/inspect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	self  = "00112233445566778899aabbccddeeff"
	other = "ff112233445566778899aabbccddeeff"
)

// fake answers queries with the query itself, or as do says.
type fake struct {
	do func(ctx context.Context, node string, q inspect.Query) ([]byte, error) // nil: as said

	mu   sync.Mutex // guards the following field
	seen []string
}

func (f *fake) Ask(ctx context.Context, node string, q inspect.Query) ([]byte, error) {
	args, err := json.Marshal(q.Args)
	f.mu.Lock()
	f.seen = append(f.seen, fmt.Sprintf("%s %s %s", node, q.What, args))
	f.mu.Unlock()
	if f.do != nil {
		return f.do(ctx, node, q)
	}
	return fmt.Appendf(nil, `{"node":%q,"what":%q,"args":%s}`, node, q.What, args), err
}

// endpoint is a server under test.
type endpoint struct {
	*Server
	t     *testing.T
	asker *fake
	state atomic.Pointer[string]
	log   *logged
	http  *http.Client
}

// logged collects what is logged.
type logged struct {
	mu  sync.Mutex // guards the following field
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// open starts an endpoint that ends with the test.
func open(t *testing.T, edit func(*Config)) *endpoint {
	t.Helper()
	e := &endpoint{t: t, asker: &fake{}, log: &logged{}, http: &http.Client{Transport: &http.Transport{}}}
	ready := "ready"
	e.state.Store(&ready)
	logger := slog.New(slog.NewTextHandler(e.log, nil))
	sys := actor.NewSystem(actor.Options{Node: self, Logger: logger})
	cfg := Config{
		System: sys, Asker: e.asker, Logger: logger, Listen: "0",
		State: func() string { return *e.state.Load() },
	}
	if edit != nil {
		edit(&cfg)
	}
	var err error
	if e.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		e.http.CloseIdleConnections()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := sys.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

// do sends a request; headers are name, value, name, value.
func (e *endpoint) do(method, path, body string, headers ...string) *http.Response {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.URLs()[0]+path[1:], bytes.NewReader([]byte(body)))
	if err != nil {
		e.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := e.http.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp
}

// ask is do with the answer read.
func (e *endpoint) ask(method, path, body string, headers ...string) (status int, text string, header http.Header) {
	e.t.Helper()
	resp := e.do(method, path, body, headers...)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}
