package node

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/canary"
	"iris/node/admin/client"
	"iris/node/config"
	"iris/node/doctor"
)

// clocked starts a node on this host whose clock is off.
func clocked(t *testing.T, secret []byte, off time.Duration, edit func(*config.Config)) *Node {
	t.Helper()
	cfg := config.Default()
	cfg.Network.Name, cfg.Network.Secret = t.Name(), secret
	cfg.Listen, cfg.Discovery.Host = "127.0.0.1:0", false
	cfg.Log.Handler = slog.DiscardHandler
	edit(&cfg)
	n, err := start(t.Context(), cfg, seams{now: func() time.Time { return time.Now().Add(off) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, n) })
	return n
}

// Two nodes whose clocks differ by 10 minutes work together; iris doctor, asking the one, finds
// the other, and says who is off, in which direction, by how much and what mends it.
func TestDoctorFindsAWrongClock(t *testing.T) {
	for _, c := range []struct {
		off       time.Duration
		verdict   doctor.Verdict
		direction string
	}{
		{10 * time.Minute, doctor.Fail, "ahead of"},
		{-10 * time.Minute, doctor.Fail, "behind"},
		{time.Second, doctor.OK, ""},
	} {
		t.Run(c.off.String(), func(t *testing.T) {
			secret := canary.Key()
			right := clocked(t, secret, 0, func(c *config.Config) { c.Admin.Listen = "0" })
			wrong := clocked(t, secret, c.off, func(c *config.Config) { c.Seeds = []string{right.Addr().String()} })
			if _, err := wrong.Register("clock", actor.Func(echo)); err != nil {
				t.Fatal(err)
			}
			if got, err := right.Request(t.Context(), "clock", actor.Bytes("hi")); err != nil || string(got.(actor.Bytes)) != "hi" {
				t.Fatalf("they do not work together: %v, %v", got, err)
			}
			ask, err := client.New(client.Config{Addr: right.AdminURLs()[0]})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(ask.Close)
			f := clockFinding(t, ask)
			if f.Verdict != c.verdict {
				t.Fatalf("found %+v", f)
			}
			if c.verdict == doctor.OK {
				return
			}
			m := regexp.MustCompile(`^the clock of (\S+) .* is (\S+) (ahead of|behind) that of (\S+) .*, give or take (\S+)$`).FindStringSubmatch(f.What)
			if m == nil || m[1] != wrong.ID()[:8] || f.About != m[1] || m[3] != c.direction || m[4] != right.ID()[:8] {
				t.Fatalf("found %q about %s", f.What, f.About)
			}
			size, err := time.ParseDuration(m[2])
			within, err2 := time.ParseDuration(m[5])
			if err != nil || err2 != nil || (size-c.off.Abs()).Abs() > within+time.Second {
				t.Errorf("by %s, give or take %s", m[2], m[5])
			}
			if len(f.Mend) == 0 || !strings.HasPrefix(f.Mend[0], "timedatectl set-ntp true") {
				t.Errorf("mended by %q", f.Mend)
			}
		})
	}
}

// clockFinding runs the checks until the peer has told its clock, which a busy host may hinder.
func clockFinding(t *testing.T, ask *client.Client) doctor.Finding {
	t.Helper()
	for {
		for _, f := range doctor.Run(t.Context(), doctor.Config{Client: ask}) {
			if f.Check == "clock" && f.Verdict != doctor.Skipped {
				return f
			}
		}
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
	}
}
