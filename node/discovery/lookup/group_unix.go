//go:build unix

package lookup

import (
	"os/exec"
	"syscall"
)

// asGroup puts a program and what it starts into a process group of their own, to
// be killed together. ended kills what is left of it when the program has ended.
func asGroup(cmd *exec.Cmd) (ended func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return func() {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // most often there is nobody
		}
	}
}
