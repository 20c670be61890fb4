package admin

import (
	"net/http"
	"net/http/pprof"
)

// handler says who answers what.
func (s *Server) handler() http.Handler {
	const get, post = http.MethodGet, http.MethodPost
	mux := http.NewServeMux()
	mux.Handle("/healthz", methods(s.health, get)) // probes know no token, and not always the name
	mux.Handle("/readyz", methods(s.readiness, get))
	mux.Handle("/login", s.visible(methods(s.deliberate(s.login), post)))
	mux.Handle("/logout", s.visible(methods(s.deliberate(s.logout), post)))

	mux.Handle("/api/v1/events", s.private(methods(s.events, get)))
	mux.Handle("/api/v1/{what}", s.private(s.api))
	mux.Handle("/api/v1/nodes/{id}/{what}", s.private(s.api))
	mux.Handle("/api/", s.private(s.nothing))
	mux.Handle("/api", s.private(s.nothing)) // else it would be sent on to the one above
	mux.Handle("/metrics", s.private(s.optional(s.metrics())))
	mux.Handle("/debug/", s.private(s.nothing))
	if s.cfg.PProf {
		mux.Handle("/debug/pprof/", s.private(methods(pprof.Index, get)))
		mux.Handle("/debug/pprof/cmdline", s.private(methods(pprof.Cmdline, get)))
		mux.Handle("/debug/pprof/profile", s.private(methods(pprof.Profile, get)))
		mux.Handle("/debug/pprof/symbol", s.private(methods(pprof.Symbol, get, post)))
		mux.Handle("/debug/pprof/trace", s.private(methods(pprof.Trace, get)))
	}
	mux.Handle("/", s.linked(s.optional(s.cfg.Page)))
	return s.guarded(mux)
}

// metrics is the handler of /metrics, nil if there is none.
func (s *Server) metrics() http.Handler {
	if s.cfg.Metrics == nil {
		return nil
	}
	return s.cfg.Metrics(s)
}

// optional serves what the endpoint may lack.
func (s *Server) optional(h http.Handler) http.HandlerFunc {
	if h == nil {
		return s.nothing
	}
	return methods(h.ServeHTTP, http.MethodGet)
}

func (s *Server) nothing(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusNotFound, "there is nothing here")
}

// health tells a prober that the process works.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, []byte(`{"status":"alive"}`))
}

// readiness tells a prober whether the node takes work: it has joined its network
// and does not leave.
func (s *Server) readiness(w http.ResponseWriter, _ *http.Request) {
	if state := s.cfg.State(); state != "ready" {
		fail(w, http.StatusServiceUnavailable, "the node is "+state)
		return
	}
	reply(w, http.StatusOK, []byte(`{"status":"ready"}`))
}
