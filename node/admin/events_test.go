package admin

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
)

// told is one event of a stream.
type told struct {
	id, kind string
	data     map[string]any
}

// reader reads the events of a stream.
type reader struct {
	t    *testing.T
	body io.Closer
	in   *bufio.Reader
}

// follow opens a stream and reads its first event.
func (e *endpoint) follow(query string, headers ...string) *reader {
	e.t.Helper()
	resp := e.do("GET", "/api/v1/events"+query, "", headers...)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		e.t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	e.t.Cleanup(func() { _ = resp.Body.Close() })
	r := &reader{e.t, resp.Body, bufio.NewReader(resp.Body)}
	if ev, err := r.next(); err != nil || ev.kind != "Hello" || ev.id != "1" || ev.data["node"] != self || ev.data["about"] == nil {
		e.t.Fatalf("first %+v, %v", ev, err)
	}
	return r
}

// next reads one event.
func (r *reader) next() (ev told, err error) {
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return ev, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			ev.id = value
		case "event":
			ev.kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &ev.data); err != nil {
				return ev, err
			}
		case "":
			if ev.id != "" {
				return ev, nil
			}
		}
	}
}

func (r *reader) want(kind, field, value string) {
	r.t.Helper()
	ev, err := r.next()
	if err != nil || ev.kind != kind || ev.data["kind"] != kind || fmt.Sprint(ev.data[field]) != value {
		r.t.Errorf("got %+v, %v, want %s with %s %s", ev, err, kind, field, value)
	}
}

func TestEventsAreFiltered(t *testing.T) {
	e := open(t, nil)
	all, some, text := e.follow(""), e.follow("?kind=PeerDown,%20PeerUp&kind=NodeStarted"), e.follow("?contains=LEFT")
	publish := e.cfg.System.Events().Publish
	publish(&actor.PeerUp{Peer: "a"})
	publish(&actor.LinkDown{Peer: "b", Reason: "left\nbehind\u202e"})
	publish(&actor.PeerDown{Peer: "c", Reason: "silent"})
	publish(&actor.EventsLost{Count: 7})
	publish(&actor.NodeStarted{})
	all.want("PeerUp", "peer", "a")
	all.want("LinkDown", "reason", "left\nbehind\u202e")
	all.want("PeerDown", "reason", "silent")
	all.want("EventsLost", "count", "7")
	some.want("PeerUp", "peer", "a")
	some.want("PeerDown", "peer", "c")
	some.want("EventsLost", "count", "7")
	some.want("NodeStarted", "node", self)
	text.want("LinkDown", "peer", "b")
	text.want("EventsLost", "count", "7")
	if status, _, h := e.ask("HEAD", "/api/v1/events", ""); status != 200 || h.Get("X-Accel-Buffering") != "no" {
		t.Errorf("HEAD: %d %v", status, h)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	e := open(t, nil)
	for range maxStreams {
		e.streams <- struct{}{}
	}
	if status, text, _ := e.ask("GET", "/api/v1/events", ""); status != 503 || !strings.Contains(text, "too many event streams") {
		t.Errorf("%d: %s", status, text)
	}
	<-e.streams
	e.follow("").body.Close()
}

// A stream ends when the endpoint does, whether its client reads or not.
func TestStreamsEndWithTheEndpoint(t *testing.T) {
	e := open(t, nil)
	var all []*reader
	for range 8 {
		all = append(all, e.follow(""))
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, r := range all {
		if ev, err := r.next(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %+v, %v", ev, err)
		}
	}
	if len(e.streams) != 0 {
		t.Errorf("%d streams are left", len(e.streams))
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(e.URLs()[0]); err == nil {
		t.Error("it answers after its end")
	}
}

// A stream that a login let in ends with it, with a word; those that the token let in go on.
func TestStreamsEndWithTheLogin(t *testing.T) {
	e := open(t, func(c *Config) { c.Token = token })
	hexed := hex.EncodeToString(token)
	login := func() string {
		_, _, h := e.ask("POST", "/login", `{"token":"`+hexed+`"}`, "X-Iris-Admin", "1")
		session, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
		return session
	}
	old := login()
	byToken := e.follow("", "Authorization", "Bearer "+hexed, "Cookie", old)
	var byLogin []*reader
	for range 4 {
		byLogin = append(byLogin, e.follow("", "Cookie", old))
	}
	publish := e.cfg.System.Events().Publish
	publish(&actor.PeerUp{Peer: "before"})
	for _, r := range append(byLogin, byToken) {
		r.want("PeerUp", "peer", "before")
	}
	if status, text, _ := e.ask("POST", "/logout", "", "X-Iris-Admin", "1"); status != 204 { // of nobody
		t.Fatalf("%d: %s", status, text)
	}
	publish(&actor.PeerUp{Peer: "still"})
	for _, r := range append(byLogin, byToken) {
		r.want("PeerUp", "peer", "still")
	}
	if status, text, _ := e.ask("POST", "/logout", "", "X-Iris-Admin", "1", "Cookie", old); status != 204 {
		t.Fatalf("%d: %s", status, text)
	}
	publish(&actor.PeerUp{Peer: "after"})
	for _, r := range byLogin {
		if rest, err := io.ReadAll(r.in); err != nil || string(rest) != ": the login has ended\n\n" {
			t.Errorf("after the logout: %q, %v", rest, err)
		}
	}
	byToken.want("PeerUp", "peer", "after")
	fresh := e.follow("", "Cookie", login())
	publish(&actor.PeerUp{Peer: "again"})
	fresh.want("PeerUp", "peer", "again")
}

// What a login let in lasts no longer than the login.
func TestRequestsEndWithTheLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{cfg: Config{Token: token}, self: self, sessions: newSessions()}
		ask := func(header, value string) *http.Request {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/events", nil)
			r.Header.Set(header, value)
			return r
		}
		begin := func(r *http.Request) (context.Context, context.CancelFunc) {
			t.Helper()
			ctx, cancel := s.lasting(r)
			if ctx.Err() != nil {
				t.Errorf("ended at once: %v", context.Cause(ctx))
			}
			return ctx, cancel
		}
		shown := func() *http.Request {
			return ask("Cookie", s.cookieName()+"="+s.sessions.issue(time.Now().Add(loginTime)))
		}
		expires, cancel := begin(shown())
		defer cancel()
		byToken, cancel := begin(ask("Authorization", "Bearer "+hex.EncodeToString(token)))
		defer cancel()
		<-time.After(loginTime - 2*time.Second)
		synctest.Wait()
		if expires.Err() != nil {
			t.Errorf("before the login ends: %v", context.Cause(expires))
		}
		<-time.After(3 * time.Second)
		synctest.Wait()
		if context.Cause(expires) != errLogin || byToken.Err() != nil {
			t.Errorf("after the login: %v, %v", context.Cause(expires), byToken.Err())
		}
		given, cancel := begin(shown())
		cancel()
		late := shown()
		ended, cancel := begin(shown())
		defer cancel()
		s.sessions.revoke()
		synctest.Wait()
		revoked, cancel := s.lasting(late)
		defer cancel()
		if context.Cause(given) != context.Canceled || context.Cause(ended) != errLogin || context.Cause(revoked) != errLogin || byToken.Err() != nil {
			t.Errorf("%v, %v, %v, %v", context.Cause(given), context.Cause(ended), context.Cause(revoked), byToken.Err())
		}
	})
}

// client is a client of a stream that reads or does not.
type client struct {
	http.ResponseWriter
	got     strings.Builder
	limit   int // bytes it takes
	expired bool
}

func (c *client) Write(p []byte) (int, error) {
	if c.got.Len()+len(p) > c.limit {
		c.expired = true
		return 0, errors.New("deadline")
	}
	return c.got.Write(p)
}
func (c *client) FlushError() error                { return nil }
func (c *client) SetWriteDeadline(time.Time) error { return nil }

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &client{limit: 1 << 20}
		st := &stream{w: c, control: http.NewResponseController(c)}
		ch := make(chan any, streamQueue)
		done := make(chan struct{})
		go func() { st.run(t.Context(), ch, filter{}); close(done) }()
		<-time.After(3*heartbeat + time.Second)
		synctest.Wait()
		if got := c.got.String(); got != strings.Repeat(": alive\n\n", 3) {
			t.Errorf("%q", got)
		}
		close(ch)
		<-done
	})
}

// Who does not read is cut off, and events that came together are sent together but never more than a batch.
func TestSlowReaderIsCutOff(t *testing.T) {
	c := &client{limit: 2 * maxBatch}
	st := &stream{w: c, control: http.NewResponseController(c)}
	ch := make(chan any, 4*maxBatch/512)
	for range cap(ch) {
		ch <- &actor.NodeStopped{At: actor.At{Node: strings.Repeat("x", 512)}}
	}
	st.run(t.Context(), ch, filter{})
	if !c.expired || c.got.Len() == 0 || st.buf.Cap() > 4*maxBatch {
		t.Errorf("read %d, buffer %d", c.got.Len(), st.buf.Cap())
	}
}
