//go:build unix

package doctor

import (
	"io/fs"
	"os"
	"syscall"
)

// owner reads whose a file is.
func owner(path string) (Owner, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Owner{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return Owner{}, fs.ErrInvalid
	}
	return Owner{User: stat.Uid, Group: stat.Gid, Mode: info.Mode().Perm()}, nil
}
