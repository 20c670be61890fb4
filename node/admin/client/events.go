package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// Silence is how long an endpoint may say nothing, not even that it is there,
	// until Events gives up: it says so every 15 seconds.
	Silence = 45 * time.Second

	maxEvent = 1 << 20 // bytes of one event, and of a line of the stream
)

// Event is one event of a node.
type Event struct {
	Kind string
	Data json.RawMessage // an object with kind, time, node and what the kind says
}

// Filter says which events are wanted; the zero Filter wants all.
type Filter struct {
	Kinds    []string
	Contains string // in the event's JSON
}

var errSilent = fmt.Errorf("nothing came for %v, not even that the endpoint is there", Silence)

// Events calls each with the node's events as they come, the first being Hello,
// until each fails, ctx ends, or the node stops: that is io.EOF. Who is too slow
// misses some and gets EventsLost in their place.
func (c *Client) Events(ctx context.Context, f Filter, each func(Event) error) error {
	args := url.Values{}
	if len(f.Kinds) > 0 {
		args.Set("kind", strings.Join(f.Kinds, ","))
	}
	if f.Contains != "" {
		args.Set("contains", f.Contains)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(Silence, func() { cancel(errSilent) })
	defer watch.Stop()
	resp, err := c.send(ctx, http.MethodGet, "/api/v1/events", args, nil)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer resp.Body.Close()
	err = readEvents(resp.Body, func(ev *Event) error {
		watch.Reset(Silence)
		if ev == nil {
			return nil
		}
		watch.Stop() // while each takes its time
		defer watch.Reset(Silence)
		return each(*ev)
	})
	return causeOf(ctx, err)
}

func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}

// readEvents reads a stream of server-sent events (WHATWG HTML, 9.2). It calls
// came for each, and with nil for lines that are none.
func readEvents(r io.Reader, came func(*Event) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var kind string
	var data []byte
	for {
		line, err := readLine(in)
		if err != nil {
			return err
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		var whole *Event
		switch {
		case line == "":
			if len(data) > 0 {
				whole = &Event{kind, data[:len(data)-1]}
			}
			kind, data = "", nil
		case field == "event":
			kind = value
		case field == "data" && len(data)+len(value) >= maxEvent:
			return errLong
		case field == "data":
			data = append(append(data, value...), '\n')
		}
		if whole != nil && !json.Valid(whole.Data) {
			return fmt.Errorf("event %q is not JSON", whole.Kind)
		}
		if err := came(whole); err != nil {
			return err
		}
	}
}

var errLong = fmt.Errorf("an event of more than %d bytes", maxEvent)

// readLine returns a line without its end.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxEvent:
			return "", errLong
		case err == bufio.ErrBufferFull:
			continue
		case err != nil:
			return "", err
		}
		return strings.TrimRight(string(line), "\r\n"), nil
	}
}
