package admin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"iris/internal/id"
	"iris/node/inspect"
)

// reports is what GET /api/v1/ tells of, and parameters what may be asked of it.
var (
	reports = []string{
		"actors", "clusters", "config", "deadletters", "network", "node", "peers", "relay", "ring", "topics", "trace", "tunnels",
	}
	parameters = []string{"after", "cluster", "contains", "deep", "limit", "name", "parent", "sort", "topic"}
)

// api answers what concerns this node, or the one that the path names.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	what := r.PathValue("what")
	switch {
	case slices.Contains(reports, what):
		methods(s.report, http.MethodGet)(w, r)
	case commands[what] != nil:
		methods(s.deliberate(s.command), http.MethodPost)(w, r)
	default:
		s.nothing(w, r)
	}
}

// report answers with what a node tells about itself.
func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	node, ok := s.target(w, r)
	if !ok {
		return
	}
	q, problem := parseQuery(r.PathValue("what"), r.URL.RawQuery)
	if problem != "" {
		s.refuse(w, malformed, http.StatusBadRequest, problem)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), reportTimeout)
	defer cancel()
	select {
	case s.reports <- struct{}{}:
	case <-ctx.Done():
		s.refuse(w, tooMany, http.StatusServiceUnavailable, "too many queries")
		return
	}
	answer, err := func() ([]byte, error) {
		defer func() { <-s.reports }() // also if it panics; who reads the answer slowly is in nobody's way
		return s.cfg.Asker.Ask(ctx, node, q)
	}()
	pass(w, answer, err)
}

// pass answers with what a node has answered.
func pass(w http.ResponseWriter, answer []byte, err error) {
	if err != nil {
		fail(w, status(err), err.Error())
		return
	}
	reply(w, http.StatusOK, answer)
}

// target returns the id of the node that the path names, empty for this one.
func (s *Server) target(w http.ResponseWriter, r *http.Request) (node string, ok bool) {
	text := r.PathValue("id")
	if text == "" {
		return "", true
	}
	n, err := id.Parse(text)
	if err != nil {
		s.refuse(w, malformed, http.StatusBadRequest, "the path does not name a node: an id has 32 hexadecimal digits")
		return "", false
	}
	return n.String(), true
}

// parseQuery makes a query of the parameters of a URL, or says what is wrong.
func parseQuery(what, raw string) (q inspect.Query, problem string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, "the part after ? cannot be read"
	}
	q = inspect.Query{What: what, Args: map[string]string{}}
	for name, list := range values {
		if !slices.Contains(parameters, name) {
			return q, "unknown parameter, there are: " + strings.Join(parameters, ", ")
		}
		if len(list) > 1 {
			return q, name + " is given twice"
		}
		if name == "cluster" || name == "topic" {
			if q.Args["kind"] != "" || values.Has("name") {
				return q, "one of cluster, topic and name is enough"
			}
			q.Args["kind"], q.Args["name"] = name, list[0]
			continue
		}
		q.Args[name] = list[0]
	}
	return q, ""
}
