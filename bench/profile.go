package main

import (
	"errors"
	"os"
	"runtime/pprof"
)

// profile records where a process spends its time and what it allocates.
type profile struct{ cpu *os.File }

func (p *profile) begin(file string) error {
	f, err := os.Create(file + ".cpu")
	if err != nil {
		return err
	}
	p.cpu = f
	return errors.Join(pprof.StartCPUProfile(f), allocations(file+".allocs-base"))
}

func (p *profile) end(file string) error {
	pprof.StopCPUProfile()
	return errors.Join(p.cpu.Close(), allocations(file+".allocs"))
}

// allocations writes everything that was allocated since the start of the process; the
// difference to an earlier one is what pprof -base shows.
func allocations(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
