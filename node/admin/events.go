package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"iris/actor"
	"iris/node/inspect"
)

// filter chooses events.
type filter struct {
	kinds    []string // none: all
	contains []byte   // in the JSON, lower case
}

const (
	maxFilter = 4 << 10  // bytes of what a filter says
	maxBatch  = 64 << 10 // bytes of events sent at once, and one event more
)

// parseFilter reads kind=A,B and contains=text, or says what is wrong.
func parseFilter(raw string) (f filter, problem string) {
	values, err := url.ParseQuery(raw)
	if err != nil || len(raw) > maxFilter {
		return f, "the part after ? cannot be read"
	}
	for name, list := range values {
		switch name {
		case "kind":
			for _, k := range strings.Split(strings.Join(list, ","), ",") {
				if k = strings.TrimSpace(k); k != "" {
					f.kinds = append(f.kinds, k)
				}
			}
		case "contains":
			if len(list) > 1 {
				return f, "contains is given twice"
			}
			f.contains = bytes.ToLower([]byte(list[0]))
		default:
			return f, "unknown parameter, there are: contains, kind"
		}
	}
	return f, ""
}

// pick returns kind and JSON of an event that passes; data is nil if it does not.
// That events were lost always passes.
func (f filter) pick(ev any) (kind string, data []byte) {
	kind = actor.EventKind(ev)
	_, lost := ev.(*actor.EventsLost)
	if !lost && len(f.kinds) > 0 && !slices.Contains(f.kinds, kind) {
		return kind, nil
	}
	data, err := actor.EncodeEvent(ev)
	if err != nil || !lost && !bytes.Contains(bytes.ToLower(data), f.contains) {
		return kind, nil
	}
	return kind, data
}

// events streams what happens on the node as server-sent events, until the client
// goes, its login ends or the node stops.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	f, problem := parseFilter(r.URL.RawQuery)
	if problem != "" {
		s.refuse(w, malformed, http.StatusBadRequest, problem)
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.refuse(w, tooMany, http.StatusServiceUnavailable, "too many event streams")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // some proxies keep streams back else
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := s.lasting(r)
	defer cancel()
	ch := s.cfg.System.Events().Chan(ctx, streamQueue) // before Hello: nothing that happens after it is missed
	st := &stream{w: w, control: http.NewResponseController(w)}
	st.hello(ctx, s)
	st.run(ctx, ch, f)
	if errors.Is(context.Cause(ctx), errLogin) {
		st.buf.Reset() // what came later is for nobody
		st.buf.WriteString(": " + errLogin.Error() + "\n\n")
		st.flush()
	}
}

// hello is the first event of every stream. It does not come from the node.
type hello struct {
	Kind  string          `json:"kind"`
	Time  time.Time       `json:"time"`
	Node  string          `json:"node"`
	About json.RawMessage `json:"about"` // inspect.Node
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buf     bytes.Buffer
	last    uint64 // id of the event before
}

// hello begins the stream with the node's description.
func (st *stream) hello(ctx context.Context, s *Server) {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	about, err := s.cfg.Asker.Ask(ctx, "", inspect.Query{What: "node"})
	if err != nil {
		about = nil
	}
	data, err := json.Marshal(hello{"Hello", time.Now(), s.self, about})
	if err == nil {
		st.add("Hello", data)
	}
}

// run writes the events that pass, several at once if they come fast, until there will
// be no more or ctx has ended.
func (st *stream) run(ctx context.Context, ch <-chan any, f filter) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for ctx.Err() == nil && st.flush() {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			st.buf.WriteString(": alive\n\n")
		case ev, ok := <-ch:
			for {
				if !ok {
					return
				}
				if kind, data := f.pick(ev); data != nil {
					st.add(kind, data)
				}
				if len(ch) == 0 || st.buf.Len() > maxBatch {
					break
				}
				ev, ok = <-ch
			}
		}
	}
}

// add queues one event. Data is JSON and has no line breaks.
func (st *stream) add(kind string, data []byte) {
	st.last++
	st.buf.WriteString("id: ")
	st.buf.WriteString(strconv.FormatUint(st.last, 10))
	st.buf.WriteString("\nevent: ")
	st.buf.WriteString(kind)
	st.buf.WriteString("\ndata: ")
	st.buf.Write(data)
	st.buf.WriteString("\n\n")
}

// flush sends what is queued; false if the client is gone or reads nothing.
func (st *stream) flush() bool {
	if st.buf.Len() == 0 {
		return true
	}
	if st.control.SetWriteDeadline(time.Now().Add(streamTimeout)) != nil {
		return false
	}
	_, err := st.buf.WriteTo(st.w)
	return err == nil && st.control.Flush() == nil
}
