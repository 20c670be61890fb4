package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine says what the figures were measured on.
func machine() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s %s/%s, %d cores (GOMAXPROCS %d)\n", time.Now().Format("2006-01-02 15:04"), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), runtime.GOMAXPROCS(0))
	fmt.Fprintf(&b, "cpu %s, kernel %s, load %s\n", field("/proc/cpuinfo", "model name"), line("/proc/sys/kernel/osrelease"), line("/proc/loadavg"))
	fmt.Fprintf(&b, "udp buffers: rmem_max %s, wmem_max %s", line("/proc/sys/net/core/rmem_max"), line("/proc/sys/net/core/wmem_max"))
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, name := range []string{"nats-server/v2", "nats.go", "protoactor-go", "quic-go"} {
				if strings.HasSuffix(m.Path, "/"+name) {
					fmt.Fprintf(&b, "\n%s %s", name, m.Version)
				}
			}
		}
	}
	return b.String()
}

// line returns the first line of a file, "unknown" if there is none.
func line(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return first
}

// field returns the value of the first line of a file that begins with key.
func field(file, key string) string {
	text, _ := os.ReadFile(file)
	for l := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
