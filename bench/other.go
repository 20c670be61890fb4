//go:build !linux

package main

import "syscall"

// tied has no means to end a child with the driver; it ends when its input does.
func tied() *syscall.SysProcAttr { return nil }
