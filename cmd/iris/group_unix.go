//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// asGroup puts a program and what it starts into a group of their own: ctrl-c
// does not reach it, and all of it is killed together.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
