package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"iris/transport/wire"
)

// version is what this program is. Fields are only ever added.
type version struct {
	Version  string `json:"version"`            // of the module; "(devel)" for a build from a checkout
	Revision string `json:"revision,omitempty"` // of the checkout
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified"`           // the checkout had changes beyond the revision
	Protocol uint16 `json:"protocol"`           // nodes of one protocol version understand each other
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print what this program is",
		Args:  noArgs,
		RunE: work(func([]string) error {
			v := readVersion()
			if asJSON {
				e := json.NewEncoder(s.out)
				e.SetIndent("", "  ")
				return e.Encode(v)
			}
			_, err := fmt.Fprintln(s.out, v)
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func readVersion() version {
	v := version{Version: "(unknown)", Protocol: wire.ProtocolVersion, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v version) String() string {
	text := fmt.Sprintf("iris %s protocol %d %s %s", v.Version, v.Protocol, v.Go, v.Platform)
	if v.Revision != "" {
		text += " revision " + v.Revision
		if v.Modified {
			text += " (modified)"
		}
	}
	return text
}
