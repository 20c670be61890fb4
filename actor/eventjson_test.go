package actor

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// stockLow is an event of a program's own.
type stockLow struct {
	At
	Article string
	PeerID  string
	Left    int
	Within  time.Duration
	Who     *PID
	Secret  string `json:"-"`
	Renamed string `json:"other"`
	Kind    string
	Next    *stockLow
	Any     any
	Err     error
	Counts  map[string]int
	Raw     []byte
	Ch      chan int
	Bad     badText
	When    time.Time
	Nested  struct{ A, B int }
	Empty   struct{}
	hidden  func() // unexported
	extra
}

type extra struct{ HTTPCode int }

type badText struct{}

func (*badText) MarshalText() ([]byte, error) { panic("bad text") }

func TestEncodeEvent(t *testing.T) {
	at := At{Time: time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC), Node: "n1"}
	for _, c := range []struct {
		ev   any
		want string
	}{
		{&NodeStarted{at}, `{"kind":"NodeStarted","time":"2026-01-02T03:04:05.0000006Z","node":"n1"}`},
		{&PeerDown{at, "p", "left"}, `{"kind":"PeerDown","time":"2026-01-02T03:04:05.0000006Z","node":"n1","peer":"p","reason":"left"}`},
		{
			&HandlerFailed{PID: NewPID("n1", "iris/user/7"), Reason: "a\x1b[2J\u202e\n", MessageType: "int", Restarts: 2, Directive: DirectiveRestart, Backoff: 1500 * time.Microsecond},
			`{"kind":"HandlerFailed","time":"0001-01-01T00:00:00Z","node":"","pid":"n1/iris/user/7","cluster":"","reason":"a\u001b[2J\u202e\n","stack":"","message_type":"int","restarts":2,"directive":"restart","backoff_us":1500}`,
		},
		{&DeadLetter{Reason: DeadNoActor, Count: 1 << 60}, `{"kind":"DeadLetter","time":"0001-01-01T00:00:00Z","node":"","reason":"no such actor","target":"","message_type":"","sender":"","count":1152921504606846976}`},
		{&CommandDone{Command: "Drain", By: "x", command: &Drain{}}, `{"kind":"CommandDone","time":"0001-01-01T00:00:00Z","node":"","command":"Drain","target":"","by":"x","error":""}`},
		{"text", `{"kind":"string","value":"text"}`},
		{
			&stockLow{
				At: at, hidden: func() {}, Article: "x", PeerID: "p", Left: 1, Within: time.Second, Secret: "s", Renamed: "r", Kind: "k", Next: &stockLow{Left: 2}, Any: []any{1, "a", nil},
				Err: errors.New("e"), Counts: map[string]int{"b": 2, "a": 1}, Raw: []byte{1, 2}, Ch: make(chan int), When: at.Time, extra: extra{404},
			},
			`{"kind":"actor.stockLow","time":"2026-01-02T03:04:05.0000006Z","node":"n1","article":"x","peer_id":"p","left":1,"within_us":1000000,"who":null,` +
				`"other":"r","kind_":"k","next":{"article":"","peer_id":"","left":2,"within_us":0,"who":null,"other":"","kind":"","next":null,"any":null,"err":null,` +
				`"counts":null,"raw":null,"ch":null,"bad":"!panic: bad text","when":"0001-01-01T00:00:00Z","nested":{"a":0,"b":0},"empty":{},"http_code":0},` +
				`"any":[1,"a",null],"err":"e","counts":{"a":1,"b":2},"raw":"AQI=","ch":null,"bad":"!panic: bad text","when":"2026-01-02T03:04:05.0000006Z",` +
				`"nested":{"a":0,"b":0},"empty":{},"http_code":404}`,
		},
	} {
		got, err := EncodeEvent(c.ev)
		if want := strings.Replace(c.want, "actor.stockLow", "stockLow", 1); err != nil || string(got) != want {
			t.Errorf("%T, error %v\ngot  %s\nwant %s", c.ev, err, got, want)
		}
		if !json.Valid(got) {
			t.Errorf("not JSON: %s", got)
		}
	}
}

// What a program publishes may be anything: it is encoded or refused, and takes bounded memory.
func TestEncodeAnything(t *testing.T) {
	type ring struct {
		At
		Next  *ring
		Again *ring
	}
	loop := &ring{}
	loop.Next, loop.Again = loop, nil
	if got, err := EncodeEvent(loop); err != nil || !json.Valid(got) {
		t.Errorf("a cycle: %s, %v", got, err)
	}
	loop.Again = loop // 2 to the 16 paths
	if got, err := EncodeEvent(loop); err == nil && !json.Valid(got) {
		t.Errorf("two cycles: %d bytes", len(got))
	}
	var none *PeerUp
	for _, ev := range []any{nil, none, &TopicGap{Topic: strings.Repeat("x", 2<<20)}, struct{ A []int }{make([]int, 1<<20)}} {
		if got, err := EncodeEvent(ev); err == nil {
			t.Errorf("%T: got %d bytes", ev, len(got))
		}
	}
	for _, ev := range []any{struct{ F func() }{func() {}}, 1.5, []any{loop}, map[any]int{struct{}{}: 1}, struct{ E error }{(*RemoteError)(nil)}} {
		if got, err := EncodeEvent(ev); err == nil && !json.Valid(got) {
			t.Errorf("%T: got %s", ev, got)
		}
	}
}

func TestEventKind(t *testing.T) {
	for want, ev := range map[string]any{"PeerUp": &PeerUp{}, "Drain": &Drain{}, "nil": nil, "time.Time": time.Time{}, "int": 1} {
		if got := EventKind(ev); got != want {
			t.Errorf("EventKind(%T) = %s, want %s", ev, got, want)
		}
	}
}

func FuzzEncodeEvent(f *testing.F) {
	f.Add("a", "\x1b\u202e\xff", uint64(1))
	f.Fuzz(func(t *testing.T, a, b string, n uint64) {
		in := &TopicGap{Topic: a, Publisher: b, Missed: n}
		got, err := EncodeEvent(in)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Topic, Publisher string
			Missed           uint64
		}
		if err := json.Unmarshal(got, &out); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if out.Topic != strings.ToValidUTF8(a, "\ufffd") && len(a) == len(strings.ToValidUTF8(a, "")) || out.Missed != n {
			t.Errorf("%q became %s", a, got)
		}
	})
}
