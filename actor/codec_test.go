package actor

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"iris/internal/bounds"
)

type order struct {
	ID    uint64
	Items []string
	Note  map[string]int
	Next  *order
}

type broken struct{}

func (broken) EncodeMsgpack(any) error         { panic("never called") }
func (broken) MarshalMsgpack() ([]byte, error) { panic("marshal") }
func (*broken) UnmarshalMsgpack([]byte) error  { panic("unmarshal") }

func registerTestTypes() {
	RegisterType[order]("test.order")
	RegisterType[broken]("test.broken")
	RegisterType[string]("test.string")
}

func TestCodecRoundTrip(t *testing.T) {
	registerTestTypes()
	rapid.Check(t, func(t *rapid.T) {
		o := order{ID: rapid.Uint64().Draw(t, "id"), Items: rapid.SliceOfN(rapid.String(), 1, 9).Draw(t, "items"), Next: &order{ID: 1}}
		typ, data, err := Encode(o)
		if err != nil || typ != "test.order" {
			t.Fatal(typ, err)
		}
		got, err := Decode(typ, data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(o, got); d != "" {
			t.Fatal(d)
		}
		typ, data, err = Encode(&o)
		if err != nil || typ != "*test.order" {
			t.Fatal(typ, err)
		}
		if got, err = Decode(typ, data); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(&o, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestBytesAreCopied(t *testing.T) {
	typ, data, err := Encode(Bytes("abc"))
	if typ != "" || err != nil {
		t.Fatal(typ, err)
	}
	got, err := Decode("", data)
	if err != nil {
		t.Fatal(err)
	}
	data[0] = 'x'
	if !bytes.Equal(got.(Bytes), []byte("abc")) {
		t.Errorf("got %q", got)
	}
}

func TestCodecErrors(t *testing.T) {
	registerTestTypes()
	var be *bounds.Error
	for name, c := range map[string]struct {
		err  error
		want any
	}{
		"nil":          {second(Encode(nil)), &ErrUnknownType},
		"unregistered": {second(Encode(struct{ X int }{})), &ErrUnknownType},
		"marshaller":   {second(Encode(broken{})), nil},
		"no such name": {first(Decode("test.none", []byte{0xc0})), &ErrUnknownType},
		"bomb":         {first(Decode("test.order", []byte{0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0})), &be},
		"empty":        {first(Decode("test.order", nil)), &be},
		"trailing":     {first(Decode("test.order", []byte{0x80, 0x80})), &be},
		"wrong shape":  {first(Decode("test.order", []byte{0xa1, 'x'})), nil},
		"unmarshaller": {first(Decode("test.broken", []byte{0xc0 + 3})), nil},
	} {
		var ce *CodecError
		if !errors.As(c.err, &ce) {
			t.Errorf("%s: %v is no CodecError", name, c.err)
			continue
		}
		switch want := c.want.(type) {
		case *error:
			if !errors.Is(c.err, *want) {
				t.Errorf("%s: %v, want %v", name, c.err, *want)
			}
		case **bounds.Error:
			if !errors.As(c.err, want) {
				t.Errorf("%s: %v, want a bounds.Error", name, c.err)
			}
		}
	}
}

func second(_ string, _ []byte, err error) error { return err }
func first(_ any, err error) error               { return err }

func TestConflictingRegistrationPanics(t *testing.T) {
	registerTestTypes()
	registerTestTypes() // the same again is fine
	type other struct{}
	for name, f := range map[string]func(){
		"name taken":   func() { RegisterType[other]("test.order") },
		"type taken":   func() { RegisterType[order]("test.other") },
		"through *":    func() { RegisterType[*order]("test.other") },
		"empty":        func() { RegisterType[other]("") },
		"reserved":     func() { RegisterType[other]("$x") },
		"pointer mark": func() { RegisterType[other]("*x") },
		"bytes":        func() { RegisterType[Bytes]("b") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func FuzzDecode(f *testing.F) {
	registerTestTypes()
	for _, msg := range []any{order{ID: 1, Items: []string{"a"}}, "text", &order{Note: map[string]int{"x": 1}}, failureOf(NewPID("n", "i"), ErrTimeout)} {
		typ, data, err := Encode(msg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(typ, data)
	}
	f.Add("", []byte{1})
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		msg, err := Decode(typ, data)
		if err != nil {
			var ce *CodecError
			if msg != nil || !errors.As(err, &ce) {
				t.Fatalf("%v %v", msg, err)
			}
			return
		}
		if _, _, err := Encode(msg); err != nil {
			t.Fatalf("decoded but not encodable: %v", err)
		}
	})
}
