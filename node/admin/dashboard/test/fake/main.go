package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"iris/node/admin/dashboard"
	"iris/node/inspect"
)

func main() {
	var s size
	listen := flag.String("listen", "127.0.0.1:8788", "where to serve")
	token := flag.String("token", "", "what /login wants; empty: nothing")
	flag.IntVar(&s.Nodes, "nodes", 3, "how many nodes")
	flag.IntVar(&s.Clusters, "clusters", 8, "how many clusters")
	flag.IntVar(&s.Topics, "topics", 6, "how many topics")
	flag.IntVar(&s.Actors, "actors", 40, "how many actors in clusters")
	flag.BoolVar(&s.Hostile, "hostile", false, "names that break pages which trust them")
	flag.BoolVar(&s.Endless, "endless", false, "actors without end")
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("http://" + l.Addr().String())
	srv := &http.Server{Handler: routes(&server{world: newWorld(s), token: *token}), ReadHeaderTimeout: time.Minute}
	log.Fatal(srv.Serve(l))
}

// server answers as node/admin does.
type server struct {
	*world
	token string

	streams sync.Map // chan []byte -> true
	orders  sync.Map // number -> order, for the tests to look at
}

func routes(s *server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/events", s.private(s.events))
	mux.HandleFunc("GET /api/v1/{what}", s.private(s.report))
	mux.HandleFunc("GET /api/v1/nodes/{id}/{what}", s.private(s.report))
	mux.HandleFunc("POST /api/v1/{what}", s.private(s.order))
	mux.HandleFunc("POST /api/v1/nodes/{id}/{what}", s.private(s.order))
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /fake/event", s.inject)
	mux.HandleFunc("GET /fake/orders", s.ordered)
	mux.Handle("/", dashboard.Handler())
	return mux
}

func (s *server) private(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("fake"); s.token != "" && (err != nil || c.Value != s.token) {
			fail(w, http.StatusUnauthorized, "a token is needed")
			return
		}
		next(w, r)
	}
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	var form struct{ Token string }
	if json.NewDecoder(r.Body).Decode(&form) != nil || form.Token != s.token {
		fail(w, http.StatusUnauthorized, "this is not the token")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "fake", Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) report(w http.ResponseWriter, r *http.Request) {
	i := s.index(cmp.Or(r.PathValue("id"), s.ids[0]))
	if i < 0 {
		fail(w, http.StatusNotFound, "unknown node")
		return
	}
	if s.state(s.ids[i]) == "down" {
		fail(w, http.StatusGatewayTimeout, "the node did not answer within 2s")
		return
	}
	args := func(name string) string { return r.URL.Query().Get(name) }
	name := args("name")
	switch r.PathValue("what") {
	case "node":
		reply(w, s.node(i))
	case "network":
		reply(w, s.network())
	case "ring":
		reply(w, s.ring(i))
	case "peers":
		reply(w, page(r, s.peers(i), func(p inspect.Peer) string { return p.ID }, same))
	case "clusters":
		if name != "" {
			c := s.cluster(i, name)
			c.Nodes = s.members(i, name)
			reply(w, inspect.Page[inspect.Cluster]{Items: []inspect.Cluster{c}, Total: 1})
			return
		}
		reply(w, page(r, s.clusters, func(n string) string { return n }, func(n string) inspect.Cluster { return s.cluster(i, n) }))
	case "topics":
		if name != "" {
			reply(w, inspect.Page[inspect.Topic]{Items: []inspect.Topic{s.topic(i, name)}, Total: 1})
			return
		}
		reply(w, page(r, s.topics, func(n string) string { return n }, func(n string) inspect.Topic { return s.topic(i, n) }))
	case "tunnels":
		reply(w, page(r, s.tunnels(i), func(t inspect.Tunnel) string { return t.ID }, same))
	case "actors":
		if s.Endless {
			reply(w, s.endless(cmp.Or(args("parent"), "iris"), args("after")))
			return
		}
		list := s.actors(args("parent"))
		if worst := orders[strings.TrimPrefix(args("sort"), "-")]; worst != nil && args("deep") == "true" { // of all below; here: of those in the largest cluster
			list = s.actors("iris/clusters/" + s.clusters[0])
			slices.SortStableFunc(list, func(a, b inspect.Actor) int { return cmp.Compare(worst(b), worst(a)) })
		}
		reply(w, page(r, list, func(a inspect.Actor) string { return a.Path }, same))
	case "deadletters":
		reply(w, page(r, s.letters(), func(d inspect.DeadLetters) string { return d.Reason }, same))
	case "relay":
		reply(w, inspect.Page[inspect.RelayClient]{Items: []inspect.RelayClient{{Client: 4, Addr: "127.0.0.1:51212", Cluster: "orders", Since: s.began, Topics: 2, Asked: 1}}, Total: 1})
	default:
		fail(w, http.StatusNotFound, "there is nothing here")
	}
}

// orders are what actors can be sorted by.
var orders = map[string]func(inspect.Actor) float64{
	"failures":  func(a inspect.Actor) float64 { return float64(a.Failures) },
	"busy_us":   func(a inspect.Actor) float64 { return float64(a.Busy) },
	"queued":    func(a inspect.Actor) float64 { return float64(a.Queued) },
	"oldest_us": func(a inspect.Actor) float64 { return float64(a.Oldest) },
}

func same[T any](v T) T { return v }

// page cuts what is asked for out of a list.
func page[S, T any](r *http.Request, list []S, key func(S) string, report func(S) T) inspect.Page[T] {
	limit, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("limit"), "100"))
	if err != nil || limit < 1 || limit > 1000 {
		limit = 100
	}
	if part := r.URL.Query().Get("contains"); part != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(s S) bool { return !strings.Contains(key(s), part) })
	}
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		from = slices.IndexFunc(list, func(s S) bool { return key(s) > after })
		if at := slices.IndexFunc(list, func(s S) bool { return key(s) == after }); at >= 0 {
			from = at + 1
		}
		if from < 0 {
			from = len(list)
		}
	}
	to := min(from+limit, len(list))
	p := inspect.Page[T]{Items: []T{}, Total: len(list)}
	for _, v := range list[from:to] {
		p.Items = append(p.Items, report(v))
	}
	if to < len(list) {
		p.Next = key(list[to-1])
	}
	return p
}

// order notes what it was told to do.
func (s *server) order(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if r.Header.Get("X-Iris-Admin") != "1" || json.NewDecoder(r.Body).Decode(&body) != nil {
		fail(w, http.StatusForbidden, "send the header X-Iris-Admin: 1")
		return
	}
	s.orders.Store(time.Now().UnixNano(), map[string]any{"command": r.PathValue("what"), "node": r.PathValue("id"), "body": body})
	reply(w, map[string]bool{"done": true})
}

func (s *server) ordered(w http.ResponseWriter, _ *http.Request) {
	all := []any{}
	s.orders.Range(func(_, v any) bool { all = append(all, v); return true })
	reply(w, all)
}

// inject makes an event of the body, and believes it.
func (s *server) inject(w http.ResponseWriter, r *http.Request) {
	var events []map[string]any
	if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, event := range events {
		peer, _ := event["peer"].(string)
		if state := map[any]string{"PeerDown": "down", "PeerSuspected": "suspect", "PeerRecovered": "ready"}[event["kind"]]; state != "" {
			s.setState(peer, state)
		}
		event["time"], event["node"] = time.Now(), s.ids[0]
		data, _ := json.Marshal(event)
		s.streams.Range(func(k, _ any) bool { k.(chan []byte) <- data; return true })
	}
	w.WriteHeader(http.StatusNoContent)
}

// events streams what is injected.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	mine := make(chan []byte, 10_000)
	s.streams.Store(mine, true)
	defer s.streams.Delete(mine)
	w.Header().Set("Content-Type", "text/event-stream")
	hello, _ := json.Marshal(map[string]any{"kind": "Hello", "time": time.Now(), "node": s.ids[0]})
	_, _ = fmt.Fprintf(w, "event: Hello\ndata: %s\nid: 0\n\n", hello)
	for n := 1; ; n++ {
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(15 * time.Second):
			_, _ = fmt.Fprint(w, ": alive\n\n")
		case data := <-mine:
			var head struct{ Kind string }
			_ = json.Unmarshal(data, &head)
			_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\nid: %d\n\n", head.Kind, data, n)
		}
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
