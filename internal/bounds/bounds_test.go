package bounds

import (
	"bytes"
	"errors"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

func nest(n int, inner ...byte) []byte {
	return append(bytes.Repeat([]byte{0x91}, n), inner...)
}

func TestCheckRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		msg    []byte
		reason string
	}{
		{"nothing", nil, reasonTruncated},
		{"array32 of 2^32-1 in six bytes", []byte{0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0}, reasonLength},
		{"array16 of 65535 in four bytes", []byte{0xdc, 0xff, 0xff, 0xc0}, reasonLength},
		{"fixarray cut off", []byte{0x92, 0xc0}, reasonLength},
		{"array whose element is cut off", []byte{0x92, 0x91, 0xc0}, reasonTruncated},
		{"map32 of 2^32-1", []byte{0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0}, reasonLength},
		{"map32 of 100 million", []byte{0xdf, 0x05, 0xf5, 0xe1, 0x00, 0xc0, 0xc0, 0xc0, 0xc0}, reasonLength},
		{"map16 of 65535", []byte{0xde, 0xff, 0xff, 0xc0}, reasonLength},
		{"fixmap with a key and no value", []byte{0x81, 0xc0}, reasonLength},
		{"bin32 of 4 GiB in nine bytes", []byte{0xc6, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, reasonLength},
		{"bin16", []byte{0xc5, 0xff, 0xff, 1}, reasonLength},
		{"bin8", []byte{0xc4, 0xff, 1}, reasonLength},
		{"str32 of 4 GiB", []byte{0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}, reasonLength},
		{"str8", []byte{0xd9, 2, 'a'}, reasonLength},
		{"fixstr", []byte{0xa2, 'a'}, reasonLength},
		{"ext32 of 4 GiB", []byte{0xc9, 0xff, 0xff, 0xff, 0xff, 1, 2}, reasonLength},
		{"ext8 without its last byte", []byte{0xc7, 2, 1, 2}, reasonLength},
		{"fixext16 cut off", []byte{0xd8, 1, 2, 3}, reasonLength},
		{"uint64 cut off", []byte{0xcf, 1, 2, 3}, reasonLength},
		{"length field cut off", []byte{0xdd, 0xff}, reasonTruncated},
		{"reserved byte", []byte{0xc1}, reasonReserved},
		{"reserved byte inside", []byte{0x91, 0xc1}, reasonReserved},
		{"two values", []byte{0xc0, 0xc0}, reasonTrailing},
		{"invalid UTF-8", []byte{0xa2, 0xc3, 0x28}, reasonUTF8},
		{"invalid UTF-8 as a key", []byte{0x81, 0xa1, 0xff, 0xc0}, reasonUTF8},
		{"depth 33", nest(MaxDepth+1, 0xc0), reasonDepth},
		{"depth 33, empty inside", nest(MaxDepth, 0x90), reasonDepth},
		{"depth 33, empty map inside", nest(MaxDepth, 0x80), reasonDepth},
		{"depth 100 000", nest(100_000, 0xc0), reasonDepth},
		{"depth 4 000 000", nest(4_000_000), reasonDepth},
		{"too many elements", append([]byte{0xdd, 0x00, 0x10, 0x00, 0x00}, make([]byte, MaxElements)...), reasonElements},
		{"too many elements in small arrays", func() []byte {
			b := []byte{0xdd, 0x00, 0x01, 0xff, 0xff}
			for range 0x1ffff {
				b = append(b, 0x9f)
				b = append(b, make([]byte, 15)...)
			}
			return b
		}(), reasonElements},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Check(tc.msg)
			var be *Error
			if !errors.As(err, &be) {
				t.Fatalf("Check = %v, want an *Error %q", err, tc.reason)
			}
			if be.Reason != tc.reason {
				t.Fatalf("Check = %v, want %q", err, tc.reason)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	for _, tc := range []struct {
		name string
		msg  []byte
	}{
		{"nil", []byte{0xc0}},
		{"fixints", []byte{0x93, 0x00, 0x7f, 0xff}},
		{"float64 NaN", []byte{0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1}},
		{"empty containers", []byte{0x94, 0x90, 0x80, 0xa0, 0xc4, 0x00}},
		{"fixext1", []byte{0xd4, 1, 2}},
		{"ext8 of nothing", []byte{0xc7, 0, 1}},
		{"duplicate keys", []byte{0x82, 0xa1, 'a', 0xc0, 0xa1, 'a', 0xc0}},
		{"depth 32", nest(MaxDepth, 0xc0)},
		{"as many elements as allowed", append([]byte{0xdd, 0x00, 0x0f, 0xff, 0xff}, make([]byte, MaxElements-1)...)},
		{"not UTF-8, but bin", []byte{0xc4, 1, 0xff}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := Check(tc.msg); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// anyValue draws values of the shapes a Go program encodes.
func anyValue(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just(any(nil)),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Uint64(), func(i uint64) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.Float32(), func(f float32) any { return f }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(b []byte) any { return b }),
	)
	if depth == 0 {
		return leaf
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(inner, 0, 20), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 20), func(m map[string]any) any { return m }),
	)
}

func TestCheckAcceptsWhatTheLibraryEncodesAndNoPrefixOfIt(t *testing.T) {
	gen := anyValue(3)
	rapid.Check(t, func(t *rapid.T) {
		b, err := msgpack.Marshal(gen.Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(b); err != nil {
			t.Fatalf("Check(% x) = %v", b, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if Check(b[:cut]) == nil {
			t.Fatalf("accepted % x, cut at %d", b, cut)
		}
		if Check(append(b, 0xc0)) == nil {
			t.Fatalf("accepted % x and a byte after it", b)
		}
	})
}

func TestCheckDoesNotAllocate(t *testing.T) {
	b, err := msgpack.Marshal(map[string]any{"name": "whisper", "list": []any{1, 2.5, []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = Check(b) }); n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

// FuzzBounds holds Check against its purpose: what it accepts, the library
// decodes into any without a panic. A value the library refuses for reasons of
// its own (unknown ext kinds, keys that are not strings) is of no interest.
func FuzzBounds(f *testing.F) {
	for _, seed := range [][]byte{
		{0xc0},
		{0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0},
		nest(33, 0xc0),
		{0x81, 0xa1, 'a', 0xc4, 1, 0xff},
		{0xd8, 1, 0},
		{0xc7, 2, 1, 2},
		{0xdf, 0, 0, 0, 1, 1, 2},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		if Check(msg) != nil {
			return
		}
		var v any
		_ = msgpack.Unmarshal(msg, &v)
	})
}

func BenchmarkCheck(b *testing.B) {
	msg, err := msgpack.Marshal(map[string]any{"name": "whisper", "list": []any{1, 2.5, "three"}, "data": make([]byte, 1024)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		if err := Check(msg); err != nil {
			b.Fatal(err)
		}
	}
}
