package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"iris/node/inspect"
)

const (
	nodeA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	nodeB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	nodeC = "bbcccccccccccccccccccccccccccccc"

	// hostile is a name that clears the screen, colours what follows and turns the
	// direction of writing round.
	hostile = "x\x1b[2J\u009b31m\u202e\a\n"
)

// endpoint is an admin endpoint that tells what it was made up to tell.
type endpoint struct {
	*httptest.Server
	reports map[string]any // by path below /api/v1/
	token   string
	asked   []string // commands
	events  []string // of the stream, without its end if hold
	hold    bool
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	node := inspect.Node{
		ID: nodeA, Name: hostile, Network: "shop", Addr: "10.0.0.1:7000", Version: "v1.2", GoVersion: "go1.26", PID: 7, Started: now.Add(-90 * time.Minute), Now: now,
		State: "ready", Form: "mesh", Peers: 2, Suspects: 1, Sent: 12345, HeapBytes: 5 << 20, MemoryLimit: 512 << 20,
	}
	other := node
	other.ID, other.Name = nodeB, "db1"
	e := &endpoint{reports: map[string]any{
		"node":                     node,
		"nodes/" + nodeB + "/node": other,
		"peers": inspect.Page[inspect.Peer]{Total: 1, Items: []inspect.Peer{{
			ID: nodeB, Name: "db1", Addr: "10.0.0.2:7000", State: "suspect", Since: now.Add(-time.Hour), RTT: 1500, Lost: 1, Packets: 200, SentBytes: 3 << 20,
			Lanes: []inspect.Lane{{Name: "direct", Queued: 2048, Limit: 4 << 20, Sent: 5, Refused: 3}},
		}}},
		"network": inspect.Network{Nodes: []inspect.Brief{
			{ID: nodeA, Name: hostile, State: "ready", Links: []inspect.Edge{{Peer: nodeB, RTT: 1500, State: "alive"}}},
			{ID: nodeB, Name: "db1", State: "suspect"},
			{ID: nodeC, State: "unknown", Error: "no answer"},
		}},
		"clusters": inspect.Page[inspect.Cluster]{Total: 1, Items: []inspect.Cluster{{
			Name: "orders" + hostile, Local: 2, Members: 5, Requests: 10_000_000, P99: 2500, Root: nodeB,
			Nodes: []inspect.Member{{Node: nodeB, Members: 3, Load: 0.25, Latency: 900, Draining: true}},
		}}},
		"topics": inspect.Page[inspect.Topic]{Total: 1, Items: []inspect.Topic{{
			Name: "news", Mode: "tree", Reliable: true, Root: nodeB, Parent: nodeB, Children: []string{nodeC}, Depth: 2, Missed: 7,
		}}},
		"tunnels": inspect.Page[inspect.Tunnel]{Total: 1, Items: []inspect.Tunnel{{
			ID: "t1", Cluster: "files", Peer: nodeB, Opened: true, Since: now.Add(-time.Minute), SendRate: 2048, Credit: 100, Stalled: 1_500_000,
		}}},
		"actors": inspect.Page[inspect.Actor]{Total: 3, Next: "z", Items: []inspect.Actor{{
			Path: "iris/clusters/orders/0", State: "running", Actors: 1, Queued: 12, Busy: 3_000_000, Handled: 100, Failures: 2, LastError: "boom" + hostile,
		}}},
		"deadletters": inspect.Page[inspect.DeadLetters]{Total: 1, Items: []inspect.DeadLetters{{
			Reason: "mailbox full", Count: 9, Samples: []inspect.Letter{{Time: now.Add(-5 * time.Second), Target: "iris/x", Type: "T"}},
		}}},
		"trace": inspect.Trace{Name: "news", Kind: "topic", From: nodeA, Hops: []inspect.Hop{
			{From: nodeA, To: nodeB, Why: "route", Depth: 1, Delay: 750},
			{From: nodeB, To: nodeC, Why: "child", Depth: 2, Delay: 500},
			{From: nodeB, To: "dd", Why: "child", Depth: 2, Delay: 250},
			{From: nodeC, To: nodeB, Why: "child", Depth: 3, Delay: 1},
			{From: "ee", To: "ff", Why: hostile, Depth: 9},
		}},
	}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.token != "" && r.Header.Get("Authorization") != "Bearer "+e.token {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"a token is needed"}`)
		return
	}
	what := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	report, known := e.reports[what]
	switch {
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		e.asked = append(e.asked, what+" "+string(body))
		fmt.Fprint(w, `{"done":true}`)
	case what == "events":
		w.Header().Set("Content-Type", "text/event-stream")
		for _, ev := range e.events {
			kind := regexp.MustCompile(`"kind":"(\w+)"`).FindStringSubmatch(ev)[1]
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, ev)
		}
		if w.(http.Flusher).Flush(); e.hold {
			<-r.Context().Done()
		}
	case !known, r.URL.Query().Get("name") == "news" && what == "clusters":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":"not found: `+strings.Trim(fmt.Sprintf("%q", what+hostile), `"`)+`"}`)
	case r.URL.Query().Has("after"):
		fmt.Fprint(w, `{"items":[],"total":3}`)
	case what == "trace" && r.URL.Query().Get("topic") != "news":
		fmt.Fprintf(w, `{"name":%q,"kind":"cluster","from":%q,"hops":[]}`, r.URL.Query().Get("cluster"), nodeA)
	default:
		data, _ := json.Marshal(report)
		_, _ = w.Write(bytes.Replace(data, []byte("{"), []byte(`{"of_a_later_version":{"a":1},`), 1)) // fields are added
	}
}

// iris runs a command line against the endpoint.
func (e *endpoint) iris(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, s bytes.Buffer
	status = run(append(args, "--admin", e.URL), streams{&o, &s}, nil)
	for _, text := range []string{o.String(), s.String()} {
		if strings.ContainsAny(text, "\x1b\a\u009b\u202e") {
			t.Errorf("iris %q acts on the terminal:\n%q", args, text)
		}
	}
	return status, o.String(), s.String()
}

// TestInspectCommands: what each prints for people, wherever the words come from.
func TestInspectCommands(t *testing.T) {
	e := newEndpoint(t)
	for _, tc := range []struct{ line, want string }{
		{"status", `(?s)NODE +` + nodeA + `\nstate +ready, mesh\n.*host +x\\x1b\[2J\\u009b31m\\u202e\\a\\n, process 7, up 1h30m\n.*peers +2, 1 suspected\n.*messages +12\.3k sent`},
		{"status --all", `(?m)^aaaaaaaa +x\\x1b.* ready .*\nbbbbbbbb +db1 +suspect .*\nbbcccccc +- +unknown .* no answer$`},
		{"status --node db1", `NODE +` + nodeB},
		{"status --node bbbb", `NODE +` + nodeB},
		{"status --node " + nodeB, `NODE +` + nodeB},
		{"peers", `(?m)^bbbbbbbb +db1 +suspect +1h0m +1\.5ms +0\.50% +3\.0 MiB +0 B +2\.0 KiB +3 +- +10\.0\.0\.2:7000 +-$`},
		{"peers --lanes", `(?m)^bbbbbbbb +db1 +direct +2\.0 KiB +4\.0 MiB +5 +0 B +3 +-$`},
		{"clusters", `(?m)^orders\S+ +2 +5 +0 +0 +10\.0M +0 +0 +- +2\.5ms`},
		{"clusters orders", `(?s)members register at bbbbbbbb db1\n.*bbbbbbbb db1 +3 +- +25% +0 +900us +draining`},
		{"topics", `(?m)^news +tree, reliable +0 +2 +bbbbbbbb db1 +1 +0 +0 +0 +0 +7$`},
		{"topics news", `(?s)root    bbbbbbbb db1\nparent  bbbbbbbb db1\nchild   bbcccccc\n$`},
		{"tunnels", `(?m)^t1 +files +bbbbbbbb db1 +opened +1m0s +0 B +0 B +2\.0 KiB/s +0 B/s +100 B +0 B +1\.5s$`},
		{"actors", `(?m)^iris/clusters/orders/0 +running +1 +12 +0 B +- +100 +3\.0s +2 +0 +boomx`},
		{"actors --deep --sort -busy_us --limit 1", `(?m)^iris/clusters/orders/0 `},
		{"trace news", "aaaaaaaa x\\S+  topic news\n`- bbbbbbbb db1  route  \\+750us\n   \\|- bbcccccc  child  \\+500us = 1\\.2ms\n   \\|  `- bbbbbbbb db1  child  \\+1us = 1\\.3ms\n   `- dd  child  \\+250us = 1\\.0ms\n\\?  ee -> ff"},
		{"drain", `node ` + nodeA + ` takes nothing new`},
		{"top --once", `(?s)aaaaaaaa x\\x1b.*3 nodes, 1 suspected.*\nnodes\nNODE .*\nclusters\n.*\nactors\n.*\ndead letters\n.*mailbox full +- +9 +5s +iris/x +T`},
	} {
		status, out, errs := e.iris(t, strings.Fields(tc.line)...)
		if status != exitOK || !regexp.MustCompile(tc.want).MatchString(out) {
			t.Errorf("iris %s: status %d, standard error %q, got\n%s\nwant %s", tc.line, status, errs, out, tc.want)
		}
	}
	if got, want := fmt.Sprint(e.asked), "[drain {}]"; got != want {
		t.Errorf("ordered %s, want %s", got, want)
	}
	if _, _, errs := e.iris(t, "actors", "--limit", "1"); !strings.Contains(errs, "iris: 1 of 3, --limit 0 shows all") {
		t.Errorf("standard error %q", errs)
	}
}

// TestInspectJSON: with --json each prints what the node told, item by item, one
// object per line, with fields that it does not know.
func TestInspectJSON(t *testing.T) {
	e := newEndpoint(t)
	e.events = []string{`{"kind":"Hello","node":"` + nodeA + `"}`, `{"kind":"PeerUp","time":"2026-01-02T03:04:05Z","node":"` + nodeA + `","peer":"` + nodeB + `"}`}
	for line, want := range map[string]string{
		"status":                "node",
		"status --all":          "network.nodes",
		"peers":                 "peers.items",
		"clusters":              "clusters.items",
		"clusters orders":       "clusters.items",
		"topics":                "topics.items",
		"tunnels":               "tunnels.items",
		"actors --limit 1":      "actors.items",
		"trace news":            "trace",
		"events --count 1":      "",
		"top --once":            "",
		"drain":                 "",
		"doctor --timeout 1m":   "",
		"status --node db1 ":    "nodes/" + nodeB + "/node",
		"bundle --events 0s -o": "",
	} {
		t.Run(line, func(t *testing.T) {
			args := append(strings.Fields(line), "--json")
			if strings.HasSuffix(line, "-o") {
				args = append(strings.Fields(line), filepath.Join(t.TempDir(), "b.tar.gz"), "--json")
			}
			status, out, errs := e.iris(t, args...)
			if status != exitOK {
				t.Fatalf("status %d, standard error %q", status, errs)
			}
			var got []map[string]any
			for text := range strings.Lines(out) {
				var object map[string]any
				if err := json.Unmarshal([]byte(text), &object); err != nil {
					t.Fatalf("%v in %q", err, text)
				}
				got = append(got, object)
			}
			if want != "" {
				e.told(t, want, got)
				return
			}
			keys := map[string]string{
				"events": "kind node peer time", "top": "busiest_actors clusters dead_letters network node time", "drain": "drained node seconds",
				"doctor": "check verdict what", "bundle": "contents file missing",
			}[strings.Fields(line)[0]]
			for _, k := range strings.Fields(keys) {
				if _, there := got[0][k]; !there {
					t.Errorf("no %q in %v", k, slices.Sorted(maps.Keys(got[0])))
				}
			}
		})
	}
}

// told checks that objects are those that a report has at a path.
func (e *endpoint) told(t *testing.T, where string, got []map[string]any) {
	t.Helper()
	path, field, _ := strings.Cut(where, ".")
	data, err := json.Marshal(e.reports[path])
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	if field == "" {
		if got[0]["of_a_later_version"] == nil {
			t.Error("a field that is not known is gone")
		}
		delete(got[0], "of_a_later_version")
		whole = map[string]any{"list": []any{whole}}
		field = "list"
	}
	want, _ := json.Marshal(whole[field])
	if have, _ := json.Marshal(got); !bytes.Equal(have, want) {
		t.Errorf("got\n%s\nwant\n%s", have, want)
	}
}

func TestEventsCommand(t *testing.T) {
	e := newEndpoint(t)
	quoted, _ := json.Marshal(hostile) // of a string: cannot fail
	e.events = []string{
		`{"kind":"Hello","node":"` + nodeA + `"}`,
		`{"kind":"HandlerFailed","time":"2026-01-02T03:04:05Z","node":"` + nodeA + `","pid":"a/b","reason":` + string(quoted) + `,"restarts":3,"nested":{"a":[1]},"stack":"` + strings.Repeat("s", 1000) + `"}`,
		`{"kind":"PeerDown","time":"2026-01-02T03:04:06Z","node":"` + nodeA + `","reason":"left = gone"}`,
	}
	status, out, errs := e.iris(t, "events", "-f")
	want := `(?m)^\d\d:\d\d:05\.000 HandlerFailed +pid=a/b reason="x\\x1b\[2J\\u009b31m\\u202e\\a\\n" restarts=3 nested=\{"a":\[1\]\} stack=s{197}\.\.\.\n\d\d:\d\d:06\.000 PeerDown +reason="left = gone"$`
	if status != exitNobody || !regexp.MustCompile(want).MatchString(out) || !strings.Contains(errs, "events from now on") || !strings.Contains(errs, "has stopped") {
		t.Errorf("status %d, standard error %q, got\n%s", status, errs, out)
	}
	if status, out, _ := e.iris(t, "events", "-n", "1"); status != exitOK || strings.Count(out, "\n") != 1 {
		t.Errorf("status %d, %q", status, out)
	}
	quiet := newEndpoint(t) // of its own: the other may still answer who has heard enough
	quiet.hold, quiet.events = true, e.events[:1]
	if status, _, errs := quiet.iris(t, "events", "-f", "--timeout", "1ms"); status != exitNobody || !strings.Contains(errs, "no event within 1ms") {
		t.Errorf("status %d, %q", status, errs)
	}
	var o, s bytes.Buffer
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	if status := run([]string{"events", "-f", "--admin", quiet.URL}, streams{&o, &s}, signals); status != exitOK {
		t.Errorf("ctrl-c: status %d, %q", status, s.String())
	}
}

// TestInspectErrors: every way not to get an answer says where, and what to do.
func TestInspectErrors(t *testing.T) {
	e := newEndpoint(t)
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	token, wrong := write("token", strings.Repeat("ab", 16), 0o600), write("wrong", strings.Repeat("cd", 16), 0o600)
	expect := func(status int, want string, args ...string) {
		t.Helper()
		got, out, errs := e.iris(t, args...)
		if got != status || !strings.Contains(errs, want) || out != "" {
			t.Errorf("iris %q: status %d, %q, output %q, want %d, %q", args, got, errs, out, status, want)
		}
	}
	delete(e.reports, "ring")
	expect(exitNobody, `there is no cluster "news"`, "trace", "news", "--cluster")
	expect(exitNobody, `no node is called "web"`, "peers", "--node", "web")
	expect(exitFailed, `2 nodes are called "bb"`, "peers", "--node", "bb")
	expect(exitNobody, "not found: nodes/"+nodeC+"/peers", "peers", "--node", nodeC)
	expect(exitUsage, `sort: "size": want one of actors, busy_us`, "actors", "--sort", "size")
	expect(exitUsage, "limit: -1", "clusters", "--limit", "-1")
	expect(exitUsage, "want --follow, or --count", "events")
	expect(exitUsage, "interval: 1ms", "top", "-i", "1ms")
	expect(exitUsage, "want one CLUSTER or TOPIC, got 0", "trace")
	expect(exitUsage, "want one of --cluster and --topic", "trace", "a", "--cluster", "--topic")
	expect(exitUsage, "ADDRESS", "doctor", "nowhere")
	expect(exitUsage, "want one of --admin and --context", "status", "--context", "x")
	expect(exitUsage, "timeout", "status", "--timeout", "-1s")
	for _, command := range []string{"status", "doctor", "bundle", "top"} {
		expect(exitUsage, "timeout: 0: want more", command, "--timeout", "0")
	}
	expect(exitUsage, `no event is called "NoSuchKind", there are Hello, NodeStarted,`, "events", "-f", "--kind", "PeerUp,NoSuchKind")
	e.token = strings.Repeat("ab", 16)
	expect(exitFailed, "wants a token: --token-file", "status")
	expect(exitFailed, "does not take the token in "+wrong, "status", "--token-file", wrong)
	if status, _, errs := e.iris(t, "status", "--token-file", token); status != exitOK {
		t.Errorf("with the token: %d, %q", status, errs)
	}
	if os.PathSeparator == '/' {
		open := write("open", strings.Repeat("ab", 16), 0o644)
		if err := os.Chmod(open, 0o644); err != nil {
			t.Fatal(err)
		}
		expect(exitFailed, "chmod 600 "+open, "status", "--token-file", open)
	}
	e.Close()
	bundle := filepath.Join(dir, "bundle.tar.gz")
	expect(exitNobody, "there is no admin endpoint at "+e.URL, "bundle", "-o", bundle)
	if _, err := os.Stat(bundle); err == nil {
		t.Error("an archive about nobody")
	}
	expect(exitNobody, "there is no admin endpoint at "+e.URL+": start a node with 'iris node'", "status")
	var o, s bytes.Buffer
	if status := run([]string{"status", "--admin", "nowhere"}, streams{&o, &s}, nil); status != exitUsage || !strings.Contains(s.String(), `"nowhere" is not host:port`) {
		t.Errorf("status %d, %q", status, s.String())
	}
}

// TestAdminTLS: the endpoint's certificate is checked.
func TestAdminTLS(t *testing.T) {
	e := newEndpoint(t)
	s := httptest.NewUnstartedServer(e)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	s.StartTLS()
	defer s.Close()
	plain := e.URL
	e.URL = s.URL
	if status, _, errs := e.iris(t, "status"); status != exitFailed || !strings.Contains(errs, "--ca-file") {
		t.Errorf("status %d, %q", status, errs)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := e.iris(t, "status", "--ca-file", ca); status != exitOK {
		t.Errorf("status %d, %q", status, errs)
	}
	e.URL = strings.Replace(s.URL, "https", "http", 1)
	if status, _, errs := e.iris(t, "status"); status != exitFailed || !strings.Contains(errs, "speaks TLS: put https://") {
		t.Errorf("status %d, %q", status, errs)
	}
	e.URL = strings.Replace(plain, "http", "https", 1)
	if status, _, errs := e.iris(t, "status"); status != exitFailed || !strings.Contains(errs, "does not speak TLS") {
		t.Errorf("status %d, %q", status, errs)
	}
}
