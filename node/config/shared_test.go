//go:build unix

package config

import (
	"io/fs"
	"testing"
)

func TestGrouped(t *testing.T) {
	for _, c := range []struct {
		mode  fs.FileMode
		owner uint32
		self  int
		want  bool
	}{
		{0o440, 0, 65532, true}, {0o640, 0, 65532, true}, // a secret of Kubernetes with fsGroup, a credential of systemd
		{0o440, 0, 0, false},        // root needs no group
		{0o440, 1000, 65532, false}, // somebody else's
		{0o444, 0, 65532, false}, {0o660, 0, 65532, false}, {0o450, 0, 65532, false},
	} {
		if got := grouped(c.mode, c.owner, c.self); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
