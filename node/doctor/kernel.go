package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"iris/transport/udp"
)

// value reads a number that the kernel tells in a file.
func (h *Host) value(name string) (int, bool) {
	data, err := fs.ReadFile(h.Files, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	return n, err == nil
}

// checkBuffers compares what the kernel allows and grants with what a node asks for.
func checkBuffers(_ context.Context, p *patient) []Finding {
	granted, err := p.host.Socket()
	if err != nil {
		return one(Finding{Check: "udp-buffers", Verdict: Fail, What: "a UDP socket cannot be opened: " + err.Error(), Why: "all links are UDP"})
	}
	var list []Finding
	for _, b := range []struct {
		way, sysctl string
		granted     int
	}{{"receive", "net.core.rmem_max", granted.ReadBuffer}, {"send", "net.core.wmem_max", granted.WriteBuffer}} {
		f := Finding{Check: "udp-buffers", About: b.way, Verdict: OK}
		size, what := b.granted, fmt.Sprintf("a socket gets %s of the %s that a node asks for", bytes(b.granted), bytes(udp.Buffer))
		if most, known := p.host.value("proc/sys/" + strings.ReplaceAll(b.sysctl, ".", "/")); known {
			size = most
			what = fmt.Sprintf("%s is %d (%s), a node asks for %d (%s)", b.sysctl, most, bytes(most), udp.Buffer, bytes(udp.Buffer))
		}
		f.What = what
		switch {
		case size == 0:
			f.Verdict, f.What = Skipped, "this system does not tell"
		case size < udp.Buffer:
			f.Verdict = Warn
			f.Why = "at high rates packets are lost before the node sees them, and tunnels are slower than the network"
			set := fmt.Sprintf("%s=%d", b.sysctl, udp.Buffer)
			f.Mend = []string{"sysctl -w " + set, "echo " + set + " >>/etc/sysctl.d/50-iris.conf   # and after the next start"}
		}
		list = append(list, f)
	}
	return list
}

// bytes writes a size with a unit.
func bytes(n int) string {
	switch {
	case n >= 1<<20:
		return strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64), ".0") + " MiB"
	case n >= 1<<10:
		return strconv.Itoa(n>>10) + " KiB"
	}
	return strconv.Itoa(n) + " B"
}

// checkOffload tells whether packets are received in large pieces.
func checkOffload(_ context.Context, p *patient) []Finding {
	granted, err := p.host.Socket()
	switch {
	case err != nil:
		return one(Finding{Check: "udp-offload", Verdict: Skipped, What: err.Error()})
	case !granted.Offload:
		return one(Finding{
			Check: "udp-offload", Verdict: Warn, What: "the kernel has no receive offload for UDP (UDP_GRO)",
			Why: "each packet costs the node a walk through the kernel's network stack of its own", Mend: []string{"use Linux 5.0 or later"},
		})
	}
	return one(Finding{Check: "udp-offload", Verdict: OK, What: "packets are received in large pieces"})
}

const fewFiles = 1024

// checkFiles looks at the limit of open files: of the running node if it is of this
// host, else of this program.
func checkFiles(_ context.Context, p *patient) []Finding {
	who, dir := "this shell", "proc/self"
	if pid := p.nodePID(); pid != 0 {
		who, dir = fmt.Sprintf("the node (process %d)", pid), fmt.Sprintf("proc/%d", pid)
	}
	data, err := fs.ReadFile(p.host.Files, dir+"/limits")
	if err != nil {
		return one(Finding{Check: "open-files", Verdict: Skipped, What: "this system does not tell"})
	}
	for line := range strings.Lines(string(data)) {
		rest, found := strings.CutPrefix(line, "Max open files")
		fields := strings.Fields(rest)
		if !found || len(fields) < 1 {
			continue
		}
		f := Finding{Check: "open-files", Verdict: OK, What: fmt.Sprintf("%s may open %s files", who, fields[0])}
		if n, err := strconv.Atoi(fields[0]); err == nil && n < fewFiles {
			f.Verdict = Warn
			f.Why = "each program at the relay and each connection to the admin endpoint needs one; links need none"
			f.Mend = []string{"ulimit -n 65536   # or LimitNOFILE=65536 in the systemd unit"}
		}
		return one(f)
	}
	return one(Finding{Check: "open-files", Verdict: Skipped, What: "this system does not tell"})
}

// checkClockSource finds a clock that is slow to read.
func checkClockSource(_ context.Context, p *patient) []Finding {
	const dir = "sys/devices/system/clocksource/clocksource0/"
	data, err := fs.ReadFile(p.host.Files, dir+"current_clocksource")
	if err != nil {
		return one(Finding{Check: "clock-source", Verdict: Skipped, What: "this system does not tell"})
	}
	now := strings.TrimSpace(string(data))
	if !slices.Contains([]string{"acpi_pm", "hpet", "jiffies", "refined-jiffies"}, now) {
		return one(Finding{Check: "clock-source", Verdict: OK, What: now})
	}
	f := Finding{Check: "clock-source", Verdict: Warn, What: now + " is slow to read", Why: "a node reads the clock for every message, and each reading asks a device instead of the processor"}
	choice, _ := fs.ReadFile(p.host.Files, dir+"available_clocksource")
	for _, better := range []string{"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"} {
		if slices.Contains(strings.Fields(string(choice)), better) {
			f.Mend = []string{"echo " + better + " >/" + dir + "current_clocksource"}
			return one(f)
		}
	}
	f.Mend = []string{"dmesg | grep -i tsc   # says why the kernel does not trust the faster one"}
	return one(f)
}
