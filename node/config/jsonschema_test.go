package config

import (
	"bytes"
	"encoding/json"
	flags "flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

var rewrite = flags.Bool("rewrite", false, "write docs/iris.schema.json anew")

const schemaFile = "../../docs/iris.schema.json"

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("iris.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("iris.json") // holds it to the schema of schemas, too
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fits holds a YAML text to the schema.
func fits(t testing.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if v == nil {
		v = map[string]any{}
	}
	return s.Validate(v)
}

func TestJSONSchemaIsCommitted(t *testing.T) {
	if *rewrite {
		if err := os.WriteFile(schemaFile, JSONSchema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, JSONSchema()) {
		t.Errorf("%s is out of date: go test ./node/config -run JSONSchemaIsCommitted -args -rewrite", schemaFile)
	}
}

// TestJSONSchemaTakesExamples holds the configurations that the documents show to
// the schema.
func TestJSONSchemaTakesExamples(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	block, seen := regexp.MustCompile("(?s)```yaml\n(.*?)```"), 0
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllSubmatch(text, -1) {
			if _, err := Parse("node.yaml", m[1]); err != nil {
				continue // of something else, see the tests of the command
			}
			seen++
			if err := fits(t, s, string(m[1])); err != nil {
				t.Errorf("%s: %v\n%s", file, err, m[1])
			}
		}
	}
	if seen < 5 {
		t.Errorf("found %d configurations", seen)
	}
}

func TestJSONSchemaRefuses(t *testing.T) {
	s := compiled(t)
	for _, text := range []string{
		"limts: {}", "limits: {farme: 1MiB}", "listen: 7000", "listen: host", "listen: ':70000'", "seeds: a:1", "seeds: [a]", "seeds: ['a:0']", "seeds: ['10.0.0.300:1']",
		"limits: {peers: 0}", "limits: {peers: 1.5}", "limits: {peers: '7'}", "limits: {frame: 1MB}", "limits: {frame: 1}", "shutdown: {timeout: 10}", "shutdown: {timeout: 10 s}",
		"overlay: {leaf_set: 33}", "log: {level: loud}", "log: {levels: {ruoter: info}}", "discovery: {host: 1}", "discovery: {exec: sh}", "discovery: {dns: [_iris]}",
		"discovery: {etcd: {endpoints: [etcd:2379]}}", "discovery: {etcd: {prefix: /a/}}", "clusters: {a: {member: 1}}", "clusters: {a: 7}", "clusters: {a: {strategy: {exhausted: restart}}}",
		"topics: {a: {reliable: often}}", "node: {labels: {a: {b: c}}}", "relay: {listen: 70000}", "relay: {listen: on}", "network: {key: ''}",
	} {
		if err := fits(t, s, text); err == nil {
			t.Errorf("takes %s", text)
		}
		if _, err := Parse("node.yaml", []byte(text)); err == nil {
			t.Errorf("the schema is stricter: %s", text)
		}
	}
}

// values are what the settings of a kind are tried with, good and bad, in no
// spelling that only one side knows.
func values(k kind) []any {
	strings := []any{"", "a", "a\x01b", "ü ö", 7, true, nil, []any{}, map[string]any{}}
	addrs := []any{"a:1", "a.b.:65535", "10.0.0.7:4000", "[fd00::7]:1", "under_score:2", "7a:1", "a-:1", "-a:1", "a..b:1", "10.0.0.300:1", "1.2.3:4", "10:10", ":0", ":1", "a", "a:", "a:0", "a:65536", "a b:1"}
	list := func(items []any) (out []any) {
		for _, i := range items {
			out = append(out, []any{i}, []any{"a:1", i})
		}
		return append(out, nil, []any{}, "a:1", 7, map[string]any{})
	}
	switch k {
	case address:
		return append(addrs, strings...)
	case udpPort:
		return append(strings, "off", "on", "0", "65536", "4001", ":4001", 0, 65535, 65536, -1, 1.5)
	case endpoint:
		return append(append(addrs, "off", "on", "0", "65536", "55555", 0, 65535, 65536, -1, 1.5), true)
	case seeds:
		return list(addrs)
	case services:
		return list(append(addrs, "_iris._udp.example.net", "_iris._udp.x.", "_iris", "_iris.udp.x", "_iris._udp", "_i r._udp.x", "_iris._udp.x:1", "_a:1", "_._.x"))
	case command:
		return list([]any{"gcloud", "-x", "a b", "a\x00", 7, true})
	case urls:
		return list([]any{"http://e", "https://e:2379/", "https://[fd00::1]:1", "http://10.0.0.1:1", "http://10.0.0.300:1", "http://e:0", "http://e:x", "http://", "ftp://e", "http://u@e", "http://e/v3", "http://e?x", "http://e#x", "e:1", "HTTP//e"})
	case prefix:
		return append(strings, "/iris", "/a/b-_.c", "/", "/a/", "iris", "/a b")
	case labels:
		return []any{nil, map[string]any{}, map[string]any{"a": "b"}, map[string]any{"a": 7}, map[string]any{"a": true}, map[string]any{"a": ""}, map[string]any{"": "b"}, map[string]any{"a": []any{}}, map[string]any{"a": nil}, "a", []any{}}
	case levels:
		return []any{nil, map[string]any{}, map[string]any{"router": "info"}, map[string]any{"router": "loud"}, map[string]any{"ruoter": "info"}, map[string]any{"router": 7}, "a", []any{}}
	case flag:
		return []any{true, false, "true", "yes", 1, nil}
	case count:
		return []any{-1, 0, 1, 2, 3, 4, 5, 32, 33, 256, 1024, 65536, 10_000_000, 1 << 25, "7", 1.5, nil, true}
	case size:
		return []any{0, 1, 65536, 1 << 20, 1 << 26, 1 << 30, "64KiB", "1MiB", "64 MiB", "1GiB", "1048576", "1048576B", "1_048_576", "1MB", "1.5MiB", "-1", "", "MiB", true, nil, 1.5, []any{}}
	case duration:
		return []any{"1ms", "1s", "1m30s", "1.5s", "10s", "1h", "0s", "10", "soon", "", "1 s", "-1s", 10, 1.5, true, nil}
	case level, choice:
		return []any{"debug", "info", "warn", "error", "text", "json", "stop", "escalate", "none", "otlp", "", "INFO", 7, true, nil}
	case secret:
		return []any{key32, "short", 7, nil}
	}
	return strings
}

// TestJSONSchemaAgreesWithLoad has both judge the same files, each made of settings
// with values from the list of their kind.
func TestJSONSchemaAgreesWithLoad(t *testing.T) {
	s, table := compiled(t), keys()
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{}
		for range rapid.IntRange(1, 4).Draw(t, "settings") {
			k := table[rapid.IntRange(0, len(table)-1).Draw(t, "key")]
			m, parts := doc, strings.Split(strings.ReplaceAll(k.path, "*", "a"), ".")
			for _, p := range parts[:len(parts)-1] {
				if m[p] == nil {
					m[p] = map[string]any{}
				}
				m = m[p].(map[string]any)
			}
			m[parts[len(parts)-1]] = rapid.SampledFrom(values(k.kind)).Draw(t, k.path)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		refused := s.Validate(v)
		r := newReader("node.yaml")
		r.parse(text) // without how values go together, which a schema does not know
		var problems Errors
		for _, p := range r.problems {
			if !strings.Contains(p.Message, "out of range") || refused != nil {
				problems = append(problems, p)
			}
		}
		if (refused == nil) != (len(problems) == 0) {
			t.Fatalf("%s\nschema: %v\nLoad: %v", text, refused, problems)
		}
	})
}
