package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// contextVariable names a context in the environment.
const contextVariable = "IRIS_CONTEXT"

// defaultContext is always there: the relay of this host.
const defaultContext = "default"

// profile is where a node is reached.
type profile struct {
	Relay     string `yaml:"relay,omitempty" json:"relay,omitempty"`           // host:port
	Admin     string `yaml:"admin,omitempty" json:"admin,omitempty"`           // host:port, or https://host:port
	TokenFile string `yaml:"token_file,omitempty" json:"token_file,omitempty"` // of the relay

	AdminTokenFile string `yaml:"admin_token_file,omitempty" json:"admin_token_file,omitempty"`
	AdminCAFile    string `yaml:"admin_ca_file,omitempty" json:"admin_ca_file,omitempty"` // who may sign its certificate
}

// contexts are the profiles that the user has named.
type contexts struct {
	Current  string             `yaml:"current,omitempty"` // in use if nothing else is named
	Contexts map[string]profile `yaml:"contexts,omitempty"`
}

var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// maxContexts bounds the file.
const maxContexts = 256 << 10

// contextsFile returns where contexts are kept.
func contextsFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for contexts: %w", err)
	}
	return filepath.Join(dir, "iris", "contexts.yaml"), nil
}

// readContexts returns what is in the file; nothing if there is none.
func readContexts() (*contexts, error) {
	c := &contexts{Contexts: map[string]profile{}}
	name, err := contextsFile()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the contexts: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxContexts+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the contexts: %w", err)
	case len(data) > maxContexts:
		return nil, fmt.Errorf("cannot read the contexts: %s has more than %d bytes", name, maxContexts)
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is not a file of contexts; mend it, or delete it and add them again:\n%s", name, yaml.FormatError(err, false, true))
	}
	if c.Contexts == nil {
		c.Contexts = map[string]profile{}
	}
	return c, nil
}

// write replaces the file, for the user alone to read.
func (c *contexts) write() error {
	name, err := contextsFile()
	if err != nil {
		return err
	}
	data, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("cannot keep the context: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "contexts-*.yaml") // of mode 0600
	if err != nil {
		return fmt.Errorf("cannot keep the context: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("cannot keep the context: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// find returns a context.
func (c *contexts) find(name string) (profile, error) {
	p, ok := c.Contexts[name]
	if ok || name == defaultContext {
		return p, nil
	}
	return p, fmt.Errorf("there is no context %q, but %s: 'iris context add' makes one", name, strings.Join(c.names(), ", "))
}

// names returns all in order.
func (c *contexts) names() []string {
	return slices.Sorted(maps.Keys(c.all()))
}

// all returns every context, the default among them.
func (c *contexts) all() map[string]profile {
	m := map[string]profile{defaultContext: {}}
	maps.Copy(m, c.Contexts)
	return m
}

// inUse returns the name of the context that commands take if they are told
// none, and where that is said.
func (c *contexts) inUse() (name, by string) {
	if name := os.Getenv(contextVariable); name != "" {
		return name, contextVariable
	}
	if c.Current != "" {
		return c.Current, "iris context use"
	}
	return defaultContext, "default"
}

// chosenContext returns the context of a name, or the one in use.
func chosenContext(name string) (profile, error) {
	c, err := readContexts()
	if err != nil {
		if _, nowhere := contextsFile(); nowhere != nil && name == "" && os.Getenv(contextVariable) == "" {
			return profile{}, nil // an environment without a user: nothing was ever kept
		}
		return profile{}, err
	}
	if name == "" {
		name, _ = c.inUse()
	}
	return c.find(name)
}
