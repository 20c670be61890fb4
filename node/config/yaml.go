package config

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile    = 256 << 10 // bytes of a config file
	maxNesting = 32        // open brackets; the YAML parser is quadratic in them
)

// reader builds one configuration from its sources and collects every problem
// on the way. Used by one goroutine, for one load.
type reader struct {
	schema   *schema
	file     string
	lines    []string // of the file, secrets masked
	config   Config
	origins  Origins
	problems Errors
}

func newReader(file string) *reader {
	return &reader{schema: newSchema(), file: file, config: Default(), origins: Origins{}}
}

// parse reads the YAML text into the configuration.
func (r *reader) parse(data []byte) {
	if len(data) > maxFile {
		r.add(nil, "", bad("", "the file has %d bytes, at most %d are read", len(data), maxFile))
		return
	}
	if !utf8.Valid(data) {
		r.add(nil, "", bad("", "the file is not valid UTF-8"))
		return
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	r.lines = mask(text, r.schema)
	if nesting(text) > maxNesting {
		r.add(nil, "", bad("", "brackets are nested deeper than %d", maxNesting))
		return
	}
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			r.syntax(syntax)
		} else {
			r.add(nil, "", bad("", "not valid YAML"))
		}
		return
	}
	body := ast.Node(nil)
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			r.add(doc.Body.GetToken(), "", bad("", "a config file is one YAML document without directives"))
			return
		}
		body = doc.Body
	}
	r.section("", "", body, &target{config: &r.config})
	r.scrub()
}

// bracketed is an IPv6 address with a port, which YAML takes for a list.
var bracketed = regexp.MustCompile(`(^|[\s,])\[[0-9a-fA-F:.%]*:[0-9a-fA-F:.%]*\]:`)

// syntax notes where the text stops being YAML, with what usually is the cause.
func (r *reader) syntax(err yaml.Error) {
	tk := err.GetToken()
	message, hint := strings.ReplaceAll(err.GetMessage(), "\t", `\t`), ""
	switch line := tk.Position.Line; {
	case strings.Contains(message, `\t`):
		hint = "indent with spaces"
	case line >= 1 && line <= len(r.lines) && bracketed.MatchString(r.lines[line-1]):
		hint = "put an address with brackets in quotes"
	}
	r.add(tk, "", bad(hint, "not valid YAML: %s", message))
}

// section reads the mapping node at path; pattern is the path with * for the
// name of a cluster or topic. A section without content is in order.
func (r *reader) section(path, pattern string, node ast.Node, t *target) {
	var entries []*ast.MappingValueNode
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	default:
		r.add(node.GetToken(), path, bad("", "must be a section of keys, not %s", describe(node)))
		return
	}
	first := map[string]*token.Token{}
	for _, e := range entries {
		tk := e.Key.GetToken()
		if _, ok := e.Key.(*ast.MergeKeyNode); ok {
			r.add(tk, path, bad("", "merge keys are not supported"))
			continue
		}
		word, ok := scalar(e.Key)
		if !ok {
			r.add(tk, path, bad("", "a key must be a word, not %s", describe(e.Key)))
			continue
		}
		if at, dup := first[word]; dup {
			r.addKey(tk, join(path, word), bad("keep one of them", "given twice, first in line %d", at.Position.Line))
			continue
		}
		first[word] = tk
		r.entry(path, pattern, word, e, t)
	}
}

// entry reads one key of a section.
func (r *reader) entry(path, pattern, word string, e *ast.MappingValueNode, t *target) {
	full, shape := join(path, word), join(pattern, word)
	if n := r.schema.section(pattern); n != nil {
		if err := checkName(word); err != nil {
			r.addKey(e.Key.GetToken(), path, bad("", "%s name %s", n.noun, err))
			return
		}
		t, store := n.open(&r.config, word)
		r.section(full, n.pattern(), e.Value, t)
		store()
		return
	}
	if k := r.schema.byPath[shape]; k != nil {
		r.leaf(k, full, e.Value, t)
		return
	}
	if _, ok := r.schema.sections[shape]; ok {
		if shape == strings.TrimSuffix(strategyPrefix, ".") {
			t.strategy() // an empty section asks for the default strategy
		}
		r.section(full, shape, e.Value, t)
		return
	}
	r.addKey(e.Key.GetToken(), full, bad(r.suggest(pattern, word), "unknown key"))
}

// suggest says what an unknown key may have been meant to be: a sibling with a
// similar name, or the same name in another section.
func (r *reader) suggest(pattern, word string) string {
	if hint := didYouMean(word, r.schema.sections[pattern]); hint != "" {
		return hint
	}
	for i := range r.schema.keys {
		p := r.schema.keys[i].path
		if last := p[strings.LastIndexByte(p, '.')+1:]; fold(last) == fold(word) && !strings.Contains(p, "*") {
			return "did you mean " + p + "?"
		}
	}
	return "known here: " + strings.Join(r.schema.sections[pattern], ", ")
}

// leaf reads the value of a key.
func (r *reader) leaf(k *key, full string, node ast.Node, t *target) {
	switch k.kind {
	case seeds, services, command, urls:
		r.list(k, full, node, t)
	case labels, levels:
		r.labels(k, full, node, t)
	default:
		text, ok := scalar(node)
		if err := r.typed(k, node, ok); err != nil {
			r.add(node.GetToken(), full, err)
			return
		}
		r.assign(k, full, node.GetToken(), text, t)
	}
}

// typed reports whether the YAML type of a scalar fits the key.
func (r *reader) typed(k *key, node ast.Node, isScalar bool) error {
	quote := "put it in quotes"
	switch {
	case !isScalar:
		return bad("", "must be %s, not %s", k.kind, describe(node))
	case k.kind == flag:
		if _, ok := node.(*ast.BoolNode); !ok {
			return bad("write true or false", "must be true or false, not %s", describe(node))
		}
	case k.kind == count:
		if _, ok := node.(*ast.IntegerNode); !ok {
			return bad("", "must be %s, not %s", k.kind, describe(node))
		}
	case k.kind == size, k.kind == duration, k.kind == endpoint, k.kind == udpPort:
		// The parsers tell what is missing better than the type does.
	default:
		if !isString(node) {
			return bad(quote, "must be %s, not %s", k.kind, describe(node))
		}
	}
	return nil
}

// assign parses, checks and stores a value and notes where it came from.
func (r *reader) assign(k *key, full string, tk *token.Token, text string, t *target) {
	dst := k.field(t)
	if err := k.set(dst, text); err != nil {
		r.add(tk, full, err)
		return
	}
	if err := k.check(dst); err != nil {
		r.add(tk, full, err)
		return
	}
	r.origins[full] = r.at(tk)
}

func (r *reader) list(k *key, full string, node ast.Node, t *target) {
	var items []ast.Node
	switch n := node.(type) {
	case *ast.NullNode:
	case *ast.SequenceNode:
		items = n.Values
	default:
		r.add(node.GetToken(), full, bad(k.listHint(), "must be a list, not %s", describe(node)))
		return
	}
	dst := k.field(t).(*[]string)
	for _, item := range items {
		text, ok := scalar(item)
		if !ok || !isString(item) {
			r.add(item.GetToken(), full, bad("", "must be a list of %s, not of %s", k.kind, describe(item)))
			continue
		}
		if err := k.checkItem(text); err != nil {
			r.add(item.GetToken(), full, err)
			continue
		}
		*dst = append(*dst, text)
	}
	if err := k.check(dst); err != nil {
		r.add(node.GetToken(), full, err)
	}
	r.origins[full] = r.at(node.GetToken())
}

func (r *reader) labels(k *key, full string, node ast.Node, t *target) {
	var entries []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.NullNode:
	case *ast.MappingNode:
		entries = n.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{n}
	default:
		r.add(node.GetToken(), full, bad("write one \"name: value\" per line", "must be names with values, not %s", describe(node)))
		return
	}
	m := map[string]string{}
	for _, e := range entries {
		name, ok := scalar(e.Key)
		value, ok2 := scalar(e.Value)
		if !ok || !ok2 {
			r.add(e.Key.GetToken(), full, bad("", "must be names, each with one value"))
			continue
		}
		if _, dup := m[name]; dup {
			r.addKey(e.Key.GetToken(), join(full, name), bad("keep one of them", "given twice"))
			continue
		}
		m[name] = value
	}
	*k.field(t).(*map[string]string) = m
	if err := k.check(&m); err != nil {
		r.add(node.GetToken(), full, err)
		return
	}
	r.origins[full] = r.at(node.GetToken())
}
