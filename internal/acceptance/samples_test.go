package acceptance

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// sampleTime is how long a sample may take in all; it takes a second or two.
const sampleTime = patience

// buildSamples builds every sample into a folder of the test.
func buildSamples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir, "./samples/...")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
}

// sample is a sample in a process of its own.
type sample struct {
	*exec.Cmd
	out, err bytes.Buffer // complete after wait
}

func startSample(t *testing.T, file string, args ...string) *sample {
	t.Helper()
	s := &sample{Cmd: exec.CommandContext(t.Context(), file, args...)}
	s.Stdout, s.Stderr = &s.out, &s.err
	s.WaitDelay = sampleTime
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(sampleTime, func() { _ = s.Process.Kill() }) // a no-op once it has ended
	t.Cleanup(func() { late.Stop() })
	return s
}

// wait returns the exit status, -1 for a signal.
func (s *sample) wait(t *testing.T) int {
	t.Helper()
	var exit *exec.ExitError
	if err := s.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return s.ProcessState.ExitCode()
}

// paused is what every node says on a machine that does not let it run.
var paused = regexp.MustCompile(`(?m)^time=\S+ level=WARN msg="this process did not run" .*\n`)

// complaints returns what came on standard error, without what is the machine's fault.
func (s *sample) complaints() string { return paused.ReplaceAllString(s.err.String(), "") }

// A sample says what it did on standard output and nothing on standard error;
// with a wrong command line it is the other way round.
func TestSamples(t *testing.T) {
	bin := buildSamples(t)
	files := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(files, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	missing := filepath.Join(files, "missing")
	for _, tc := range []struct {
		args   []string
		status int
		want   string // of standard output, or of standard error if the status is not 0
	}{
		{[]string{"whispers", "-rounds", "50"}, 0, `(?s)gopher 5 heard: .*50 whispers round 5 gophers: .* 0 lost\n$`},
		{[]string{"whispers", "-players", "1"}, 2, `^whispers: want -players of at least 2`},
		{[]string{"whispers", "-player", "9"}, 2, `^whispers: want .* -player between 0 and -players`},
		{[]string{"whispers", "loudly"}, 2, `^whispers: want .* nothing else\n$`},
		{[]string{"echo", "-count", "200"}, 0, `(?s)killing a member\n\d+ answered, \d+ lost with the killed member; p50 .*\n$`},
		{[]string{"echo", "-count", "0"}, 2, `^echo: want -count of at least 1`},
		{[]string{"echo", "-rate", "0"}, 2, `^echo: want .* -rate between`},
		{[]string{"echo", "-member"}, 1, `^echo: network key on standard input: EOF\n$`},
		{[]string{"archive", "-size", "3000000"}, 0, `^archived 3000000 bytes in .* MiB/s, sha256 [0-9a-f]{64} at both ends\n$`},
		{[]string{"archive", "-file", write("empty", "")}, 0, `^archived 0 bytes in \S+, sha256 e3b0c44298`},
		{[]string{"archive", "-file", write("one", "x")}, 0, `^archived 1 bytes in \S+, sha256 2d711642b7`},
		{[]string{"archive", "-file", missing}, 1, `^archive: open ` + regexp.QuoteMeta(missing) + `: no such file or directory\n$`},
		{[]string{"archive", "-file", files}, 1, `is not a regular file\n$`},
		{[]string{"archive", "-size", "-1"}, 2, `^archive: want -size of at least 0`},
		{[]string{"orders", "-orders", "300"}, 0, `(?s)killing kitchen 1\nkitchen 2 took 300 orders of 300 in order, was told of 0 missed\n.*kitchen 5 took 300 .*\n$`},
		{[]string{"orders", "-kitchens", "1"}, 2, `^orders: want -kitchens of at least 2`},
		{[]string{"orders", "-rate", "0"}, 2, `^orders: want .* -rate between`},
		{[]string{"orders", "-kitchen"}, 1, `^orders: network key on standard input: EOF\n$`},
		{[]string{"supervisor"}, 0, `(?s)in main\.divide: .*decision: .*nobody divides any more\n$`},
		{[]string{"supervisor", "x"}, 2, `^supervisor: takes no arguments\n$`},
	} {
		t.Run(strings.ReplaceAll(strings.Join(tc.args, " "), files, "FILES"), func(t *testing.T) {
			t.Parallel()
			s := startSample(t, filepath.Join(bin, tc.args[0]), tc.args[1:]...)
			status := s.wait(t)
			says, silent := s.out.String(), s.complaints()
			if tc.status != 0 {
				says, silent = silent, says
			}
			if status != tc.status || silent != "" || !regexp.MustCompile(tc.want).MatchString(says) {
				t.Errorf("status %d, want %d and %s\nstandard output:\n%sstandard error:\n%s", status, tc.status, tc.want, s.out.String(), s.err.String())
			}
		})
	}
	t.Run("one player per process", func(t *testing.T) {
		t.Parallel()
		var players []*sample
		for _, k := range []string{"2", "1", "3"} {
			players = append(players, startSample(t, filepath.Join(bin, "whispers"),
				"-ring", ofThisRun(t.Name()), "-players", "3", "-player", k, "-rounds", "20"))
		}
		for _, s := range players {
			if status := s.wait(t); status != 0 || s.complaints() != "" {
				t.Errorf("%v: status %d\nstandard output:\n%sstandard error:\n%s", s.Args, status, s.out.String(), s.err.String())
			}
		}
	})
}
