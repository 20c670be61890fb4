package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"iris/node/config"
)

// yamlBlock finds the fenced blocks of YAML, and files written by a command.
var yamlBlock = regexp.MustCompile("(?s)\n```yaml\n(.*?)\n```\n|printf '([^']*)' >node.yaml")

// TestConfigsOfTheDocs holds every config file that the documents show to what
// is accepted.
func TestConfigsOfTheDocs(t *testing.T) {
	for file, least := range map[string]int{"README.md": 2, "docs/operations.md": 1} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		blocks := yamlBlock.FindAllSubmatch(text, -1)
		if len(blocks) < least {
			t.Errorf("%s shows %d config files, want %d", file, len(blocks), least)
		}
		for _, b := range blocks {
			content := regexp.MustCompile(`\\n$`).ReplaceAll(append(b[1], b[2]...), []byte("\n"))
			if _, err := config.Parse(file, content); err != nil {
				t.Errorf("a config file of %s is refused:\n%v\n%s", file, err, content)
			}
		}
	}
}

// TestOperationsListsEveryKey holds the table of settings to what config
// accepts: each key with its default and its range, and no other.
func TestOperationsListsEveryKey(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Configuration\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string][]string{} // key -> default, allowed
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_.*]+)` \\| ([^|]+) \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		rows[m[1]] = m[2:]
	}
	strategy := config.DefaultStrategy()
	c := config.Default()
	c.Clusters = map[string]config.Cluster{"c": {Strategy: &strategy}}
	defaults := values(c)
	var full config.Config
	fill(reflect.ValueOf(&full).Elem())
	for key := range values(full) {
		row := rows[key]
		if row == nil {
			t.Errorf("no row for %s", key)
			continue
		}
		delete(rows, key)
		if want, set := defaults[key]; set && key != "listen" && row[0] != want {
			t.Errorf("%s: the default is %s, the row says %s", key, want, row[0])
		}
		path := strings.Split(strings.Replace(key, "*", "c", 1), ".")
		_, err := config.Parse("t", []byte(strings.Join(path, ": {")+`: "-1s"`+strings.Repeat("}", len(path)-1)))
		if err == nil || !strings.Contains(err.Error(), "out of range") {
			_, err = config.Parse("t", []byte(strings.Join(path, ": {")+": -1"+strings.Repeat("}", len(path)-1)))
		}
		if m := regexp.MustCompile(`out of range, (.* to .*) are allowed`).FindStringSubmatch(fmt.Sprint(err)); m != nil && row[1] != m[1] {
			t.Errorf("%s: %s are allowed, the row says %s", key, m[1], row[1])
		}
	}
	for key := range rows {
		t.Errorf("a row for %s, which is no key", key)
	}
}

// values returns the settings of c as text, those of clusters below
// "clusters.*" and those of topics below "topics.*".
func values(c config.Config) map[string]string {
	m := map[string]string{}
	for _, s := range c.Settings() {
		m[regexp.MustCompile(`^(clusters|topics)\.[^.]+\.`).ReplaceAllString(s.Path, "$1.*.")] = fmt.Sprint(s.Value)
	}
	return m
}

// fill sets every field below v to something that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("x"), value)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	}
}
