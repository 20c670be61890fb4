package transport

import (
	"testing"
	"time"
)

// A link counts as company from when its traffic moves until a second after.
func TestCompany(t *testing.T) {
	var c company
	at := time.Unix(1000, 0)
	for _, s := range []struct {
		name    string
		traffic uint64
		after   time.Duration
		want    bool
	}{
		{"nothing yet", 0, 0, false},
		{"the first message", 1, 0, true},
		{"soon after", 1, companyFor - 1, true},
		{"a second after", 1, 1, false},
		{"another message", 2, 0, true},
		{"and more", 5, companyFor / 2, true},
		{"a link that begins anew", 0, companyFor / 2, true},
		{"in silence", 0, companyFor, false},
	} {
		at = at.Add(s.after)
		if got := c.lately(s.traffic, at); got != s.want {
			t.Errorf("%s: %t, want %t", s.name, got, s.want)
		}
	}
}
