package transport

import (
	"testing"

	"iris/transport/wire"
)

// raw writes frames on a stream of its own, as a hostile peer may.
func raw(l *Link, end bool, frames ...wire.Frame) error {
	s, err := l.conn.OpenUniStream()
	if err != nil {
		return err
	}
	w := wire.NewWriter()
	var b []byte
	for _, f := range frames {
		if b, err = w.Append(b, f); err != nil {
			return err
		}
	}
	if _, err := s.Write(b); err != nil || !end {
		return err
	}
	return s.Close()
}

func encoded(t *testing.T, f wire.Frame) []byte {
	t.Helper()
	b, err := wire.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Each breach of the protocol ends the link with a code that says so.
func TestViolationsEndTheLink(t *testing.T) {
	send := func(n Lane, f wire.Frame) func(*testing.T, *Link) {
		return func(t *testing.T, l *Link) {
			if err := l.lanes[n].put(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	stream := func(end bool, frames ...wire.Frame) func(*testing.T, *Link) {
		return func(t *testing.T, l *Link) {
			if err := raw(l, end, frames...); err != nil {
				t.Fatal(err)
			}
		}
	}
	lane := func(n uint8, frames ...wire.Frame) func(*testing.T, *Link) {
		return stream(false, append([]wire.Frame{&wire.LaneOpen{Lane: n}}, frames...)...)
	}
	tell := &wire.Tell{Target: "iris/user/x", Body: wire.Body{Data: make([]byte, 100)}}
	tree := wire.Group{Kind: wire.GroupTopic, Name: "t"}
	piece := func(n Lane, f wire.Frame) func(*testing.T, *Link) {
		return func(t *testing.T, l *Link) {
			b := encoded(t, f)
			lane(4, &wire.Chunk{Lane: uint8(n), Total: uint64(len(b)), Last: true, Data: b})(t, l)
		}
	}
	for name, c := range map[string]struct {
		do   func(*testing.T, *Link)
		want wire.Code
	}{
		"an event on control":              {send(Control, event("x", 1)), wire.CodeProtocol},
		"a heartbeat on direct":            {send(Direct, &wire.Heartbeat{Seq: 1}), wire.CodeProtocol},
		"a goodbye on direct":              {send(Direct, &wire.Goodbye{Code: wire.CodeLeave}), wire.CodeProtocol},
		"an answer to goodbye on fanout":   {send(Fanout, &wire.GoodbyeAck{}), wire.CodeProtocol},
		"a request on fanout":              {send(Fanout, &wire.Request{Cluster: "c"}), wire.CodeProtocol},
		"an event on direct":               {send(Direct, event("x", 1)), wire.CodeProtocol},
		"a tunnel frame on transit":        {send(Transit, &wire.TunnelEnd{}), wire.CodeProtocol},
		"a route on control":               {send(Control, &wire.Route{}), wire.CodeProtocol},
		"a route on direct":                {send(Direct, &wire.Route{}), wire.CodeProtocol},
		"a route on fanout":                {send(Fanout, &wire.Route{}), wire.CodeProtocol},
		"an overlay frame on transit":      {send(Transit, &wire.Overlay{}), wire.CodeProtocol},
		"an overlay frame in pieces":       {piece(Transit, &wire.Overlay{}), wire.CodeProtocol},
		"a join of a tree on control":      {send(Control, &wire.TreeJoin{Group: tree}), wire.CodeProtocol},
		"data of a tree on direct":         {send(Direct, &wire.TopicData{Group: tree}), wire.CodeProtocol},
		"data of a tree without a place":   {piece(Control, &wire.TopicData{Group: tree}), wire.CodeProtocol},
		"a chunk of a lane's first frame":  {piece(Fanout, &wire.LaneOpen{Lane: 2}), wire.CodeProtocol},
		"an empty chunk":                   {lane(4, &wire.Chunk{Total: 10}), wire.CodeProtocol},
		"an empty chunk at the end":        {lane(4, &wire.Chunk{Total: 10, Data: make([]byte, 10)}, &wire.Chunk{Total: 10, Last: true}), wire.CodeProtocol},
		"a second hello":                   {send(Control, &wire.Hello{Version: 1}), wire.CodeProtocol},
		"a placeholder on control":         {send(Control, &wire.Large{}), wire.CodeProtocol},
		"a chunk on direct":                {send(Direct, &wire.Chunk{}), wire.CodeProtocol},
		"an event on bulk":                 {lane(4, event("x", 1)), wire.CodeProtocol},
		"control as a lane":                {lane(0), wire.CodeProtocol},
		"a lane that does not exist":       {lane(5), wire.CodeProtocol},
		"a lane opened within a lane":      {lane(1, &wire.LaneOpen{Lane: 2}), wire.CodeProtocol},
		"a lane that does not say which":   {stream(true), wire.CodeProtocol},
		"a lane that begins with an event": {stream(false, event("x", 1)), wire.CodeProtocol},
		"a lane opened twice": {func(t *testing.T, l *Link) {
			stream(true, &wire.LaneOpen{Lane: 2})(t, l)
			stream(false, &wire.LaneOpen{Lane: 2})(t, l)
		}, wire.CodeProtocol},
		"the end of control": {func(t *testing.T, l *Link) {
			if err := l.control.Close(); err != nil {
				t.Fatal(err)
			}
		}, wire.CodeProtocol},
		"a second control stream": {func(t *testing.T, l *Link) {
			s, err := l.conn.OpenStream()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Write([]byte{1}); err != nil {
				t.Fatal(err)
			}
		}, wire.CodeAbuse},
		"a large frame out of order":   {lane(4, &wire.Chunk{Seq: 1, Total: 10, Data: make([]byte, 10)}), wire.CodeProtocol},
		"a large frame beyond limits":  {lane(4, &wire.Chunk{Total: 1 << 40, Data: make([]byte, 10)}), wire.CodeProtocol},
		"more than was announced":      {lane(4, &wire.Chunk{Total: 9, Data: make([]byte, 10)}), wire.CodeProtocol},
		"less than was announced":      {lane(4, &wire.Chunk{Total: 11, Data: encoded(t, tell), Last: true}), wire.CodeProtocol},
		"an announcement that changes": {lane(4, &wire.Chunk{Total: 20, Data: make([]byte, 10)}, &wire.Chunk{Total: 30, Data: make([]byte, 10)}), wire.CodeProtocol},
		"a place that changes":         {lane(4, &wire.Chunk{Lane: 1, Total: 20, Data: make([]byte, 10)}, &wire.Chunk{Lane: 2, Total: 20, Data: make([]byte, 5)}), wire.CodeProtocol},
		"a large frame without a lane": {lane(4, &wire.Chunk{Lane: 9, Total: 20, Data: make([]byte, 10)}), wire.CodeProtocol},
		"a large frame in bulk":        {lane(4, &wire.Chunk{Lane: 4, Total: 20, Data: make([]byte, 10)}), wire.CodeProtocol},
		"large control":                {piece(Control, &wire.GroupPull{Seq: 1, Group: wire.Group{Kind: 1, Name: "c"}}), wire.CodeProtocol},
		"a tell that keeps no place":   {piece(Control, tell), wire.CodeProtocol},
		"a tell placed in fanout":      {piece(Fanout, tell), wire.CodeProtocol},
		"a goodbye in pieces":          {piece(Direct, &wire.Goodbye{}), wire.CodeProtocol},
		"a chunk of chunks":            {piece(Direct, &wire.Chunk{Total: 5, Data: make([]byte, 5)}), wire.CodeProtocol},
		"another frame than announced": {func(t *testing.T, l *Link) {
			piece(Direct, tell)(t, l)
			send(Direct, &wire.Large{Seq: 7})(t, l)
		}, wire.CodeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.place("net"), w.place("net")
				for k := range b.handlers {
					if b.handlers[k] == nil {
						b.Handle(wire.Kind(k), func(*Link, wire.Frame) {})
					}
				}
				a.start(t)
				b.start(t)
				if err := w.net.Start(); err != nil {
					t.Fatal(err)
				}
				l, _ := linked(t, a, b)
				c.do(t, l)
				b.until(t, "the end", func() bool { return len(b.down) == 1 })
				if d := b.down[0]; d.Code != c.want || d.Remote {
					t.Errorf("ended with %v (%s), remote %v; want %v", d.Code, d.Reason, d.Remote, c.want)
				}
				a.until(t, "the end", func() bool { return len(a.down) == 1 })
				if d := a.down[0]; d.Code != c.want || !d.Remote {
					t.Errorf("the peer heard %v (%s), remote %v; want %v", d.Code, d.Reason, d.Remote, c.want)
				}
				a.close(t)
				b.close(t)
			})
		})
	}
}
