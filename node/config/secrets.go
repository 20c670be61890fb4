package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"iris/transport/identity"
)

// Secrets returns what must not get out of the configuration in the file at path
// and in the IRIS_ variables: network.secret, and the content of the files that
// network.key, relay.token_file, admin.token_file, admin.tls_key and, of
// discovery.etcd, password_file and tls_key name. An empty path means no file.
//
// Unlike Load it also reads what has mistakes: files that others can read, values
// in broken YAML, keys in a wrong section. The error says which files could not be
// read; what the others hold is returned beside it. The caller owns the bytes.
// Blocks for the time of reading.
func Secrets(path string) ([][]byte, error) {
	r := newReader(path)
	var list [][]byte
	var errs []error
	var files []string
	if path != "" {
		data, _, err := readRegular(path, maxFile)
		if err != nil {
			errs = append(errs, unreadable(path, err))
		}
		r.parse(data)
		r.resolve()
		var values []string
		values, files = written(string(data), filepath.Dir(path))
		for _, v := range values {
			list = append(list, []byte(v))
		}
	}
	r.environ(os.Environ())
	list = append(list, r.config.Network.Secret, []byte(os.Getenv(variableName("network.secret")))) // where it must not be, and is all the same
	named := r.config.secretFiles()
	files = append(named, files...)
	for i, file := range files {
		if file == "" || slices.Contains(files[:i], file) {
			continue
		}
		data, _, err := readRegular(file, identity.MaxInput)
		if guess := i >= len(named); err != nil && !(guess && errors.Is(err, fs.ErrNotExist)) {
			errs = append(errs, fmt.Errorf("cannot read a file with a secret: %w", err))
		}
		list = append(list, data)
	}
	return slices.DeleteFunc(list, func(s []byte) bool { return len(bytes.TrimSpace(s)) == 0 }), errors.Join(errs...)
}

// secretFiles are the paths of the files that hold secrets, some perhaps empty.
func (c *Config) secretFiles() []string {
	return []string{c.Network.Key, c.Relay.TokenFile, c.Admin.TokenFile, c.Admin.TLSKey, c.Discovery.Etcd.PasswordFile, c.Discovery.Etcd.TLSKey}
}

// secretKey is a key, in whatever section, whose value is a secret or names a file
// with one, and the value, of which only the first word if it has no quotes.
var secretKey = regexp.MustCompile(`["']?\b(key|secret|token_file|password_file|tls_key)["']?[ \t]*[:=][ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,{}\[\]"'#]+)?`)

// written returns, from the bare text of a file which may be broken YAML, the
// secrets in it and the paths of files, relative to dir, with secrets.
func written(text, dir string) (secrets, files []string) {
	for _, at := range secretKey.FindAllStringSubmatchIndex(text, -1) {
		value := ""
		if at[4] >= 0 {
			value = unquoted(text[at[4]:at[5]])
		}
		switch text[at[2]:at[3]] {
		case "secret":
			secrets = append(secrets, value)
			secrets = append(secrets, below(text, at[0], at[3])...)
		default:
			if value != "" && !filepath.IsAbs(value) {
				value = filepath.Join(dir, value)
			}
			files = append(files, value)
		}
	}
	return secrets, files
}

// below returns the rest of the line after a key, and as one the lines that
// are further indented than the line of the key.
func below(text string, start, end int) []string {
	start = strings.LastIndexByte(text[:start], '\n') + 1
	line, rest, _ := strings.Cut(text[start:], "\n")
	var block []string
	for next := range strings.Lines(rest) {
		if strings.TrimSpace(next) != "" && depth(next) <= depth(line) {
			break
		}
		block = append(block, strings.TrimSpace(next))
	}
	return []string{strings.Trim(line[min(end-start, len(line)):], " \t\r:=\"'"), strings.TrimSpace(strings.Join(block, "\n"))}
}

func depth(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// unquoted returns what a word stands for in YAML.
func unquoted(word string) string {
	if s, err := strconv.Unquote(word); err == nil && word[0] == '"' {
		return s
	}
	if q, ok := strings.CutPrefix(word, "'"); ok {
		return strings.ReplaceAll(strings.TrimSuffix(q, "'"), "''", "'")
	}
	return strings.Trim(word, `"`)
}
