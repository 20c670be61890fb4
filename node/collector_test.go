package node

import (
	"runtime/debug"
	"testing"

	"iris/node/config"
)

func TestPaceCollector(t *testing.T) {
	setting := func() (limit int64, percent int) {
		percent = debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return debug.SetMemoryLimit(-1), percent
	}
	for _, c := range []struct {
		gogc, gomemlimit string
		limit            int64
		percent          int
	}{
		{"", "", 256 << 20, lazyPercent},
		{"50", "", 256 << 20, 0},
		{"", "1GiB", 0, lazyPercent},
		{"50", "1GiB", 0, 0},
	} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.gomemlimit)
		limit, percent := setting()
		want, wantPercent := limit, percent // 0 in the table: as it was
		if c.limit != 0 {
			want = c.limit
		}
		if c.percent != 0 {
			wantPercent = c.percent
		}
		undo := PaceCollector(config.Config{Limits: config.Limits{Memory: 256 << 20}})
		if l, p := setting(); l != want || p != wantPercent {
			t.Errorf("GOGC=%s GOMEMLIMIT=%s: limit %d, percent %d; want %d, %d", c.gogc, c.gomemlimit, l, p, want, wantPercent)
		}
		undo()
		if l, p := setting(); l != limit || p != percent {
			t.Errorf("GOGC=%s GOMEMLIMIT=%s: left limit %d, percent %d; want %d, %d", c.gogc, c.gomemlimit, l, p, limit, percent)
		}
	}
}
