package main

import "syscall"

// tied makes the kernel end a child with the driver.
func tied() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
