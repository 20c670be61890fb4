package wire

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func protocol(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every frame has its section, with every field in it, in order; and there is
// no section for a frame that does not exist.
func TestProtocolDescribesEveryFrame(t *testing.T) {
	text := protocol(t)
	heading := regexp.MustCompile(`(?m)^### (\d+) (\w+)$`)
	found := heading.FindAllStringSubmatchIndex(text, -1)
	sections := map[string]string{}
	for i, m := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		section := text[m[1]:end]
		if next := strings.Index(section, "\n## "); next >= 0 {
			section = section[:next]
		}
		sections[text[m[2]:m[5]]] = section
	}
	for _, k := range kinds() {
		title := fmt.Sprintf("%d %v", k, k)
		section, ok := sections[title]
		if !ok {
			t.Errorf("no section %q", title)
			continue
		}
		delete(sections, title)
		typ := reflect.TypeOf(New(k)).Elem()
		at := 0
		for i := range typ.NumField() {
			field := "| `" + typ.Field(i).Name + "` |"
			if typ.Field(i).Name == "HasLoad" {
				field = "`HasLoad`" // not a field on the wire
			}
			j := strings.Index(section, field)
			if j < 0 || field[0] == '|' && j < at {
				t.Errorf("%s: field %s is missing or out of order", title, field)
			}
			if field[0] == '|' {
				at = j
			}
		}
		if n := strings.Count(section, "\n| `"); n > typ.NumField() {
			t.Errorf("%s: %d fields described, %d exist", title, n, typ.NumField())
		}
	}
	for title := range sections {
		t.Errorf("section %q describes no frame", title)
	}
}

func TestProtocolDescribesLimitsAndCodes(t *testing.T) {
	text := protocol(t)
	for _, l := range []struct {
		name  string
		value int
	}{
		{"MaxFrame", MaxFrame},
		{"MaxControl", MaxControl},
		{"MaxInline", MaxInline},
		{"MaxChunk", MaxChunk},
		{"MaxName", MaxName},
		{"MaxActor", MaxActor},
		{"MaxText", MaxText},
		{"MaxKey", MaxKey},
		{"MaxNames", MaxNames},
		{"MaxAddrs", MaxAddrs},
		{"MaxPeers", MaxPeers},
		{"MaxEntries", MaxEntries},
		{"MaxRefs", MaxRefs},
		{"MaxRefAddrs", MaxRefAddrs},
		{"MaxPath", MaxPath},
		{"MaxBackups", MaxBackups},
		{"MaxOthers", MaxOthers},
		{"MaxSample", MaxSample},
		{"MaxChildren", MaxChildren},
		{"MaxMarks", MaxMarks},
		{"MaxRanges", MaxRanges},
		{"MinHeartbeat", MinHeartbeat},
	} {
		if row := fmt.Sprintf("| `%s` | %d |", l.name, l.value); !strings.Contains(text, row) {
			t.Errorf("no row %q", row)
		}
	}
	for i, name := range codeNames {
		if row := fmt.Sprintf("| %d | %s |", i, name); !strings.Contains(text, row) {
			t.Errorf("no row %q", row)
		}
	}
	for i, name := range []string{"ok", "error", "overloaded", "no target", "draining", "expired", "panic", "decode"} {
		if row := fmt.Sprintf("| %d | %s |", i, name); !strings.Contains(text, row) {
			t.Errorf("no row %q", row)
		}
	}
	for i, name := range []string{"ok", "not root", "refused", "full", "moved", "same"} {
		if row := fmt.Sprintf("| %d | %s |", i, name); !strings.Contains(text, row) {
			t.Errorf("no row %q", row)
		}
	}
}
