package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newMan(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man DIR",
		Short: "Write the man pages into a folder",
		Long:  "Write one man page per command into a folder, which is made if it is missing, and\nprint the names of the files.",
		Example: `  iris man ~/.local/share/man/man1
  man iris-request`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("want one DIR, got %d", len(args))
			}
			return nil
		},
	}
	cmd.RunE = work(func(args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return fmt.Errorf("cannot make the folder: %w", err)
		}
		for _, c := range documented(cmd.Root()) {
			name := filepath.Join(args[0], pageName(c)+".1")
			if err := os.WriteFile(name, manPage(c), 0o644); err != nil {
				return fmt.Errorf("cannot write the page: %w", err)
			}
			fmt.Fprintln(s.out, name)
		}
		return nil
	})
	return cmd
}

// documented returns a command and all below it that users are to know.
func documented(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			list = append(list, documented(c)...)
		}
	}
	return list
}
