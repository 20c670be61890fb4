package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"iris/internal/printable"
	"iris/node/admin/client"
	"iris/node/doctor"
)

// examiner is the command doctor.
type examiner struct {
	streams
	flags  adminFlags
	file   string
	all    bool
	asking bool // an endpoint was named, so that it must be there
}

func newDoctor(s streams, signals <-chan os.Signal) *cobra.Command {
	e := &examiner{streams: s}
	cmd := inspectManuals()["doctor"].command()
	cmd.GroupID = groupInspect
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.Flags().StringVarP(&e.file, "config", "c", "", "config `FILE` of the node")
	cmd.Flags().BoolVar(&e.all, "all", false, "print also what is ok")
	e.flags.add(cmd, false)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		for _, addr := range args {
			if err := checkEndpoint("ADDRESS", addr); err != nil {
				return err
			}
		}
		return e.flags.check()
	}
	setDefault(cmd, "timeout", "30s")
	cmd.RunE = work(func(args []string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		e.asking = e.flags.addr != "" || e.flags.context != ""
		return e.run(ctx, args)
	})
	return cmd
}

func (e *examiner) run(ctx context.Context, addrs []string) error {
	c, err := e.node(ctx)
	if err != nil {
		return err
	}
	if c != nil {
		defer c.Close()
	}
	limited, cancel := context.WithTimeout(ctx, e.flags.timeout)
	defer cancel()
	list := doctor.Run(limited, doctor.Config{File: e.file, Addrs: addrs, Client: c})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := e.print(list); err != nil {
		return err
	}
	if doctor.Worst(list) == doctor.Fail {
		return fmt.Errorf("%d of %d checks failed", counts(list)[doctor.Fail], len(list))
	}
	return nil
}

// askTime is how long a node that nobody named may take to say that it is there.
const askTime = 5 * time.Second

// node returns a client of the running node; nil if there is none, and none was
// asked for.
func (e *examiner) node(ctx context.Context) (*client.Client, error) {
	s, err := e.flags.begin(ctx)
	if err != nil {
		return nil, err
	}
	if e.asking {
		return s.Client, nil
	}
	limited, cancel := context.WithTimeout(ctx, min(e.flags.timeout, askTime))
	defer cancel()
	if _, err := s.Client.Node(limited, ""); err != nil {
		s.Close()
		return nil, nil
	}
	return s.Client, nil
}

func counts(list []doctor.Finding) map[doctor.Verdict]int {
	n := map[doctor.Verdict]int{}
	for _, f := range list {
		n[f.Verdict]++
	}
	return n
}

// print prints the findings, and what mends those that are not ok.
func (e *examiner) print(list []doctor.Finding) error {
	if e.flags.json {
		for _, f := range list {
			data, err := json.Marshal(f)
			if err != nil {
				return err
			}
			if err := e.object(data); err != nil {
				return err
			}
		}
		return nil
	}
	var lines []string
	for _, f := range list {
		if f.Verdict == doctor.OK && !e.all {
			continue
		}
		lines = append(lines, e.finding(f)...)
	}
	n := counts(list)
	lines = append(lines, fmt.Sprintf("%d checks: %d ok, %d skipped, %d warnings, %d failures", len(list), n[doctor.OK], n[doctor.Skipped], n[doctor.Warn], n[doctor.Fail]))
	return e.lines(lines)
}

// finding is one, with what to do below it.
func (e *examiner) finding(f doctor.Finding) []string {
	word := map[doctor.Verdict]string{doctor.OK: "ok", doctor.Skipped: "--", doctor.Warn: "WARN", doctor.Fail: "FAIL"}[f.Verdict]
	word = fmt.Sprintf("%-5s", word)
	switch f.Verdict {
	case doctor.Fail:
		word = paint(e.out, red, word)
	case doctor.Warn:
		word = paint(e.out, yellow, word)
	}
	about := ""
	if f.About != "" {
		about = " (" + printable.Text(f.About) + ")"
	}
	lines := []string{fmt.Sprintf("%s %s%s: %s", word, f.Check, about, oneLine(f.What))}
	if f.Verdict == doctor.OK {
		return lines
	}
	if f.Why != "" {
		lines = append(lines, "      why:  "+oneLine(f.Why))
	}
	for i, m := range f.Mend {
		label := "      mend: "
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		lines = append(lines, label+oneLine(m))
	}
	return lines
}

func oneLine(text string) string { return printable.Text(strings.ReplaceAll(text, "\n", " ")) }
