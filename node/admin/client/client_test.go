package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"iris/node/inspect"
)

func TestBase(t *testing.T) {
	for addr, want := range map[string]string{
		"":                         "http://localhost:8787",
		"localhost:1":              "http://localhost:1",
		"127.0.0.9:1":              "http://127.0.0.9:1",
		"[::1]:1":                  "http://[::1]:1",
		"10.0.0.1:1":               "https://10.0.0.1:1",
		"localhost.example:1":      "https://localhost.example:1",
		"https://localhost:1":      "https://localhost:1",
		"http://10.0.0.1:1/":       "http://10.0.0.1:1",
		"ftp://a:1":                "",
		"a":                        "",
		":1":                       "",
		"a:":                       "",
		"https://a:1/x":            "",
		"https://user@127.0.0.1:1": "",
	} {
		if got, err := baseOf(addr); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", addr, got, err, want)
		}
	}
}

// TestTokenStaysSecret: it is shown by TLS and on this host only, and to nobody
// that the endpoint points to.
func TestTokenStaysSecret(t *testing.T) {
	if _, err := New(Config{Addr: "http://10.0.0.1:1", Token: "00"}); err == nil {
		t.Error("the token in the clear is fine")
	}
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path+" "+r.Header.Get("Authorization"))
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer s.Close()
	c, err := New(Config{Addr: s.URL, Token: "c4fe"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var refused *Error
	if _, err := c.Node(t.Context(), ""); !errors.As(err, &refused) || refused.Status != http.StatusFound {
		t.Errorf("redirected: %v", err)
	}
	if len(got) != 1 || got[0] != "/api/v1/node Bearer c4fe" {
		t.Errorf("asked %q", got)
	}
}

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{Addr: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestGetAndDo(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.String() {
		case "GET /api/v1/nodes/a%2Fb/node":
			fmt.Fprint(w, `{"id":"a/b","peers":3,"new":{}}`)
		case "POST /api/v1/disconnect":
			body, _ := io.ReadAll(r.Body)
			if string(body) != `{"peer":"x"}` || r.Header.Get("X-Iris-Admin") != "1" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("body %s, header %v", body, r.Header)
			}
			fmt.Fprint(w, `{"done":true}`)
		case "POST /api/v1/drain":
			if body, _ := io.ReadAll(r.Body); string(body) != "{}" {
				t.Errorf("body %s", body)
			}
			fmt.Fprint(w, `{}`)
		case "GET /metrics":
			fmt.Fprint(w, "iris_peers 3\n")
		case "GET /api/v1/ring":
			fmt.Fprint(w, "<html>")
		case "GET /api/v1/peers":
			w.WriteHeader(http.StatusGatewayTimeout)
			fmt.Fprint(w, `{"error":"node x: no answer"}`)
		default:
			http.NotFound(w, r)
		}
	})
	if n, err := c.Node(t.Context(), "a/b"); err != nil || n.ID != "a/b" || n.Peers != 3 {
		t.Errorf("%v, %v", n, err)
	}
	if err := c.Do(t.Context(), "", "disconnect", map[string]string{"peer": "x"}); err != nil {
		t.Error(err)
	}
	if err := c.Do(t.Context(), "", "drain", nil); err == nil || err.Error() != "drain was not carried out" {
		t.Errorf("got %v", err)
	}
	if b, err := c.Text(t.Context(), "/metrics"); err != nil || string(b) != "iris_peers 3\n" {
		t.Errorf("%q, %v", b, err)
	}
	if err := c.Get(t.Context(), "", "ring", nil, &inspect.Ring{}); err == nil || !strings.Contains(err.Error(), "does not answer as an admin endpoint") {
		t.Errorf("got %v", err)
	}
	var refused *Error
	if err := c.Get(t.Context(), "", "peers", nil, &inspect.Ring{}); !errors.As(err, &refused) || !refused.Timeout() || err.Error() != "node x: no answer" {
		t.Errorf("got %v", err)
	}
	if err := c.Get(t.Context(), "", "nothing", nil, &inspect.Ring{}); !errors.As(err, &refused) || refused.Status != http.StatusNotFound || refused.Timeout() {
		t.Errorf("got %v", err)
	}
}

func TestList(t *testing.T) {
	const total = 2500
	endless := false
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		limit, _ := strconv.Atoi(q.Get("limit"))
		after, _ := strconv.Atoi(q.Get("after"))
		if limit < 1 || limit > maxPage || q.Get("sort") != "-busy_us" {
			t.Errorf("asked for %v", q)
		}
		p := inspect.Page[inspect.Actor]{Total: total}
		for i := after; i < min(after+limit, total); i++ {
			p.Items = append(p.Items, inspect.Actor{Path: strconv.Itoa(i)})
		}
		if end := after + limit; end < total {
			p.Next = strconv.Itoa(end)
		}
		if endless {
			p.Next = q.Get("after")
			if p.Next == "" {
				p.Next = "9"
			}
		}
		_ = json.NewEncoder(w).Encode(p) // the client notices
	})
	args := url.Values{"sort": {"-busy_us"}}
	for _, tc := range []struct{ limit, want int }{{0, total}, {1, 1}, {1000, 1000}, {1001, 1001}, {5000, total}} {
		p, err := List[inspect.Actor](t.Context(), c, "", "actors", args, tc.limit)
		if err != nil || len(p.Items) != tc.want || p.Total != total || p.Items[tc.want-1].Path != strconv.Itoa(tc.want-1) || (p.Next == "") != (tc.want == total) {
			t.Errorf("limit %d: %d items of %d, next %q, %v", tc.limit, len(p.Items), p.Total, p.Next, err)
		}
	}
	if len(args) != 1 {
		t.Errorf("the caller's arguments are %v now", args)
	}
	endless = true
	if _, err := List[inspect.Actor](t.Context(), c, "", "actors", args, 0); err == nil {
		t.Error("a list without an end has one")
	}
}

func TestEvents(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.RawQuery; got != "contains=a+b&kind=PeerUp%2CPeerDown" {
			t.Errorf("asked %q", got)
		}
		fmt.Fprint(w, "event: Hello\ndata: {\"node\":\"x\"}\n\n: still here\n\nid: 2\r\nevent: PeerUp\r\ndata: {\ndata: }\r\n\r\nevent: cut")
	})
	var got []string
	err := c.Events(t.Context(), Filter{[]string{"PeerUp", "PeerDown"}, "a b"}, func(ev Event) error {
		got = append(got, ev.Kind+" "+string(ev.Data))
		return nil
	})
	if want := []string{`Hello {"node":"x"}`, "PeerUp {\n}"}; err != io.EOF || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestEventsEnd(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "data: {}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	enough := errors.New("enough")
	if err := c.Events(t.Context(), Filter{}, func(Event) error { return enough }); err != enough {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := c.Events(ctx, Filter{}, func(Event) error { cancel(enough); return nil }); !errors.Is(err, enough) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add("event: A\ndata: {}\n\n")
	f.Add(": x\n\ndata: 1\ndata: 2\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		n := 0
		err := readEvents(strings.NewReader(stream), func(ev *Event) error {
			if ev != nil {
				if n++; !json.Valid(ev.Data) {
					t.Errorf("not JSON: %q", ev.Data)
				}
			}
			return nil
		})
		if err == nil || n > len(stream) {
			t.Errorf("%d events, %v", n, err)
		}
	})
}

// TestReadEventsIsBounded: no stream makes the reader hold more than its bound.
func TestReadEventsIsBounded(t *testing.T) {
	for _, stream := range []io.Reader{
		io.MultiReader(strings.NewReader("data: "), endless("x")),
		endless("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"),
	} {
		if err := readEvents(stream, func(*Event) error { return nil }); err != errLong {
			t.Errorf("got %v", err)
		}
	}
}

type endless string

func (e endless) Read(b []byte) (int, error) {
	n := 0
	for n+len(e) <= len(b) {
		n += copy(b[n:], e)
	}
	if n == 0 {
		n = copy(b, e)
	}
	return n, nil
}
