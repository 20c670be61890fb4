package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lane is a Writer and a Reader joined by a buffer.
type lane struct {
	w   *Writer
	r   *Reader
	buf bytes.Buffer
}

func newLane() *lane {
	l := &lane{w: NewWriter()}
	l.r = NewReader(&l.buf, MaxFrame)
	return l
}

func (l *lane) pass(t interface{ Fatalf(string, ...any) }, f Frame) Frame {
	b, err := l.w.Append(nil, f)
	if err != nil {
		t.Fatalf("Append(%#v) = %v", f, err)
	}
	l.buf.Write(b)
	got, err := l.r.Next()
	if err != nil {
		t.Fatalf("Next = %v, sent %#v", err, f)
	}
	if d := equal(got, f); d != "" {
		t.Fatalf("%s", d)
	}
	l.inStep(t)
	return got
}

func (l *lane) inStep(t interface{ Fatalf(string, ...any) }) {
	if len(l.w.order) != len(l.r.names) || len(l.w.names) != len(l.w.order) {
		t.Fatalf("writer has %d names (%d in its map), reader %d", len(l.w.order), len(l.w.names), len(l.r.names))
	}
	for i, name := range l.w.order {
		if l.r.names[i] != name || l.w.names[name] != uint32(i) {
			t.Fatalf("name %d: writer %q, reader %q", i, name, l.r.names[i])
		}
	}
}

func TestNamesCrossALaneOnce(t *testing.T) {
	l := newLane()
	f := &Broadcast{Cluster: strings.Repeat("c", 200), Body: Body{Type: "shop.Order"}}
	first := mustAppend(t, NewWriter(), nil, f)
	l.pass(t, f)
	again, err := l.w.Append(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	if len(first)-len(again) < 200+len("shop.Order") {
		t.Fatalf("first %d bytes, again %d", len(first), len(again))
	}
}

func TestDictionaryEndsAtMaxNames(t *testing.T) {
	l := newLane()
	for i := range MaxNames + 500 {
		l.buf.Reset()
		b := mustAppend(t, l.w, nil, &LoadProbe{Cluster: fmt.Sprint("cluster ", i)})
		l.buf.Write(b)
		f, err := l.r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := f.(*LoadProbe).Cluster; got != fmt.Sprint("cluster ", i) {
			t.Fatalf("name %d: got %q", i, got)
		}
	}
	l.inStep(t)
	if n := len(l.w.order); n != MaxNames {
		t.Fatalf("%d names, want %d", n, MaxNames)
	}
	l.pass(t, &LoadProbe{Cluster: "cluster 0"})
	l.pass(t, &LoadProbe{Cluster: fmt.Sprint("cluster ", MaxNames-1)})
	l.pass(t, &LoadProbe{Cluster: fmt.Sprint("cluster ", MaxNames)})
}

// Frames that cannot be sent come between frames that can, each after it has
// used new names, near the end of the dictionary. The lane goes on regardless.
func TestDictionariesStayInStepWhenAppendFails(t *testing.T) {
	full := newLane()
	for i := range MaxNames - 40 {
		full.buf.Write(mustAppend(t, full.w, nil, &LoadProbe{Cluster: fmt.Sprint("old ", i)}))
		if _, err := full.r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	tooLong := strings.Repeat("t", MaxName+1)
	tooLarge := make([]byte, MaxFrame+1)

	rapid.Check(t, func(t *rapid.T) {
		l := newLane()
		if rapid.Bool().Draw(t, "nearly full") {
			for i, name := range full.w.order {
				l.w.names[name] = uint32(i)
			}
			l.w.order = append(l.w.order, full.w.order...)
			l.r.names = append(l.r.names, full.r.names...)
		}
		d := draw{t}
		name := func() string { return fmt.Sprint("new ", rapid.IntRange(0, 80).Draw(t, "n")) }
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			var bad Frame
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				bad = &Request{Cluster: name(), Key: []byte("short"), Body: Body{Type: name()}}
			case 1:
				bad = &Tell{Target: name(), Sender: name(), Body: Body{Type: name()}, Trace: tooLong}
			case 2:
				bad = &Event{Topic: name(), Body: Body{Type: name(), Data: tooLarge}}
			case 3:
				bad = &Watch{Watcher: name(), Watchee: "bell\a"}
			case 4:
				l.pass(t, &Tell{Target: name(), Sender: name(), Body: Body{Type: name()}})
			default:
				l.pass(t, d.frame())
			}
			if bad != nil {
				prefix := []byte("kept")
				got, err := l.w.Append(prefix, bad)
				if err == nil || string(got) != "kept" {
					t.Fatalf("Append = %q, %v", got, err)
				}
				if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrTooLarge) {
					t.Fatalf("untyped error %v", err)
				}
				l.inStep(t)
			}
		}
	})
}

// A peer may send a literal that it could have sent as an index. Both ends
// count it, as the protocol says.
func TestRepeatedLiteralTakesAnotherIndex(t *testing.T) {
	literal := mustAppend(t, NewWriter(), nil, &LoadProbe{Cluster: "echo"})
	var stream []byte
	stream = append(stream, literal...)
	stream = append(stream, literal...)
	stream = append(stream, prefixed([]byte{0x93, 24, 0, 1})...)
	r := NewReader(bytes.NewReader(stream), MaxFrame)
	for range 3 {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := f.(*LoadProbe).Cluster; got != "echo" {
			t.Fatalf("got %q", got)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
}
