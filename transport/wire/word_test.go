package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// More words than a Reader remembers arrive as they were sent, and those of one
// slot take turns.
func TestWordsAreRemembered(t *testing.T) {
	w := NewWriter()
	var stream []byte
	var sent []string
	for round := range 3 {
		for i := range 4 * wordSlots {
			name := fmt.Sprint("topic ", i%(wordSlots<<round))
			sent = append(sent, name)
			stream = mustAppend(t, w, stream, &TopicData{Group: Group{GroupTopic, name}, Body: Body{Type: "type of " + name}})
		}
	}
	r := NewReader(bytes.NewReader(stream), MaxFrame)
	for _, want := range sent {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if d := f.(*TopicData); d.Group.Name != want || d.Body.Type != "type of "+want {
			t.Fatalf("got %q, %q, want %q", d.Group.Name, d.Body.Type, want)
		}
	}
	if len(r.names) != 0 {
		t.Errorf("%d names in the dictionary", len(r.names))
	}
}

// What is no word is not remembered as one.
func TestWordsAreChecked(t *testing.T) {
	for _, bad := range []string{"\n", "\xff", strings.Repeat("x", MaxName) + "x"} {
		r := NewReader(bytes.NewReader(prefixed(seq(0x93, 59, 0x92, 2, 0xda, len(bad)>>8, len(bad), bad, 0))), MaxFrame)
		if f, err := r.Next(); err == nil {
			t.Fatalf("accepted %#v", f)
		}
		if r.words != nil && *r.words != (words{}) {
			t.Errorf("remembers %q", bad)
		}
	}
}
