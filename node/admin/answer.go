package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"iris/actor"
	"iris/node/inspect"
)

// reason is why a request was refused; the names are labels of a metric.
type reason int

const (
	tooMany    reason = iota // connections, streams, queries
	notAllowed               // no token, or a wrong one
	foreign                  // another host name or origin
	malformed                // what was asked makes no sense
	reasons
)

var reasonNames = [reasons]string{"overloaded", "unauthorized", "foreign", "malformed"}

// refusals counts refused requests by reason.
type refusals [reasons]atomic.Uint64

// refuse counts a request out and answers it.
func (s *Server) refuse(w http.ResponseWriter, why reason, status int, text string) {
	s.refused[why].Add(1)
	fail(w, status, text)
}

// fail answers with an error.
func fail(w http.ResponseWriter, status int, text string) {
	body, _ := json.Marshal(map[string]string{"error": text}) // of strings: cannot fail
	reply(w, status, body)
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // who has gone needs no answer
}

// status is how an error of a query looks in HTTP.
func status(err error) int {
	switch {
	case errors.Is(err, inspect.ErrBadQuery):
		return http.StatusBadRequest
	case errors.Is(err, inspect.ErrNotFound), errors.Is(err, inspect.ErrUnknownNode):
		return http.StatusNotFound
	case errors.Is(err, actor.ErrTimeout), errors.Is(err, actor.ErrUnreachable), errors.Is(err, actor.ErrLost), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, actor.ErrOverloaded), errors.Is(err, actor.ErrClosed), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// methods lets only some through; whoever may GET may HEAD.
func methods(h http.HandlerFunc, allowed ...string) http.HandlerFunc {
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	list := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(allowed, r.Method) {
			w.Header().Set("Allow", list)
			fail(w, http.StatusMethodNotAllowed, r.Method+" is not possible here, only "+list)
			return
		}
		h(w, r)
	}
}
