package node

import (
	"os"
	"runtime/debug"

	"iris/node/config"
)

// lazyPercent is by how much the heap of a process may grow, in percent of what was alive
// after a collection, before the next one. A node allocates much that dies at once, and
// little that lives: with Go's 100 it collects four times as often.
const lazyPercent = 400

// PaceCollector fits the garbage collector of this process to a node: limits.memory
// becomes its soft memory limit, and below that it collects late. GOMEMLIMIT and GOGC
// in the environment win, each over its half. It returns the function that sets
// back what it has changed.
//
// It is for programs that are little more than a node, such as iris node. [Start] leaves the
// collector alone: in other programs it is theirs, and limits.memory would have to
// cover all that they hold.
func PaceCollector(cfg config.Config) (undo func()) {
	limit, percent := int64(-1), -1
	if os.Getenv("GOMEMLIMIT") == "" {
		limit = debug.SetMemoryLimit(int64(cfg.WithDefaults().Limits.Memory))
	}
	if os.Getenv("GOGC") == "" {
		percent = debug.SetGCPercent(lazyPercent)
	}
	return func() {
		debug.SetMemoryLimit(limit) // -1 changes nothing
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(percent)
		}
	}
}
