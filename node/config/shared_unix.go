//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// sharedByRoot reports whether a file belongs to root, who lets one group read it
// and nobody change it, and this process is not root. That is how Kubernetes and
// systemd hand secrets to a process.
func sharedByRoot(opened fs.FileInfo) bool {
	stat, ok := opened.Sys().(*syscall.Stat_t)
	return ok && grouped(opened.Mode(), stat.Uid, os.Geteuid())
}

// grouped is sharedByRoot for a file with that mode and owner.
func grouped(mode fs.FileMode, owner uint32, self int) bool {
	return mode.Perm()&^0o740 == 0 && owner == 0 && self != 0
}
