package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"iris/node/inspect"
)

// commands are what can be ordered by POST, with the fields of its body: true
// where there must be a value.
var commands = map[string]map[string]bool{
	"drain":      {},
	"disconnect": {"peer": true},
	"loglevel":   {"level": true, "subsystem": false},
	"restart":    {"pid": true},
	"stop":       {"pid": true},
}

// command has a node do something, and answers when it was done.
func (s *Server) command(w http.ResponseWriter, r *http.Request) {
	node, ok := s.target(w, r)
	if !ok {
		return
	}
	if r.URL.RawQuery != "" {
		s.refuse(w, malformed, http.StatusBadRequest, "a command takes its values from the body")
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		s.refuse(w, malformed, http.StatusUnsupportedMediaType, "the body must have Content-Type application/json")
		return
	}
	what := r.PathValue("what")
	args, problem := parseOrder(r.Body, commands[what])
	if problem != "" {
		s.refuse(w, malformed, http.StatusBadRequest, problem)
		return
	}
	args["by"] = "admin " + r.RemoteAddr + ", by " + s.identify(r).String()
	ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
	defer cancel()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(commandTimeout + writeTimeout))
	answer, err := s.cfg.Asker.Ask(ctx, node, inspect.Query{What: "do:" + what, Args: args})
	pass(w, answer, err)
}

// parseOrder reads the body of a command, or says what is wrong with it. An empty
// body is an empty object.
func parseOrder(body io.Reader, fields map[string]bool) (args map[string]string, problem string) {
	data, err := io.ReadAll(body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, "the body is too large"
	case err != nil:
		return nil, "the body could not be read"
	}
	args = map[string]string{}
	if len(data) > 0 && json.Unmarshal(data, &args) != nil || args == nil {
		return nil, "the body must be a JSON object of texts"
	}
	known := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
	for name := range args {
		if _, ok := fields[name]; !ok {
			return nil, "unknown field, there are: " + known
		}
	}
	for name, needed := range fields {
		if needed && args[name] == "" {
			return nil, "the field " + name + " is missing"
		}
	}
	return args, ""
}
