package table

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

func TestTable(t *testing.T) {
	tb := New("~NAME", ">N", "STATE")
	tb.Row("a", "1", "up")
	tb.Row("a very long name indeed", "1000", "down")
	tb.Row("表表表表表", "2")
	tb.Row("x\x1b[2Jy\n\u202e\xff", "3", "")
	const want = `NAME                        N  STATE
a                           1  up
a very long name indeed  1000  down
表表表表表                  2
x\x1b[2Jy\n\u202e\xff       3`
	for _, width := range []int{0, 25, 10} {
		got := tb.Lines(width)
		for _, line := range got {
			if width > 0 && lipgloss.Width(line) > width {
				t.Errorf("width %d: %q has %d", width, line, lipgloss.Width(line))
			}
			if strings.ContainsAny(line, "\x1b\n\u202e") || !utf8.ValidString(line) {
				t.Errorf("width %d: %q acts on the terminal", width, line)
			}
		}
		if width == 0 && strings.Join(got, "\n") != want {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	}
	if tb.Len() != 4 {
		t.Errorf("%d rows", tb.Len())
	}
}

// What matters least gives way first, and only then the others, the widest first.
func TestWhatIsCutFirst(t *testing.T) {
	tb := New("~ACTOR", ">N", "~~WHY")
	tb.Row("iris/clusters/orders/1", "7", "it broke for no reason")
	for width, want := range map[int]string{
		60: "iris/clusters/orders/1  7  it broke for no reason",
		40: "iris/clusters/orders/1  7  it broke f...",
		35: "iris/clusters/orders/1  7  it br...",
		30: "iris/clusters/...  7  it br...",
	} {
		if got := tb.Lines(width)[1]; got != want {
			t.Errorf("in %d: %q, want %q", width, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  string
	}{{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abc..."}, {"abcdefg", 5, "abcde"}, {"表表表表", 7, "表表..."}, {"abc", 0, ""}} {
		if got := Cut(tc.text, tc.width); got != tc.want {
			t.Errorf("%q to %d: %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}

func TestUnits(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct{ got, want string }{
		{Bytes(0), "0 B"},
		{Bytes(1023), "1023 B"},
		{Bytes(uint64(1536)), "1.5 KiB"},
		{Bytes(7 << 20), "7.0 MiB"},
		{Count(9999), "9999"},
		{Count(10_000), "10.0k"},
		{Count(999_949), "999.9k"},
		{Count(999_950), "1.0M"},
		{Count(uint64(12e9)), "12.0G"},
		{Micros(0), "-"},
		{Micros(999), "999us"},
		{Micros(1500), "1.5ms"},
		{Micros(2_340_000), "2.3s"},
		{Micros(250_000_000), "4m10s"},
		{Age(-time.Second), "0s"},
		{Age(59 * time.Second), "59s"},
		{Age(3*time.Hour + 5*time.Minute), "3h5m"},
		{Age(52 * time.Hour), "2d4h"},
		{Since(time.Time{}, now), "-"},
		{Since(now.Add(-time.Minute), now), "1m0s"},
		{Node("0123456789"), "01234567"},
		{Node(""), "-"},
		{Text(""), "-"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
