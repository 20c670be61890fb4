package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"iris/node/admin/client"
	"iris/node/config"
	"iris/node/doctor"
)

// Bounds of an archive.
const (
	MaxFile   = 16 << 20 // bytes of one file
	MaxItems  = 1000     // of each list
	MaxEvents = 10_000
)

// Config says what to collect.
type Config struct {
	Client  *client.Client // of the node's admin endpoint
	Node    string         // that it is about; empty for the endpoint's own
	File    string         // config file, empty if none
	Events  time.Duration  // for how long to wait for events; 0: none
	Timeout time.Duration  // for one answer
	Version any            // of this program
	Tokens  [][]byte       // that must not be in it
}

// File is a file of an archive.
type File struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// Contents says what is in an archive, by the names of the files.
func Contents() map[string]string {
	list := map[string]string{
		"README.txt":         "this list",
		"errors.txt":         "what could not be had, and why",
		"metrics.txt":        "the metrics of the node",
		"goroutines.txt":     "what the node's goroutines do, if admin.pprof is on",
		"events.jsonl":       "the events of the node while the archive was made",
		"config-file.yaml":   "the config file as it is understood, without secrets, with the place of each value",
		"doctor.json":        "what iris doctor finds",
		"version.json":       "the program that made the archive",
		"host.json":          "the host it was made on: system, processors, limits of memory",
		"actors-all.json":    "actors at the top, with the sums of what is below",
		"actors-busy.json":   "the busiest actors",
		"actors-failed.json": "the actors that failed most often",
	}
	for _, what := range reports() {
		list[what+".json"] = "the node's report " + what
	}
	return list
}

// reports are those of the API that are collected as they are.
func reports() []string {
	return []string{"node", "peers", "ring", "network", "clusters", "topics", "tunnels", "deadletters", "relay", "config"}
}

// collector writes an archive. Owned by one goroutine.
type collector struct {
	Config
	tar    *tar.Writer
	redact *Redactor
	now    time.Time
	files  []File
	errs   []error
	failed error // of writing
}

// Write writes an archive to w and returns what is in it, and what could not be had.
// The error is one of writing, or that ctx ended.
func Write(ctx context.Context, w io.Writer, cfg Config) (files []File, missing []error, err error) {
	zip := gzip.NewWriter(w)
	secrets, unread := config.Secrets(cfg.File)
	c := &collector{Config: cfg, tar: tar.NewWriter(zip), now: time.Now(), redact: NewRedactor(append(secrets, cfg.Tokens...)...)}
	if unread != nil {
		c.errs = append(c.errs, fmt.Errorf("secrets that were not looked for: %w", unread))
	}
	c.add("README.txt", readme())
	c.json("version.json", cfg.Version)
	c.json("host.json", host())
	c.configFile()
	for _, what := range reports() {
		c.report(ctx, what+".json", what, nil)
	}
	c.report(ctx, "actors-all.json", "actors", nil)
	c.report(ctx, "actors-busy.json", "actors", url.Values{"deep": {"true"}, "sort": {"-busy_us"}})
	c.report(ctx, "actors-failed.json", "actors", url.Values{"deep": {"true"}, "sort": {"-failures"}})
	if cfg.Node == "" { // these are of the endpoint's node only
		c.text(ctx, "metrics.txt", "/metrics")
		c.text(ctx, "goroutines.txt", "/debug/pprof/goroutine?debug=2")
		c.events(ctx)
	}
	c.json("doctor.json", doctor.Run(ctx, doctor.Config{File: cfg.File, Client: cfg.Client}))
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	c.add("errors.txt", []byte(errorsText(c.errs)))
	return c.files, c.errs, errors.Join(c.failed, c.tar.Close(), zip.Close())
}

// add writes a file, without secrets and within its bound: text is cut at the end
// of a line, JSON that is too long is left out.
func (c *collector) add(name string, data []byte) {
	data = c.redact.Clean(data)
	switch whole := len(data); {
	case whole > MaxFile && strings.HasSuffix(name, ".json"):
		c.errs = append(c.errs, fmt.Errorf("%s: has %d bytes, at most %d are kept", name, whole, MaxFile))
		return
	case whole > MaxFile:
		data = data[:bytes.LastIndexByte(data[:MaxFile], '\n')+1]
		c.errs = append(c.errs, fmt.Errorf("%s: cut at %d of %d bytes", name, len(data), whole))
	}
	if c.failed != nil {
		return
	}
	c.failed = c.tar.WriteHeader(&tar.Header{Name: "iris-bundle/" + name, Mode: 0o600, Size: int64(len(data)), ModTime: c.now, Typeflag: tar.TypeReg})
	if c.failed == nil {
		_, c.failed = c.tar.Write(data)
		c.files = append(c.files, File{name, len(data)})
	}
}

func (c *collector) json(name string, v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: %w", name, err))
		return
	}
	c.add(name, append(data, '\n'))
}

// report writes what the node tells; of a list the first MaxItems.
func (c *collector) report(ctx context.Context, name, what string, args url.Values) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var v any
	var err error
	switch what {
	case "node", "ring", "network", "config":
		err = c.Client.Get(ctx, c.Node, what, args, &v)
	default:
		v, err = client.List[json.RawMessage](ctx, c.Client, c.Node, what, args, MaxItems)
	}
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: %w", name, err))
		return
	}
	c.json(name, v)
}

func (c *collector) text(ctx context.Context, name, path string) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	data, err := c.Client.Text(ctx, path)
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: %w", name, err))
		return
	}
	c.add(name, data)
}

// errTime ends the wait for events.
var errTime = errors.New("long enough")

// events writes what happens on the node for a while.
func (c *collector) events(ctx context.Context) {
	if c.Events <= 0 {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Events, errTime)
	defer cancel()
	var lines bytes.Buffer
	n := 0
	err := c.Client.Events(ctx, client.Filter{}, func(ev client.Event) error {
		if n++; n > MaxEvents || lines.Len() > MaxFile {
			return errTime
		}
		if err := json.Compact(&lines, ev.Data); err != nil {
			return err
		}
		return lines.WriteByte('\n')
	})
	if err != nil && !errors.Is(err, errTime) && !errors.Is(err, context.DeadlineExceeded) {
		c.errs = append(c.errs, fmt.Errorf("events.jsonl: %w", err))
	}
	c.add("events.jsonl", lines.Bytes())
}

// configFile writes the configuration as it is understood.
func (c *collector) configFile() {
	if c.File == "" {
		return
	}
	cfg, origins, err := config.LoadWithOrigins(c.File)
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("config-file.yaml: %w", err))
		return
	}
	c.add("config-file.yaml", []byte(cfg.WithDefaults().YAML(origins)))
}

// hostFacts are those of the host that the archive is made on.
type hostFacts struct {
	System     string    `json:"system"`
	Arch       string    `json:"arch"`
	Processors int       `json:"processors"`
	Go         string    `json:"go"`
	Time       time.Time `json:"time"`
	Zone       string    `json:"time_zone"`
	Kernel     string    `json:"kernel,omitempty"`
	Release    string    `json:"release,omitempty"`
	Memory     string    `json:"memory,omitempty"`
	Cgroup     string    `json:"cgroup_memory_limit,omitempty"`
}

func host() hostFacts {
	first := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			return ""
		}
		line, _, _ := strings.Cut(string(data), "\n")
		return strings.TrimSpace(line)
	}
	now := time.Now()
	zone, _ := now.Zone()
	return hostFacts{
		System: runtime.GOOS, Arch: runtime.GOARCH, Processors: runtime.NumCPU(), Go: runtime.Version(), Time: now, Zone: zone,
		Kernel: first("/proc/version"), Release: first("/etc/os-release"), Memory: first("/proc/meminfo"), Cgroup: first("/sys/fs/cgroup/memory.max"),
	}
}
