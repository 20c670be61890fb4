package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"iris/internal/printable"
)

// Setting is one key with its effective value.
type Setting struct {
	Path  string // "limits.frame"; of a cluster "clusters.<name>.members", of a topic "topics.<name>.reliable"
	Value any    // string, bool, int, []string or map[string]string; sizes and durations as text
}

// Settings returns the values of c that are set, in the order of the
// documentation, clusters and topics by name. The secret is masked.
func (c Config) Settings() []Setting {
	var list []Setting
	c = c.clone() // the field functions point into it
	newSchema().walk(&c, func(k *key, t *target, path string) {
		if dst := k.field(t); k.shown(dst) {
			list = append(list, Setting{path, k.value(dst)})
		}
	})
	return list
}

// shown reports whether a value is there to be shown: flags, levels and keys
// whose zero is a value always, others unless empty.
func (k *key) shown(dst any) bool {
	return k.fixed || k.kind == flag || k.kind == level || !reflect.ValueOf(dst).Elem().IsZero()
}

// value returns what dst points to in the form of the file.
func (k *key) value(dst any) any {
	switch dst := dst.(type) {
	case *Secret:
		return hidden
	case *int:
		if k.kind == size {
			return formatSize(*dst)
		}
		return *dst
	case *time.Duration:
		return formatDuration(*dst)
	case *slog.Level:
		return strings.ToLower(dst.String())
	default:
		return reflect.ValueOf(dst).Elem().Interface()
	}
}

// YAML returns c as a config file, the secret masked. With origins, a comment
// behind each value says where it came from.
func (c Config) YAML(origins Origins) string {
	var b strings.Builder
	var open []string
	for _, s := range c.Settings() {
		parts := splitPath(s.Path)
		last := len(parts) - 1
		same := 0
		for same < last && same < len(open) && open[same] == parts[same] {
			same++
		}
		for i := same; i < last; i++ {
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), yamlWord(parts[i]))
		}
		open = parts[:last]
		comment := ""
		if origins != nil {
			comment = "  # " + printable.Text(origins[s.Path].String())
		}
		pad := strings.Repeat("  ", last)
		fmt.Fprintf(&b, "%s%s:", pad, yamlWord(parts[last]))
		switch v := s.Value.(type) {
		case []string:
			b.WriteString(comment + "\n")
			for _, item := range v {
				fmt.Fprintf(&b, "%s  - %s\n", pad, yamlWord(item))
			}
		case map[string]string:
			b.WriteString(comment + "\n")
			for _, name := range slices.Sorted(maps.Keys(v)) {
				fmt.Fprintf(&b, "%s  %s: %s\n", pad, yamlWord(name), yamlWord(v[name]))
			}
		case string:
			fmt.Fprintf(&b, " %s%s\n", yamlWord(v), comment)
		default:
			fmt.Fprintf(&b, " %v%s\n", v, comment)
		}
	}
	return b.String()
}

// splitPath splits a concrete path; the name of a cluster or topic may contain
// dots.
func splitPath(path string) []string {
	section, rest, _ := strings.Cut(path, ".")
	if section != "clusters" && section != "topics" {
		return strings.Split(path, ".")
	}
	if i := strings.LastIndex(rest, ".strategy."); i >= 0 && section == "clusters" {
		return []string{section, rest[:i], "strategy", rest[i+len(".strategy."):]}
	}
	i := strings.LastIndexByte(rest, '.')
	return []string{section, rest[:i], rest[i+1:]}
}

// yamlWord writes a string so that YAML reads the same string back: plain if it
// is a harmless word, else in double quotes.
func yamlWord(s string) string {
	plain := s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == ""
	if plain && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || s[0] == '/') && !reserved(s) {
		return s
	}
	if _, err := parseSize(s); err == nil && strings.HasSuffix(s, "B") {
		return s
	}
	if _, err := parseDuration(s); err == nil {
		return s
	}
	return strconv.QuoteToASCII(s)
}

// reserved reports whether YAML, of any version, reads the word as something
// else than text.
func reserved(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf":
		return true
	}
	return false
}

// tree returns the settings as nested maps.
func (c Config) tree() map[string]any {
	root := map[string]any{}
	for _, s := range c.Settings() {
		parts := splitPath(s.Path)
		m := root
		for _, p := range parts[:len(parts)-1] {
			next, ok := m[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				m[p] = next
			}
			m = next
		}
		m[parts[len(parts)-1]] = s.Value
	}
	return root
}

// String returns c as YAML, the secret masked.
func (c Config) String() string { return c.YAML(nil) }

// GoString is String.
func (c Config) GoString() string { return c.String() }

// Format writes String for every verb, so that %+v and %x show no secret either.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalYAML returns the settings as nested maps, the secret masked.
func (c Config) MarshalYAML() (any, error) { return c.tree(), nil }

// MarshalJSON returns the settings as nested objects, the secret masked.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.tree()) }

// LogValue masks the secret in log records.
func (c Config) LogValue() slog.Value { return slog.AnyValue(c.tree()) }

// String returns the network on one line, the secret masked.
func (n Network) String() string {
	s := "network " + strconv.Quote(n.Name)
	if n.Key != "" {
		s += " key " + strconv.Quote(n.Key)
	}
	if len(n.Secret) > 0 {
		s += " secret " + hidden
	}
	return s
}

// GoString is String.
func (n Network) GoString() string { return n.String() }

// Format writes String for every verb.
func (n Network) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.String())) }

// MarshalYAML returns the network section, the secret masked.
func (n Network) MarshalYAML() (any, error) { return n.tree(), nil }

// MarshalJSON returns the network section, the secret masked.
func (n Network) MarshalJSON() ([]byte, error) { return json.Marshal(n.tree()) }

// LogValue masks the secret in log records.
func (n Network) LogValue() slog.Value { return slog.StringValue(n.String()) }

func (n Network) tree() any {
	section := Config{Network: n}.tree()["network"]
	if section == nil {
		return map[string]any{}
	}
	return section
}
