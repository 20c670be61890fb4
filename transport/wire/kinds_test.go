package wire

import (
	"slices"
	"testing"
)

func TestKindsOfWhatAWriterWrote(t *testing.T) {
	w := NewWriter()
	var b []byte
	var want []Kind
	for range 3 { // later ones use the dictionary
		for _, f := range []Frame{
			&Tell{Target: "x", Body: Body{Data: make([]byte, 300)}}, &Ask{ID: 1 << 30, Target: "y"}, &Request{Cluster: "c"},
			&Event{Topic: "t"}, &Broadcast{Cluster: "c"}, &Large{Seq: 7}, &Goodbye{},
		} {
			var err error
			if b, err = w.Append(b, f); err != nil {
				t.Fatal(err)
			}
			want = append(want, f.Kind())
		}
	}
	if got := slices.Collect(Kinds(b)); !slices.Equal(got, want) {
		t.Errorf("kinds %v, want %v", got, want)
	}
	for n := range len(b) { // nothing beyond the end, whatever is cut off
		for range Kinds(b[:n]) {
		}
	}
}
