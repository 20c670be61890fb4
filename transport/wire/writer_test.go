package wire

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for _, tc := range []struct {
		name string
		f    Frame
		err  error
	}{
		{"empty cluster", &LoadProbe{}, ErrInvalid},
		{"empty target", &Tell{}, ErrInvalid},
		{"long cluster", &LoadProbe{Cluster: long}, ErrInvalid},
		{"long type", &Event{Topic: "t", Body: Body{Type: long}}, ErrInvalid},
		{"long trace", &Event{Topic: "t", Trace: long}, ErrInvalid},
		{"long actor id", &Stop{Target: strings.Repeat("x", MaxActor+1)}, ErrInvalid},
		{"newline in a name", &LoadProbe{Cluster: "a\nb"}, ErrInvalid},
		{"invalid UTF-8 in a name", &LoadProbe{Cluster: "a\xff"}, ErrInvalid},
		{"short key", &Request{Cluster: "c", Key: []byte("k")}, ErrInvalid},
		{"long key", &Request{Cluster: "c", Key: make([]byte, 17)}, ErrInvalid},
		{"group without kind", &GroupPull{Group: Group{Name: "g"}}, ErrInvalid},
		{"addresses", &Hello{Addrs: make([]string, MaxAddrs+1)}, ErrInvalid},
		{"nodes", &Peers{Nodes: make([]NodeRef, MaxPeers+1)}, ErrInvalid},
		{"entries", &GroupReplica{Group: Group{1, "g"}, Entries: make([]Entry, MaxEntries+1)}, ErrInvalid},
		{"chunk", &Chunk{Data: make([]byte, MaxChunk+1)}, ErrInvalid},
		{"tunnel data", &TunnelData{Data: make([]byte, MaxChunk+1)}, ErrInvalid},
		{"payload", &Event{Topic: "t", Body: Body{Data: make([]byte, MaxFrame)}}, ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := NewWriter().Append(nil, tc.f); !errors.Is(err, tc.err) {
				t.Errorf("Append = %v, want %v", err, tc.err)
			}
			if _, err := Encode(tc.f); tc.err == ErrInvalid && !errors.Is(err, tc.err) {
				t.Errorf("Encode = %v, want %v", err, tc.err)
			}
		})
	}
}

func TestLimitIsExact(t *testing.T) {
	w := NewWriter()
	w.SetLimit(MaxControl)
	frame := func(n int) Frame { return &Heartbeat{Pad: make([]byte, n)} }
	const overhead = 1 + 3 + 3 // array and kind 2, two zeros, bin16 header
	if b, err := w.Append(nil, frame(MaxControl-overhead)); err != nil || len(b) != MaxControl+3 {
		t.Fatalf("Append = %d bytes, %v", len(b), err)
	}
	if _, err := w.Append(nil, frame(MaxControl-overhead+1)); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("Append = %v", err)
	}
	w.SetLimit(2 * MaxFrame)
	if w.max != MaxFrame {
		t.Fatalf("limit %d", w.max)
	}
}

func TestTextIsClippedNotRefused(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("x", 3*MaxText), strings.Repeat("ü", MaxText), "x" + strings.Repeat("ü", MaxText),
		strings.Repeat("🐹", MaxText), "bad \xff\xfe bytes", strings.Repeat("\xff", 2*MaxText), strings.Repeat("\x80", 2*MaxText), "tab\tand\nnewline",
	} {
		b, err := Encode(&HelloAck{Reason: text})
		if err != nil {
			t.Fatal(err)
		}
		f, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		got := f.(*HelloAck).Reason
		if len(got) > MaxText || !utf8.ValidString(got) || len(text) > MaxText && utf8.ValidString(text) && len(got) < MaxText-utf8.UTFMax {
			t.Errorf("%.20q: %d bytes", text, len(got))
		}
		if utf8.ValidString(text) && !strings.HasPrefix(text, got) {
			t.Errorf("%.20q became %.20q", text, got)
		}
	}
}

func TestValidName(t *testing.T) {
	for _, name := range []string{"a", "shop.Order", "東京", "with space", strings.Repeat("x", MaxName), "\ufffd"} {
		if err := ValidName(name); err != nil {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	for _, name := range []string{"", "\x00", "a\x7f", "a\u0085b", "\xff", strings.Repeat("x", MaxName+1), "a\r"} {
		if err := ValidName(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

func TestNumbersHaveNames(t *testing.T) {
	for _, k := range kinds() {
		f := New(k)
		if f.Kind() != k {
			t.Errorf("New(%d).Kind() = %d", k, f.Kind())
		}
		if strings.HasPrefix(k.String(), "kind ") {
			t.Errorf("kind %d has no name", k)
		}
	}
	if got := Kind(200).String(); got != "kind 200" {
		t.Error(got)
	}
	if got := CodeHelloTimeout.String(); got != "HELLO_TIMEOUT" {
		t.Error(got)
	}
	if got := Code(99).String(); got != "code 99" {
		t.Error(got)
	}
}
