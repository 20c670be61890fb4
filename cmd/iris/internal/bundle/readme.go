package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readme says what is in an archive.
func readme() []byte {
	var b strings.Builder
	b.WriteString(`An archive of iris bundle, to attach to the report of a problem.

Secrets are not in it: those that the configuration names are taken out in every
encoding, and so is what looks like a key or token, as ` + hidden + `. Names of nodes, hosts,
clusters and topics, addresses and labels are in it: look through it before you
give it away.

`)
	contents := Contents()
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		fmt.Fprintf(&b, "%-20s %s\n", name, contents[name])
	}
	return []byte(b.String())
}

func errorsText(errs []error) string {
	if len(errs) == 0 {
		return "Nothing is missing.\n"
	}
	var b strings.Builder
	for _, err := range errs {
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}
