package doctor

import (
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestKeyOfGroup: a key that root shares with a group, as a node takes it that
// does not run as root, is judged by who is in the group; also by root.
func TestKeyOfGroup(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of a unix")
	}
	const passwd = "root:x:0:0::/root:/bin/sh\niris:x:990:990::/:/bin/false\nann:x:1000:100::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nnobody:x:65534:100::/:/bin/false\nbroken\n"
	const group = "root:x:0:\nusers:x:100:\niris:x:990:iris\nstaff:x:50:iris,bob\n"
	for _, tc := range []struct {
		gid     uint32
		mode    fs.FileMode
		verdict Verdict
		what    string
	}{
		{990, 0o440, OK, "root, and the group iris, can read it"},
		{990, 0o640, OK, "root, and the group iris, can read it"},
		{7, 0o640, OK, "root, and the group 7, can read it"},
		{100, 0o640, Warn, "root, and the group users, can read it: ann"},
		{50, 0o440, Warn, "root, and the group staff, can read it: bob"},
		{990, 0o660, Fail, "has mode 0660"},
		{990, 0o644, Fail, "has mode 0644"},
	} {
		name, key := configFile(t, "seeds: ['10.0.0.1:7000']\n")
		if err := os.Chmod(key, tc.mode); err != nil {
			t.Fatal(err)
		}
		h := well()
		h.with("etc/passwd", passwd)
		h.with("etc/group", group)
		h.Owner = func(string) (Owner, error) { return Owner{Group: tc.gid, Mode: tc.mode}, nil }
		list := Run(t.Context(), Config{File: name, Host: h})
		i := slices.IndexFunc(list, func(f Finding) bool { return f.Check == "key-file" })
		if f := list[i]; f.Verdict != tc.verdict || !strings.Contains(f.What, tc.what) || f.About != key || strings.Contains(strings.Join(f.Mend, ""), "chmod") != (tc.verdict == Fail) {
			t.Errorf("%+v: %+v", tc, f)
		}
		if tc.verdict == Fail {
			continue
		}
		if i := slices.IndexFunc(list, func(f Finding) bool { return f.Check == "seed" }); list[i].Verdict != OK {
			t.Errorf("%+v: the key is not used: %+v", tc, list[i])
		}
	}
}

// TestOwner reads a real file.
func TestOwner(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("users of a unix")
	}
	_, key := configFile(t, "")
	o, err := owner(key)
	if err != nil || int(o.User) != os.Geteuid() || o.Mode != 0o600 || o.sharedByRoot() {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := owner(t.TempDir()); err == nil {
		t.Error("a folder holds a key")
	}
}
