package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestReadmeTerminals runs the commands of the README's three terminals. A
// context stands for the port, which may be in use here.
func TestReadmeTerminals(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Three terminals\n")
	section, _, _ = strings.Cut(section, "\n## ")
	lines := regexp.MustCompile(`(?m)^go run ./cmd/iris (.*?) +# (?:.*: prints (.*)|.*)$`).FindAllStringSubmatch(section, -1)
	if len(lines) != 3 || lines[2][2] == "" {
		t.Fatalf("%q", lines)
	}
	script := fmt.Sprintf(`env IRIS_RELAY_LISTEN=127.0.0.1:0
start one iris %s
await one 'relay listening on (\S+)' RELAY
exec iris context add here --relay $RELAY
exec iris context use here
start two iris %s
await two ctrl-c
exec iris %s
stdout '^%s$'
! stderr .
interrupt two
finish two
interrupt one
finish one
`, lines[0][1], lines[1][1], lines[2][1], regexp.QuoteMeta(lines[2][2]))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "readme.txt"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir, RequireExplicitExec: true, Setup: setStage, Cmds: scriptCommands()})
}

// TestReadmeKeys: who follows the README from its beginning makes the key only once.
func TestReadmeKeys(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^(?:go run ./cmd/iris|./iris) (keygen.*?)(?: +#.*)?$`).FindAllStringSubmatch(string(text), -1)
	if len(lines) < 2 {
		t.Fatalf("%q", lines)
	}
	t.Chdir(t.TempDir())
	for _, line := range lines {
		var out, errs bytes.Buffer
		if status := run(strings.Fields(line[1]), streams{&out, &errs}, nil); status != exitOK {
			t.Errorf("iris %s: status %d, %s", line[1], status, errs.String())
		}
	}
}

// TestCommandsOfTheDocs holds the table of docs/cli.md to the tree of commands:
// each with its row, and no other.
func TestCommandsOfTheDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `iris .*$").FindAllString(string(text), -1) {
		first, _, _ := strings.Cut(strings.ReplaceAll(row, `\|`, "/"), " | ")
		for _, m := range regexp.MustCompile("`iris ([a-z]+)(?: ([a-z/]+))?").FindAllStringSubmatch(first, -1) {
			for sub := range strings.SplitSeq(m[2], "/") {
				rows[strings.TrimSpace(m[1]+" "+sub)] = true
			}
		}
	}
	for _, cmd := range documented(newRoot(streams{}, nil)) {
		path := strings.TrimPrefix(cmd.CommandPath(), "iris ")
		if !cmd.HasSubCommands() && !rows[path] {
			t.Errorf("no row for iris %s", path)
		}
		delete(rows, path)
	}
	for path := range rows {
		t.Errorf("a row for iris %s, which is no command", path)
	}
}
