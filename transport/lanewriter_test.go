package transport

import "testing"

// A crowd is remembered over the lone frames between its waves, and forgotten soon.
func TestCrowd(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames []int
		want   bool // after the last
	}{
		{"nothing yet", nil, false},
		{"a lone sender", []int{1, 1, 1}, false},
		{"two", []int{1, 2}, true},
		{"the first of the next wave", []int{64, 1}, true},
		{"several waves broken up", []int{64, 1, 3, 1, 1}, true},
		{"only one is left", append([]int{64}, ones(32)...), false},
	} {
		var x crowd
		got := false
		for _, n := range c.frames {
			got = x.saw(n)
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func ones(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = 1
	}
	return list
}
