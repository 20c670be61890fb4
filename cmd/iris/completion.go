package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// shells are what completions can be written for.
func shells(root *cobra.Command) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        root.GenZshCompletion,
		"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": root.GenPowerShellCompletionWithDesc,
	}
}

func newCompletion(s streams) *cobra.Command {
	names := slices.Sorted(maps.Keys(shells(&cobra.Command{})))
	cmd := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print what makes a shell complete command lines of iris",
		Long:  "Print a script that makes a shell complete commands, flags and the names of contexts.\nSHELL is one of " + strings.Join(names, ", ") + `.`,
		Example: `  source <(iris completion bash)                       # in ~/.bashrc
  iris completion zsh >"${fpath[1]}/_iris"
  iris completion fish >~/.config/fish/completions/iris.fish
  iris completion powershell | Out-String | Invoke-Expression`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(names, args[0]) {
				return fmt.Errorf("want one SHELL: %s", strings.Join(names, ", "))
			}
			return nil
		},
		ValidArgs: names,
	}
	cmd.RunE = work(func(args []string) error { return shells(cmd.Root())[args[0]](s.out) })
	return cmd
}
