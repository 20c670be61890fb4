package doctor

import (
	"strings"

	"iris/internal/printable"
)

// showConfig is the command that prints the configuration in force.
func (p *patient) showConfig() string {
	if p.File == "" {
		return "iris config show --origin"
	}
	return "iris config show --origin -c " + printable.Word(p.File)
}

// sameKey says how to find out whether another node has the same key.
func (p *patient) sameKey() string {
	switch n := p.config.Network; {
	case n.Key != "":
		return "sha256sum " + printable.Word(n.Key) + "   # the same on both nodes? else copy the file"
	case p.File == "":
		return "network.secret: the same on both nodes?"
	}
	return "grep secret: " + printable.Word(p.File) + "   # the same on both nodes?"
}

// set says how to change a setting.
func (p *patient) set(key, to string) string {
	if p.File == "" {
		return "set " + variable(key) + to
	}
	return "set " + key + to + " in the config file"
}

// variable is the one of the environment that overrides a setting.
func variable(key string) string {
	return "IRIS_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}
