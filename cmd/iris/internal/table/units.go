package table

import (
	"fmt"
	"strconv"
	"time"
)

// None stands where there is nothing to say.
const None = "-"

// Bytes writes a size: 512 B, 1.5 MiB.
func Bytes[N int | int64 | uint64 | float64](n N) string {
	f, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	for f >= 1024 && unit < len(units)-1 {
		f /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f B", f)
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}

// Count writes a number: 9999, 12.3k, 4.5M.
func Count[N int | int64 | uint64 | float64](n N) string {
	f := float64(n)
	switch {
	case f < 10_000:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f < 999_950:
		return fmt.Sprintf("%.1fk", f/1e3)
	case f < 999_950_000:
		return fmt.Sprintf("%.1fM", f/1e6)
	}
	return fmt.Sprintf("%.1fG", f/1e9)
}

// Micros writes a duration given in microseconds: 250us, 1.5ms, 2.3s, 4m10s; None
// for 0.
func Micros(n int64) string {
	switch {
	case n <= 0:
		return None
	case n < 1000:
		return fmt.Sprintf("%dus", n)
	case n < 999_950:
		return fmt.Sprintf("%.1fms", float64(n)/1e3)
	case n < 60_000_000:
		return fmt.Sprintf("%.1fs", float64(n)/1e6)
	}
	return Age(time.Duration(n) * time.Microsecond)
}

// Age writes a long duration in two units at most: 12s, 4m10s, 3h5m, 2d4h.
func Age(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	days, hours, minutes, seconds := d/(24*time.Hour), d%(24*time.Hour)/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm%ds", minutes, seconds)
	}
	return fmt.Sprintf("%ds", seconds)
}

// Since writes how long ago t was for one whose clock says now; None if t is not
// known.
func Since(t, now time.Time) string {
	if t.IsZero() {
		return None
	}
	return Age(now.Sub(t))
}

// Node writes the beginning of a node's id, enough to tell nodes apart.
func Node(id string) string {
	if id == "" {
		return None
	}
	return id[:min(8, len(id))]
}

// Text writes a text, None if it is empty.
func Text(s string) string {
	if s == "" {
		return None
	}
	return s
}
