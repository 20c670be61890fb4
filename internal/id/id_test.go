package id

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func anyID(t *rapid.T, label string) ID {
	return ID{rapid.Uint64().Draw(t, label+".hi"), rapid.Uint64().Draw(t, label+".lo")}
}

func TestTextAndBytesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyID(t, "a")
		if got, err := Parse(a.String()); err != nil || got != a {
			t.Fatalf("Parse(String(%v)) = %v, %v", a, got, err)
		}
		if got := FromBytes(a.Bytes()); got != a {
			t.Fatalf("FromBytes(Bytes(%v)) = %v", a, got)
		}
	})
	for _, bad := range []string{"", "12", "zz000000000000000000000000000000", "000000000000000000000000000000000"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) accepted", bad)
		}
	}
}

// The obvious version with big integers agrees with the arithmetic on words.
func TestDistanceAgreesWithBigIntegers(t *testing.T) {
	ring := new(big.Int).Lsh(big.NewInt(1), 128)
	num := func(a ID) *big.Int { b := a.Bytes(); return new(big.Int).SetBytes(b[:]) }
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyID(t, "a"), anyID(t, "b")
		d := new(big.Int).Mod(new(big.Int).Sub(num(a), num(b)), ring)
		if e := new(big.Int).Sub(ring, d); d.Sign() != 0 && e.Cmp(d) < 0 {
			d = e
		}
		if got := num(Distance(a, b)); got.Cmp(d) != 0 {
			t.Fatalf("Distance(%v, %v) = %v, want %v", a, b, got, d)
		}
	})
}

func TestCloserIsAStrictTotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, a, b := anyID(t, "k"), anyID(t, "a"), anyID(t, "b")
		if a != b && Closer(k, a, b) == Closer(k, b, a) {
			t.Fatalf("Closer does not decide between %v and %v for %v", a, b, k)
		}
		if Closer(k, a, a) {
			t.Fatalf("%v is closer than itself", a)
		}
	})
	key := ID{0, 100}
	if !Closer(key, ID{0, 98}, ID{0, 102}) {
		t.Error("a tie must go to the smaller id")
	}
}

func TestHashSeparatesParts(t *testing.T) {
	if Hash("a", "bc") == Hash("ab", "c") {
		t.Error("different parts, same point")
	}
	if first, again := Hash("cluster", "echo"), Hash("cluster", "echo"); first != again {
		t.Error("the point of a name is not stable")
	}
}

func TestBetweenGoesClockwise(t *testing.T) {
	at := func(lo uint64) ID { return ID{Lo: lo} }
	for _, c := range []struct {
		a, x, b uint64
		want    bool
	}{
		{1, 2, 3, true},
		{1, 1, 3, true},
		{1, 3, 3, true},
		{1, 4, 3, false},
		{1, 0, 3, false},
		{3, 4, 1, true},
		{3, 0, 1, true},
		{3, 2, 1, false},
		{3, 3, 3, true},
		{3, 2, 3, false},
	} {
		if got := Between(at(c.a), at(c.x), at(c.b)); got != c.want {
			t.Errorf("Between(%d, %d, %d) = %v", c.a, c.x, c.b, got)
		}
	}
}

func TestSharedCountsDigitsOfTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyID(t, "a"), anyID(t, "b")
		if rapid.Bool().Draw(t, "alike") {
			b = ID{Hi: a.Hi, Lo: a.Lo ^ 1<<rapid.IntRange(0, 63).Draw(t, "bit")}
		}
		want := 0
		for want < 2*Size && a.String()[want] == b.String()[want] {
			want++
		}
		if got := Shared(a, b); got != want {
			t.Fatalf("Shared(%v, %v) = %d, want %d", a, b, got, want)
		}
	})
}
