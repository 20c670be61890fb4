package config

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Origin is the place that set a value. The zero Origin is the default.
type Origin struct {
	File         string // config file
	Line, Column int    // in File, 1-based
	Variable     string // of the environment, if that set it
}

// String returns "default", "environment IRIS_LISTEN" or "node.yaml:3:9".
func (o Origin) String() string {
	switch {
	case o.Variable != "":
		return environment + " " + o.Variable
	case o.Line > 0:
		return o.File + ":" + strconv.Itoa(o.Line) + ":" + strconv.Itoa(o.Column)
	}
	return "default"
}

// Origins says, by key ("limits.frame", "clusters.echo.members"), where values
// came from that are not defaults.
type Origins map[string]Origin

// Load reads the file at path and the IRIS_ variables of the environment, which
// win over it. An empty path means no file: developer defaults and environment.
// The key file, if any, is checked but its content not kept. Blocks for the time
// of reading the files. The error, if any, is an [Errors] naming every problem.
func Load(path string) (Config, error) {
	c, _, err := LoadWithOrigins(path)
	return c, err
}

// LoadWithOrigins is Load, telling also where each value came from.
func LoadWithOrigins(path string) (Config, Origins, error) {
	return load(path, os.Environ())
}

func load(path string, env []string) (Config, Origins, error) {
	r := newReader(path)
	var info fs.FileInfo
	if path != "" {
		data, opened, err := readRegular(path, maxFile)
		if err != nil {
			return Config{}, nil, Errors{unreadable(path, err)}
		}
		info = opened
		r.parse(data)
		r.resolve()
	}
	fromFile := len(r.config.Network.Secret) > 0
	r.environ(env)
	r.pair()
	r.fit()
	if fromFile {
		if err := onlyOwner("config file", path, info); err != nil {
			r.place("network.secret", err)
		}
	}
	if key := r.config.Network.Key; key != "" && !r.has("network.key") {
		if _, err := readKey(key); err != nil {
			r.place("network.key", err)
		}
	}
	r.checkToken("relay.token_file", r.config.Relay.TokenFile)
	r.checkToken("admin.token_file", r.config.Admin.TokenFile)
	if a := r.config.Admin; a.TLSCert != "" && a.TLSKey != "" && !r.has("admin.tls_cert") && !r.has("admin.tls_key") {
		if _, key, err := a.readCertificate(); err != nil {
			r.place(key, err)
		}
	}
	r.checkEtcd(r.config.Discovery.Etcd)
	return r.result()
}

// checkEtcd notes what is wrong with the files of the section.
func (r *reader) checkEtcd(e Etcd) {
	const password = "discovery.etcd.password_file"
	if _, err := e.password(); err != nil && !r.has(password) {
		r.place(password, err)
	}
	if e.TLSCert != "" && e.TLSKey == "" {
		return // said already
	}
	if _, key, err := e.tls(); err != nil && !r.has(key) {
		r.place(key, err)
	}
}

// checkToken notes what is wrong with the token file of a key, if there is one.
func (r *reader) checkToken(key, file string) {
	if file == "" || r.has(key) {
		return
	}
	if _, err := readToken(file); err != nil {
		r.place(key, err)
	}
}

// Parse reads data, the content of the file called name, without looking at the
// environment or at any other file. A relative network.key is resolved against
// the folder of name. The error, if any, is an [Errors].
func Parse(name string, data []byte) (Config, error) {
	r := newReader(name)
	r.parse(data)
	r.resolve()
	r.pair()
	r.fit()
	c, _, err := r.result()
	return c, err
}

func unreadable(path string, err error) Problem {
	p := problemOf(path, "", err)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		p.Message = pe.Err.Error()
	}
	p.Message = "cannot read the config file: " + p.Message
	p.err = err
	return p
}

// resolve makes the paths of files relative to the config file's folder.
func (r *reader) resolve() {
	a := &r.config.Admin
	files := append(r.config.Discovery.files(), &r.config.Network.Key, &r.config.Relay.TokenFile, &a.TokenFile, &a.TLSCert, &a.TLSKey)
	for _, file := range files {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(filepath.Dir(r.file), *file)
		}
	}
}

// pair refuses half a network: a name without a key, or a key without a name,
// would get a random other half, and no other node could ever join. With a
// mistake in the section, perhaps in the missing key's name, that is said first.
func (r *reader) pair() {
	n := r.config.Network
	if slices.ContainsFunc(r.problems, func(p Problem) bool {
		return strings.HasPrefix(p.Path, "network") || strings.HasPrefix(p.Path, variableName("network"))
	}) {
		return
	}
	const message = "the network has a %s but no %s, so no other node could ever join"
	switch {
	case n.Name != "" && n.Key == "" && len(n.Secret) == 0:
		r.place("network.name", bad("iris keygen makes a key file; name it in network.key", message, "name", "key"))
	case n.Name == "" && n.Key != "":
		r.place("network.key", bad("set network.name", message, "key", "name"))
	case n.Name == "" && len(n.Secret) > 0:
		r.place("network.secret", bad("set network.name", message, "key", "name"))
	}
}

// fit checks how the values go together that have no problem by themselves.
func (r *reader) fit() {
	for _, rel := range relations(r.config) {
		if !slices.ContainsFunc(rel.keys, r.has) {
			r.place(rel.keys[0], rel.err)
		}
	}
}

// has reports whether the value of key has a problem.
func (r *reader) has(key string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool {
		return p.Path == key || p.Path == variableName(key)
	})
}

// place notes a problem where the value of key was set.
func (r *reader) place(key string, err error) {
	p := problemOf(r.file, quoted(key), err)
	if o := r.origins[key]; o.Variable != "" {
		p.File, p.Path = environment, o.Variable
	} else if o.Line > 0 {
		p.Line, p.Column = o.Line, o.Column
		p.Snippet = r.snippet(&p, private(key))
	}
	r.problems = append(r.problems, p)
}

// result returns the configuration, or all problems in the order of the file.
func (r *reader) result() (Config, Origins, error) {
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return Config{}, nil, r.problems
	}
	return r.config, r.origins, nil
}

// rank puts the problems of the file before those of the environment.
func rank(p Problem) int {
	if p.File == environment {
		return 1
	}
	return 0
}
