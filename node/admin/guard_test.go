package admin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var token = []byte("sixteen bytes or more")

var page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") })

// TestWhoMayAsk is the table of all refusals, and of what passes beside them.
func TestWhoMayAsk(t *testing.T) {
	free := open(t, func(c *Config) { c.Page = page })
	guarded := open(t, func(c *Config) { c.Token, c.Page = token, page })
	hexed := "Bearer " + hex.EncodeToString(token)
	const (
		asJSON = "application/json"
		evil   = "http://evil.example"
	)
	host := guarded.Addrs()[0].String()
	_, _, h := guarded.ask("POST", "/login", `{"token":"`+hexed[7:]+`"}`, "X-Iris-Admin", "1", "Origin", "http://"+host)
	session, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	if !strings.Contains(h.Get("Set-Cookie"), "; HttpOnly; SameSite=Strict") || strings.Contains(h.Get("Set-Cookie"), hexed[7:]) {
		t.Errorf("Set-Cookie: %s", h.Get("Set-Cookie"))
	}
	for _, tc := range []struct {
		name    string
		e       *endpoint
		method  string
		path    string
		body    string
		headers []string
		want    int
	}{
		{"look", free, "GET", "/api/v1/node", "", nil, 200},
		{"look at headers", free, "HEAD", "/api/v1/node", "", nil, 200},
		{"the page", free, "GET", "/", "", nil, 200},
		{"localhost", free, "GET", "/api/v1/node", "", []string{"Host", "localhost:1"}, 200},
		{"loopback", free, "GET", "/api/v1/node", "", []string{"Host", "[::1]"}, 200},
		{"rebound name", free, "GET", "/api/v1/node", "", []string{"Host", "evil.example"}, 403},
		{"rebound name, page", free, "GET", "/", "", []string{"Host", "evil.example:8787"}, 403},
		{"rebound name, nothing", free, "GET", "/api/v1/nothing", "", []string{"Host", "evil.example"}, 403},
		{"rebound name, events", free, "GET", "/api/v1/events", "", []string{"Host", "evil.example"}, 403},
		{"rebound name, metrics", free, "GET", "/metrics", "", []string{"Host", "evil.example"}, 403},
		{"rebound address", free, "GET", "/api/v1/node", "", []string{"Host", "10.0.0.1"}, 403},
		{"a name like localhost", free, "GET", "/api/v1/node", "", []string{"Host", "localhost.evil.example"}, 403},
		{"probe by address", free, "GET", "/healthz", "", []string{"Host", "10.0.0.1:8787"}, 200},
		{"foreign fetch", free, "GET", "/api/v1/node", "", []string{"Origin", evil}, 403},
		{"foreign fetch of events", free, "GET", "/api/v1/events", "", []string{"Origin", evil}, 403},
		{"sandboxed page", free, "GET", "/api/v1/node", "", []string{"Origin", "null"}, 403},
		{"foreign image", free, "GET", "/api/v1/node", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"other port", free, "GET", "/api/v1/node", "", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403},
		{"a link", free, "GET", "/", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		{"a link to a file", free, "GET", "/views/node.js", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		{"a link to a report", free, "GET", "/api/v1/node", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		{"a link to metrics", free, "GET", "/metrics", "", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, 403},
		{"a link to a profile", free, "GET", "/debug/pprof/profile", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		{"own page", free, "GET", "/api/v1/node", "", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200},
		{"order", free, "POST", "/api/v1/drain", "{}", []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 200},
		{"order without a body", free, "POST", "/api/v1/drain", "", []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 200},
		{"order without the header", free, "POST", "/api/v1/drain", "{}", []string{"Content-Type", asJSON}, 403},
		{"order of a foreign page", free, "POST", "/api/v1/drain", "{}", []string{"X-Iris-Admin", "1", "Content-Type", asJSON, "Origin", evil}, 403},
		{"order of a foreign form", free, "POST", "/api/v1/drain", "{}", []string{"Content-Type", "text/plain", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		{"order of a rebound page", free, "POST", "/api/v1/drain", "{}", []string{"X-Iris-Admin", "1", "Content-Type", asJSON, "Host", "evil.example", "Origin", evil}, 403},
		{"order of another kind", free, "POST", "/api/v1/drain", "{}", []string{"X-Iris-Admin", "1", "Content-Type", "text/plain"}, 415},
		{"order too large", free, "POST", "/api/v1/drain", strings.Repeat(" ", maxBody+1), []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"order with a list", free, "POST", "/api/v1/drain", "[]", []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"order with null", free, "POST", "/api/v1/drain", "null", []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"order with more", free, "POST", "/api/v1/drain", `{"by":"x"}`, []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"order with two", free, "POST", "/api/v1/drain", `{}{}`, []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"order with less", free, "POST", "/api/v1/disconnect", `{}`, []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"order in the query", free, "POST", "/api/v1/drain?a=b", `{}`, []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"a node that is none", free, "GET", "/api/v1/nodes/xyz/node", "", nil, 400},
		{"an order for none", free, "POST", "/api/v1/nodes/xyz/drain", "", []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 400},
		{"unknown parameter", free, "GET", "/api/v1/peers?color=red", "", nil, 400},
		{"parameter twice", free, "GET", "/api/v1/peers?limit=1&limit=2", "", nil, 400},
		{"not a query", free, "GET", "/api/v1/peers?%zz", "", nil, 400},
		{"two names", free, "GET", "/api/v1/trace?cluster=a&topic=b", "", nil, 400},
		{"not a filter", free, "GET", "/api/v1/events?peer=x", "", nil, 400},
		{"two filters", free, "GET", "/api/v1/events?contains=x&contains=y", "", nil, 400},
		{"nothing", free, "GET", "/api/v1/nothing", "", nil, 404},
		{"no version", free, "GET", "/api/", "", nil, 404},
		{"events of another", free, "GET", "/api/v1/nodes/" + other + "/events", "", nil, 404},
		{"no metrics", free, "GET", "/metrics", "", nil, 404},
		{"no profiles", free, "GET", "/debug/pprof/", "", nil, 404},
		{"change a report", free, "POST", "/api/v1/node", "{}", nil, 405},
		{"delete a report", free, "DELETE", "/api/v1/node", "", nil, 405},
		{"look at an order", free, "GET", "/api/v1/drain", "", nil, 405},
		{"post to a probe", free, "POST", "/healthz", "", nil, 405},
		{"post to the page", free, "POST", "/", "", nil, 405},
		{"put a login", free, "PUT", "/login", "", nil, 405},
		{"trace", free, "TRACE", "/api/v1/events", "", nil, 405},
		{"options", free, "OPTIONS", "/api/v1/drain", "", nil, 405},

		{"token", guarded, "GET", "/api/v1/node", "", []string{"Authorization", hexed}, 200},
		{"token in upper case", guarded, "GET", "/api/v1/node", "", []string{"Authorization", "bearer " + strings.ToUpper(hexed[7:])}, 200},
		{"token by another name", guarded, "GET", "/api/v1/node", "", []string{"Authorization", hexed, "Host", "iris.example.org"}, 200},
		{"no token", guarded, "GET", "/api/v1/node", "", nil, 401},
		{"no token, nothing", guarded, "GET", "/api/v1/nothing", "", nil, 401},
		{"no token, events", guarded, "GET", "/api/v1/events", "", nil, 401},
		{"no token, metrics", guarded, "GET", "/metrics", "", nil, 401},
		{"no token, profiles", guarded, "GET", "/debug/pprof/heap", "", nil, 401},
		{"no token, order", guarded, "POST", "/api/v1/drain", "{}", []string{"X-Iris-Admin", "1", "Content-Type", asJSON}, 401},
		{"no token, another method", guarded, "DELETE", "/api/v1/events", "", nil, 401},
		{"no token, the page", guarded, "GET", "/", "", nil, 200},
		{"no token, probes", guarded, "GET", "/readyz", "", nil, 200},
		{"part of the token", guarded, "GET", "/api/v1/node", "", []string{"Authorization", hexed[:len(hexed)-2]}, 401},
		{"more than the token", guarded, "GET", "/api/v1/node", "", []string{"Authorization", hexed + "00"}, 401},
		{"token as it is", guarded, "GET", "/api/v1/node", "", []string{"Authorization", "Bearer " + string(token)}, 401},
		{"empty token", guarded, "GET", "/api/v1/node", "", []string{"Authorization", "Bearer "}, 401},
		{"token as a password", guarded, "GET", "/api/v1/node", "", []string{"Authorization", "Basic " + hexed[7:]}, 401},
		{"token in the query", guarded, "GET", "/api/v1/node?token=" + hexed[7:], "", nil, 401},
		{"order with the token", guarded, "POST", "/api/v1/drain", "{}", []string{"Authorization", hexed, "Content-Type", asJSON}, 200},
		{"foreign page with the token", guarded, "GET", "/api/v1/node", "", []string{"Authorization", hexed, "Origin", evil}, 403},

		{"login", guarded, "GET", "/api/v1/node", "", []string{"Cookie", session}, 200},
		{"login of another node", guarded, "GET", "/api/v1/node", "", []string{"Cookie", "x" + session}, 401},
		{"forged login", guarded, "GET", "/api/v1/node", "", []string{"Cookie", strings.Replace(session, "=1", "=2", 1)}, 401},
		{"half a login", guarded, "GET", "/api/v1/node", "", []string{"Cookie", session[:len(session)-1]}, 401},
		{"order by login", guarded, "POST", "/api/v1/drain", "{}", []string{"Cookie", session, "X-Iris-Admin", "1", "Content-Type", asJSON, "Origin", "http://" + host}, 200},
		{"order by login without the header", guarded, "POST", "/api/v1/drain", "{}", []string{"Cookie", session, "Content-Type", asJSON}, 403},
		{"order by login of a foreign page", guarded, "POST", "/api/v1/drain", "{}", []string{"Cookie", session, "X-Iris-Admin", "1", "Content-Type", asJSON, "Origin", evil}, 403},
		{"wrong login", guarded, "POST", "/login", `{"token":"00"}`, []string{"X-Iris-Admin", "1"}, 401},
		{"no login", guarded, "POST", "/login", ``, []string{"X-Iris-Admin", "1"}, 400},
		{"login without the header", guarded, "POST", "/login", `{"token":"` + hexed[7:] + `"}`, nil, 403},
		{"login of a foreign page", guarded, "POST", "/login", `{"token":"` + hexed[7:] + `"}`, []string{"X-Iris-Admin", "1", "Origin", evil}, 403},
		{"login again", guarded, "POST", "/login", `{"token":" ` + hexed[7:] + ` "}`, []string{"X-Iris-Admin", "1"}, 204},
		{"logout of nobody", guarded, "POST", "/logout", "", []string{"X-Iris-Admin", "1"}, 204},
		{"login after the logout of nobody", guarded, "GET", "/api/v1/node", "", []string{"Cookie", session}, 200},
		{"logout", guarded, "POST", "/logout", "", []string{"X-Iris-Admin", "1", "Cookie", session}, 204},
		{"a copy of the login after the logout", guarded, "GET", "/api/v1/node", "", []string{"Cookie", session}, 401},
		{"token after the logout", guarded, "GET", "/api/v1/node", "", []string{"Authorization", hexed}, 200},
	} {
		status, text, h := tc.e.ask(tc.method, tc.path, tc.body, tc.headers...)
		if status != tc.want {
			t.Errorf("%s: status %d, want %d: %s", tc.name, status, tc.want, text)
			continue
		}
		var said struct{ Error string }
		if status >= 400 && tc.method != "HEAD" && (json.Unmarshal([]byte(text), &said) != nil || said.Error == "") {
			t.Errorf("%s: the error is %q", tc.name, text)
		}
		if status == 405 && h.Get("Allow") == "" || status == 401 && tc.path != "/login" && h.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: headers %v", tc.name, h)
		}
		for name, want := range policy {
			if h.Get(name) != want {
				t.Errorf("%s: %s: %q", tc.name, name, h.Get(name))
			}
		}
		if strings.Contains(text, hexed[7:]) {
			t.Errorf("%s: the answer has the token: %s", tc.name, text)
		}
	}
	for _, e := range []*endpoint{free, guarded} {
		if strings.Contains(e.log.String(), hexed[7:]) {
			t.Errorf("the log has the token: %s", e.log)
		}
	}
	if free.refused[foreign].Load() == 0 || free.refused[malformed].Load() == 0 || guarded.refused[notAllowed].Load() == 0 {
		t.Error("refusals are not counted")
	}
}

// Who comes, goes, or tries is in the log with its address; who merely has no token is not.
func TestWhoAskedIsLogged(t *testing.T) {
	e := open(t, func(c *Config) { c.Token = token })
	hexed := hex.EncodeToString(token)
	lines := func() int { return strings.Count(e.log.String(), "\n") }
	for _, tc := range []struct {
		method, path, body string
		headers            []string
		want               string // the line; empty: there is none
	}{
		{"GET", "/api/v1/node", "", nil, ""},
		{"GET", "/api/v1/node", "", []string{"Authorization", "Bearer " + hexed}, ""},
		{"GET", "/api/v1/node", "", []string{"Authorization", "Bearer c0ffee"}, "level=WARN msg=\"wrong admin token\" addr=127.0.0.1:"},
		{"POST", "/login", `{"token":"c0ffee"}`, []string{"X-Iris-Admin", "1"}, "level=WARN msg=\"wrong admin token\" addr=127.0.0.1:"},
		{"POST", "/login", `{"token":"` + hexed + `"}`, []string{"X-Iris-Admin", "1"}, "level=INFO msg=\"admin login\" addr=127.0.0.1:"},
		{"POST", "/logout", "", []string{"X-Iris-Admin", "1"}, ""},
		{"POST", "/logout", "", []string{"Authorization", "Bearer " + hexed}, "level=INFO msg=\"admin logout\" addr=127.0.0.1:"},
	} {
		before := lines()
		e.ask(tc.method, tc.path, tc.body, tc.headers...)
		all := strings.Split(strings.TrimSpace(e.log.String()), "\n")
		if tc.want == "" && lines() != before || tc.want != "" && (lines() != before+1 || !strings.Contains(all[len(all)-1], tc.want)) {
			t.Errorf("%s %s %s: %q, want %q", tc.method, tc.path, tc.body, all[before:], tc.want)
		}
	}
	if text := e.log.String(); strings.Contains(text, "c0ffee") || strings.Contains(text, hexed) {
		t.Errorf("a token is in the log:\n%s", text)
	}
}

func TestAddressesThatNeedMore(t *testing.T) {
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0", "example.org:0"} {
		for _, edit := range []func(*Config){func(*Config) {}, func(c *Config) { c.Token = token }} {
			c := Config{Listen: listen}
			edit(&c)
			if list, err := listenAll(c); err == nil || !strings.Contains(err.Error(), "a token and a certificate are required") {
				t.Errorf("%s: %v, %v", listen, list, err)
			}
		}
	}
}

func TestLoginEnds(t *testing.T) {
	s := newSessions()
	now := time.Unix(1000, 0)
	revoked := s.issue(now.Add(time.Hour))
	s.revoke()
	value := s.issue(now.Add(time.Hour))
	for _, tc := range []struct {
		value string
		now   time.Time
		want  bool
	}{
		{value, now, true},
		{value, now.Add(time.Hour - time.Second), true},
		{value, now.Add(time.Hour), false},
		{revoked, now, false},
		{"", now, false},
		{".", now, false},
		{"9999999999", now, false},
		{"9999999999." + strings.SplitN(value, ".", 2)[1], now, false},
		{newSessions().issue(now.Add(time.Hour)), now, false},
	} {
		if end, _, got := s.read(tc.value, tc.now); got != tc.want || got && !end.Equal(now.Add(time.Hour)) {
			t.Errorf("%q at %v: %v, until %v", tc.value, tc.now, got, end)
		}
	}
}

// What a client may take of a server is bounded: time for its headers, and connections.
func TestTooManyConnections(t *testing.T) {
	e := open(t, nil)
	l := e.crowd[0]
	var held []net.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	connect := func(upTo int32) {
		for l.open.Load() < upTo {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
			for before := l.open.Load(); l.open.Load() < min(upTo, int32(len(held))) && l.open.Load() == before; { // until it is accepted
				runtime.Gosched()
			}
		}
	}
	connect(maxConns)
	if status, text, _ := e.ask("GET", "/healthz", ""); status != 503 || !strings.Contains(text, "too many connections") {
		t.Errorf("status %d: %s", status, text)
	}
	connect(maxCrowd)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a connection too many was answered")
	}
	if l.turned.Load() == 0 {
		t.Error("connections that were closed are not counted")
	}
	for _, c := range slices.Backward(held) {
		_ = c.Close()
	}
	held = nil
	for l.open.Load() > 0 { // the server sees that they are closed
		runtime.Gosched()
	}
	if status, text, _ := e.ask("GET", "/healthz", ""); status != 200 {
		t.Errorf("afterwards: status %d: %s", status, text)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	e := open(t, nil)
	c, err := net.Dial("tcp", e.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = c.Write(append([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nX: "), bytes.Repeat([]byte("x"), 1<<20)...)) // until it is cut off
	}()
	answer, _ := io.ReadAll(c)
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 431 ")) {
		t.Errorf("%.100q", answer)
	}
}
