package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// block returns the first fenced block of a language after a heading.
func block(t *testing.T, text, heading, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "\n## "+heading+"\n")
	_, rest, fenced := strings.Cut(rest, "\n```"+language+"\n")
	code, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !fenced || !closed {
		t.Fatalf("no block of %s below %q", language, heading)
	}
	return code + "\n"
}

// The README's program does what the README says, verbatim, in a module of its
// own that is made as the README says.
func TestTheProgramOfTheReadme(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	beside := t.TempDir()
	module := filepath.Join(beside, "hello")
	if err := os.Mkdir(module, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(beside, "iris")); err != nil {
		t.Skip(err) // not for everybody on every system
	}
	program := block(t, string(readme), "Twenty lines", "go")
	if err := os.WriteFile(filepath.Join(module, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", block(t, string(readme), "Using the module", "sh"))
	cmd.Dir = module
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || string(out) != "hello, world <nil>\n" {
		t.Errorf("%v; standard output %q, standard error:\n%s", err, out, errs.String())
	}
}
