package config

import (
	"strings"
	"testing"
	"time"
)

// How long a node polls: within the range or not at all, by the file, the environment
// and in Go alike. Off is written with a unit, as every duration is.
func TestBusyPoll(t *testing.T) {
	const outside = "is out of range, 0s or 10µs to 10ms are allowed"
	for text, want := range map[string]struct {
		poll    time.Duration
		problem string
	}{
		"10us": {10 * time.Microsecond, ""}, "200µs": {200 * time.Microsecond, ""}, "10ms": {10 * time.Millisecond, ""}, "0s": {},
		"1us": {0, "busy_poll: 1µs " + outside}, "11ms": {0, "busy_poll: 11ms " + outside}, "-1us": {0, "busy_poll: -1µs " + outside},
		"0": {0, `busy_poll: "0" has no unit (write a duration such as`}, "200": {0, `"200" has no unit`}, "off": {0, `"off" is not a duration`},
	} {
		c, err := Parse("node.yaml", []byte("busy_poll: "+text+"\n"))
		switch {
		case want.problem == "" && (err != nil || c.BusyPoll != want.poll):
			t.Errorf("%s: %v, %v; want %v", text, c.BusyPoll, err, want.poll)
		case want.problem != "" && (err == nil || !strings.Contains(err.Error(), want.problem)):
			t.Errorf("%s: %v, want %q", text, err, want.problem)
		}
	}
	for poll, good := range map[time.Duration]bool{
		0: true, 10 * time.Microsecond: true, 10 * time.Millisecond: true,
		1: false, -time.Microsecond: false, 10*time.Millisecond + 1: false,
	} {
		if err := Validate(Config{BusyPoll: poll}); (err == nil) != good {
			t.Errorf("%v in Go: %v", poll, err)
		}
	}
	if d := (Config{}).WithDefaults().BusyPoll; d != 0 {
		t.Errorf("polls for %v by default", d)
	}
}

// The environment sets it, also to 0s where the file has it on, and what holds is shown.
func TestBusyPollFromTheEnvironment(t *testing.T) {
	file := write(t, t.TempDir()+"/node.yaml", "busy_poll: 200us\n", 0o644)
	for text, want := range map[string]string{
		"IRIS_BUSY_POLL=50us": "busy_poll: 50µs  # environment IRIS_BUSY_POLL\n",
		"IRIS_BUSY_POLL=0s":   "busy_poll: 0s  # environment IRIS_BUSY_POLL\n",
		"IRIS_BUSY_POLL=":     "busy_poll: 200µs  # " + file + ":1:12\n",
	} {
		c, origins, err := load(file, []string{text})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.YAML(origins); !strings.Contains(got, want) {
			t.Errorf("%s: want %q in\n%s", text, want, got)
		}
	}
	if _, _, err := load("", []string{"IRIS_BUSY_POLL=1us"}); err == nil || !strings.HasPrefix(err.Error(), "environment: IRIS_BUSY_POLL: 1µs is out of range") {
		t.Error(err)
	}
}
