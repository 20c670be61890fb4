package inspect

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The names of fields in reports are what tools are written against: fields may be added
// to testdata/fields.txt, none goes.
func TestFieldNamesAreStable(t *testing.T) {
	lines := make(map[string]bool)
	for _, report := range []any{
		Node{},
		Page[Peer]{},
		Ring{},
		Page[Cluster]{},
		Page[Topic]{},
		Page[Tunnel]{},
		Page[Actor]{},
		Page[DeadLetters]{},
		Page[RelayClient]{},
		Trace{},
		Network{},
		NextHop{},
	} {
		fields(lines, reflect.TypeOf(report))
	}
	var list []string
	for line := range lines {
		list = append(list, line)
	}
	slices.Sort(list)
	got := strings.Join(list, "\n") + "\n"
	want, err := os.ReadFile("testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the fields are now\n%s\nwant\n%s", got, want)
	}
}

// fields notes the fields of a type and of those in it: Type.json_name kind.
func fields(lines map[string]bool, t reflect.Type) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() == "time" {
		return
	}
	name, _, _ := strings.Cut(t.Name(), "[")
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if name == "Page" && f.Name == "Items" {
			fields(lines, f.Type)
			lines["Page.items []"] = true
			continue
		}
		kind := strings.ReplaceAll(f.Type.String(), "inspect.", "")
		lines[name+"."+tag+" "+kind] = true
		fields(lines, f.Type)
	}
}
