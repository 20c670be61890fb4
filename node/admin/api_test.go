package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"

	"iris/actor"
	"iris/node/inspect"
)

func TestReportsAndCommands(t *testing.T) {
	e := open(t, nil)
	for _, tc := range []struct{ method, path, body, want string }{
		{"GET", "/api/v1/node", "", ` node {}`},
		{"GET", "/api/v1/nodes/" + strings.ToUpper(other) + "/peers?limit=3&after=b", "", other + ` peers {"after":"b","limit":"3"}`},
		{"GET", "/api/v1/actors?parent=iris/clusters&sort=-busy_us&deep=true", "", ` actors {"deep":"true","parent":"iris/clusters","sort":"-busy_us"}`},
		{"GET", "/api/v1/clusters?name=a%2Fb%20c", "", ` clusters {"name":"a/b c"}`},
		{"GET", "/api/v1/trace?cluster=orders", "", ` trace {"kind":"cluster","name":"orders"}`},
		{"GET", "/api/v1/trace?topic=orders", "", ` trace {"kind":"topic","name":"orders"}`},
		{"GET", "/api/v1/topics?contains=x", "", ` topics {"contains":"x"}`},
		{"POST", "/api/v1/drain", "", ` do:drain {}`},
		{"POST", "/api/v1/nodes/" + other + "/disconnect", `{"peer":"ab"}`, other + ` do:disconnect {"peer":"ab"}`},
		{"POST", "/api/v1/loglevel", `{"level":"debug","subsystem":"router"}`, ` do:loglevel {"level":"debug","subsystem":"router"}`},
		{"POST", "/api/v1/loglevel", `{"level":"debug"}`, ` do:loglevel {"level":"debug"}`},
		{"POST", "/api/v1/restart", `{"pid":"user/a"}`, ` do:restart {"pid":"user/a"}`},
		{"POST", "/api/v1/stop", `{"pid":"user/a"}`, ` do:stop {"pid":"user/a"}`},
	} {
		e.asker.seen = nil
		status, text, h := e.ask(tc.method, tc.path, tc.body, "X-Iris-Admin", "1", "Content-Type", "application/json; charset=utf-8")
		if status != 200 || h.Get("Content-Type") != "application/json; charset=utf-8" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %s %v", tc.method, tc.path, status, text, h)
			continue
		}
		got := e.asker.seen[0]
		if tc.method == "POST" { // who orders is told, too
			before, by, found := strings.Cut(got, `"by":"admin 127.0.0.1:`)
			_, rest, _ := strings.Cut(by, `, by no token"`)
			if !found {
				t.Errorf("%s: nobody ordered: %s", tc.path, got)
			}
			got = before + strings.TrimPrefix(rest, ",")
		}
		if got != tc.want {
			t.Errorf("%s %s: asked %s, want %s", tc.method, tc.path, got, tc.want)
		}
	}
}

func TestErrorsOfQueries(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{inspect.ErrBadQuery, 400},
		{inspect.ErrNotFound, 404},
		{inspect.ErrUnknownNode, 404},
		{actor.ErrTimeout, 504},
		{actor.ErrUnreachable, 504},
		{actor.ErrLost, 504},
		{context.DeadlineExceeded, 504},
		{actor.ErrOverloaded, 503},
		{actor.ErrClosed, 503},
		{errors.New("other"), 500},
	} {
		e := open(t, nil)
		e.asker.do = func(context.Context, string, inspect.Query) ([]byte, error) {
			return nil, fmt.Errorf("<b>: %w", tc.err)
		}
		status, text, _ := e.ask("GET", "/api/v1/node", "")
		if want := `{"error":"\u003cb\u003e: ` + tc.err.Error() + "\"}\n"; status != tc.want || text != want {
			t.Errorf("%v: %d %s", tc.err, status, text)
		}
	}
}

func TestTooManyQueries(t *testing.T) {
	e := open(t, nil)
	for range maxReports {
		e.reports <- struct{}{}
	}
	if status, text, _ := e.ask("GET", "/api/v1/node", ""); status != 503 || e.refused[tooMany].Load() != 1 {
		t.Errorf("%d: %s", status, text)
	}
}

// Who does not read an answer keeps nobody from asking.
func TestSlowReadersHoldNoQuery(t *testing.T) {
	e := open(t, nil)
	for range maxReports - 1 {
		e.reports <- struct{}{}
	}
	asked := make(chan struct{}, 1)
	e.asker.do = func(_ context.Context, _ string, q inspect.Query) ([]byte, error) {
		if q.What == "network" {
			defer func() { asked <- struct{}{} }()
			return bytes.Repeat([]byte(" "), 32<<20), nil // more than the buffers on the way hold
		}
		return []byte("{}"), nil
	}
	c, err := net.Dial("tcp", e.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET /api/v1/network HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-asked
	if status, text, _ := e.ask("GET", "/api/v1/node", ""); status != 200 {
		t.Errorf("%d: %s", status, text)
	}
}

func TestProbes(t *testing.T) {
	e := open(t, func(c *Config) { c.Token = token })
	for state, want := range map[string]int{"ready": 200, "joining": 503, "draining": 503, "stopping": 503} {
		e.state.Store(&state)
		status, text, _ := e.ask("GET", "/readyz", "")
		if status != want || !strings.Contains(text, state) {
			t.Errorf("%s: ready: %d %s", state, status, text)
		}
		if status, text, _ := e.ask("GET", "/healthz", ""); status != 200 {
			t.Errorf("%s: alive: %d %s", state, status, text)
		}
	}
}

// What comes in a URL is a query of few, known parameters or a problem.
func FuzzQuery(f *testing.F) {
	f.Add("limit=3&after=b")
	f.Add("cluster=a%2Fb")
	f.Add("%zz;=&&name")
	f.Fuzz(func(t *testing.T, raw string) {
		q, problem := parseQuery("peers", raw)
		if problem != "" {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		if q.What != "peers" || len(q.Args) > len(parameters)+1 {
			t.Errorf("%+v", q)
		}
		for name, value := range q.Args {
			if name == "kind" {
				continue
			}
			if !slices.Contains(parameters, name) || value != values.Get(name) && value != values.Get(q.Args["kind"]) {
				t.Errorf("%s = %q of %q", name, value, raw)
			}
		}
		if flt, problem := parseFilter(raw); problem == "" && len(flt.contains) > 3*len(raw) {
			t.Errorf("a filter of %d bytes", len(flt.contains))
		}
	})
}

// A body is a set of known texts or a problem.
func FuzzOrder(f *testing.F) {
	f.Add(`{"level":"debug","subsystem":""}`)
	f.Add(`{"level":1}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, body string) {
		args, problem := parseOrder(strings.NewReader(body), commands["loglevel"])
		if problem != "" {
			return
		}
		if args["level"] == "" || len(args) > 2 {
			t.Errorf("%q: %v", body, args)
		}
	})
}
