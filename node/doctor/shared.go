package doctor

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"iris/internal/printable"
)

// Owner is whose a file is, on a unix.
type Owner struct {
	User, Group uint32
	Mode        fs.FileMode // the permissions
}

// sharedByRoot reports whether root has the file and lets one group read it, and
// nobody change it: a node that does not run as root takes a secret from it.
func (o Owner) sharedByRoot() bool { return o.User == 0 && o.Mode&0o040 != 0 && o.Mode&^0o740 == 0 }

// ordinary are the accounts of people, by the custom of Linux; those below are of
// the system and of services, those above of nobody.
const (
	firstOrdinary = 1000
	lastOrdinary  = 60000
)

// checkShared judges a secret in a file that root shares with a group, by who is
// in it. It returns nil if the file is no such.
func (p *patient) checkShared(path string) []Finding {
	o, err := p.host.Owner(path)
	if err != nil || !o.sharedByRoot() {
		return nil
	}
	name, members := p.group(o.Group)
	f := Finding{Check: "key-file", About: path, Verdict: OK, What: fmt.Sprintf("root, and the group %s, can read it", name)}
	if len(members) > 0 {
		f.Verdict = Warn
		f.What += ": " + list(members)
		f.Why = "whoever has the key can join the network and read and say everything in it"
		f.Mend = []string{fmt.Sprintf("chgrp GROUP %s   # a group of the account that runs the node, and of nobody else", printable.Word(path))}
	}
	return one(f)
}

// group returns the name of a group, and which ordinary accounts of this host are
// in it.
func (p *patient) group(gid uint32) (name string, members []string) {
	name = strconv.FormatUint(uint64(gid), 10)
	number, named := name, map[string]bool{}
	for _, f := range p.table("etc/group") { // name, password, number, members
		if len(f) >= 4 && f[2] == number {
			name = f[0]
			for m := range strings.SplitSeq(f[3], ",") {
				named[m] = true
			}
		}
	}
	for _, f := range p.table("etc/passwd") { // name, password, number, group
		if len(f) < 4 {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if err == nil && uid >= firstOrdinary && uid <= lastOrdinary && (f[3] == number || named[f[0]]) {
			members = append(members, f[0])
		}
	}
	return name, members
}

// table reads a file of fields that colons part.
func (p *patient) table(name string) [][]string {
	data, err := fs.ReadFile(p.host.Files, name)
	if err != nil {
		return nil
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		rows = append(rows, strings.Split(strings.TrimSpace(line), ":"))
	}
	return rows
}

// list writes the first few of many.
func list(names []string) string {
	if len(names) > 3 {
		names = append(slices.Clone(names[:3]), "...")
	}
	return strings.Join(names, ", ")
}
