package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/bundle"
	"iris/cmd/iris/internal/table"
	"iris/node/config"
)

// bundler is the command bundle.
type bundler struct {
	streams
	flags  adminFlags
	output string
	file   string
	events time.Duration
}

func newBundle(s streams, signals <-chan os.Signal) *cobra.Command {
	b := &bundler{streams: s}
	cmd := inspectManuals()["bundle"].command()
	cmd.GroupID = groupInspect
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	fl := cmd.Flags()
	fl.StringVarP(&b.output, "output", "o", "", "`FILE` to write, which must not exist (default iris-bundle-TIME.tar.gz)")
	fl.StringVarP(&b.file, "config", "c", "", "config `FILE` of the node")
	fl.DurationVar(&b.events, "events", 2*time.Second, "for how long to collect events; 0: none")
	b.flags.add(cmd, true)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if b.events < 0 || b.events > time.Hour {
			return fmt.Errorf("events: %v: want 0 to 1h", b.events)
		}
		if err := b.flags.check(); err != nil {
			return err
		}
		return noArgs(cmd, args)
	}
	cmd.RunE = work(func([]string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		return b.run(ctx)
	})
	return cmd
}

// bundled is what was written, in JSON. Fields are only ever added.
type bundled struct {
	File     string        `json:"file"`
	Contents []bundle.File `json:"contents"`
	Missing  []string      `json:"missing,omitempty"`
}

func (b *bundler) run(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, b.flags.timeout)
	defer cancel()
	s, err := b.flags.begin(limited)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Client.Node(limited, s.node); err != nil { // once, before everything else is asked
		return s.explain(err)
	}
	name := b.output
	if name == "" {
		name = "iris-bundle-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the archive: %w", err)
	}
	files, missing, err := bundle.Write(ctx, f, bundle.Config{
		Client: s.Client, Node: s.node, File: b.file, Events: b.events, Timeout: max(b.flags.timeout, time.Second), Version: readVersion(), Tokens: s.tokens(),
	})
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return b.print(bundled{File: name, Contents: files, Missing: texts(missing)})
}

// tokens returns the token that the endpoint is shown, in its forms.
func (s *session) tokens() [][]byte {
	if s.token == "" {
		return nil
	}
	token, err := config.ReadToken(s.token)
	if err != nil {
		return nil
	}
	return [][]byte{token, []byte(hex.EncodeToString(token))}
}

func texts(errs []error) []string {
	var list []string
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}

// print says what was written: the file on standard output, the rest beside it.
func (b *bundler) print(done bundled) error {
	if b.flags.json {
		data, err := json.Marshal(done)
		if err != nil {
			return err
		}
		return b.object(data)
	}
	t := table.New("CONTENT", ">SIZE")
	for _, f := range done.Contents {
		t.Row(f.Name, table.Bytes(f.Bytes))
	}
	if err := t.Write(b.err, terminalWidth(b.err)); err != nil {
		return err
	}
	for _, m := range done.Missing {
		fmt.Fprintln(b.err, "iris: missing", oneLine(m))
	}
	_, err := fmt.Fprintln(b.out, done.File)
	return err
}
