package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into docs/admin.md")

// The table of metrics in the documentation is what the code tells.
func TestTheTableOfMetrics(t *testing.T) {
	const file, begin, end = "../../../docs/admin.md", "<!-- metrics:", "<!-- end -->"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	head, rest, more := strings.Cut(rest, "\n")
	table, after, last := strings.Cut(rest, end)
	if !found || !more || !last {
		t.Fatalf("%s has no place for the table", file)
	}
	var want strings.Builder
	want.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, f := range Families() {
		var labels []string
		for _, l := range f.Labels {
			labels = append(labels, "`"+l+"`")
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, strings.Join(labels, ", "), strings.TrimSuffix(f.Help, "."))
	}
	switch {
	case table == want.String():
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+head+"\n"+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in %s is not up to date: go test ./node/admin/metrics -run %s -update", file, t.Name())
	}
}
