package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"iris/internal/printable"
)

const (
	envPrefix   = "IRIS_"
	environment = "environment" // Problem.File and origin of what a variable says
)

// injected matches the variables that Kubernetes sets in every container for a
// service whose name is iris or starts with iris-.
var injected = regexp.MustCompile(`^IRIS_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// commands reports whether a variable is one of the command line, which a node
// that is started in the same environment has no use for.
func commands(name string) bool { return name == "IRIS_CONTEXT" || name == "IRIS_CLUSTER" }

// variable is one setting that the environment may override.
type variable struct {
	key   *key
	path  string // concrete key
	named *named // nil for a plain key
	entry string // name of the entry in it
}

// variableName returns the variable of a key: IRIS_ and the key in upper case,
// with everything but letters and digits as underscore.
func variableName(path string) string {
	return envPrefix + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, path)
}

// variables returns every variable that means something for the clusters and
// topics known so far, and those that two of them share.
func (r *reader) variables() (known map[string]variable, ambiguous map[string][]string) {
	known, ambiguous = map[string]variable{}, map[string][]string{}
	put := func(v variable) {
		name := variableName(v.path)
		if other, taken := known[name]; taken {
			ambiguous[name] = append(ambiguous[name], other.path, v.path)
		}
		known[name] = v
	}
	for i := range r.schema.keys {
		k := &r.schema.keys[i]
		n := r.schema.holder(k)
		if n == nil {
			put(variable{key: k, path: k.path})
			continue
		}
		for _, entry := range n.names(&r.config) {
			put(variable{key: k, path: concrete(k.path, entry), named: n, entry: entry})
		}
	}
	return known, ambiguous
}

// environ lays the variables, each NAME=value, over the configuration.
func (r *reader) environ(env []string) {
	known, ambiguous := r.variables()
	names := slices.Sorted(maps.Keys(known))
	for _, entry := range slices.Sorted(slices.Values(env)) {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" || injected.MatchString(name) || commands(name) {
			continue
		}
		v, ok := known[name]
		switch {
		case ok && v.key.kind == secret:
			r.variableProblem(name, bad("put it into a file that only the owner reads, and name that in network.key or IRIS_NETWORK_KEY",
				"the secret is not taken from the environment, which other processes can read"))
		case !ok:
			hint := didYouMean(name, names)
			for _, n := range r.schema.named {
				if hint == "" && strings.HasPrefix(name, variableName(n.section)+"_") {
					hint = "variables can change " + n.section + " that the config file names"
				}
			}
			r.variableProblem(name, bad(hint, "unknown variable"))
		case len(ambiguous[name]) > 0:
			r.variableProblem(name, bad("set it in the config file", "stands for %s alike", strings.Join(ambiguous[name], " and ")))
		default:
			if err := r.override(v, text); err != nil {
				r.variableProblem(name, err)
			} else {
				r.origins[v.path] = Origin{Variable: name}
			}
		}
	}
}

func (r *reader) variableProblem(name string, err error) {
	r.problems = append(r.problems, problemOf(environment, printable.Text(name), err))
}

// override sets one key to the text of its variable.
func (r *reader) override(v variable, text string) error {
	t := &target{config: &r.config}
	if v.named != nil {
		var store func()
		t, store = v.named.open(&r.config, v.entry)
		defer store()
	}
	dst := v.key.field(t)
	switch dst := dst.(type) {
	case *[]string:
		*dst = nil
		for item := range strings.SplitSeq(text, ",") {
			*dst = append(*dst, strings.TrimSpace(item))
		}
	case *map[string]string:
		m := map[string]string{}
		for item := range strings.SplitSeq(text, ",") {
			name, value, ok := strings.Cut(item, "=")
			if !ok {
				return bad("write name=value,name=value", "%q is not name=value", item)
			}
			m[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		*dst = m
	default:
		if err := v.key.set(dst, text); err != nil {
			return err
		}
	}
	return v.key.check(dst)
}
