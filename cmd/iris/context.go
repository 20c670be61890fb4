package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	admin "iris/node/admin/client"
	"iris/node/relay/client"
)

func newContext(s streams) *cobra.Command {
	cmd := group("context", "Remember nodes by name")
	cmd.Long = `Remember where nodes are reached: the relay that commands attach to, the admin
endpoint that they ask, the files with their tokens. A command takes the context of --context, else
of IRIS_CONTEXT, else the one in use. The context "default" is always there and
means this host: relay ` + client.DefaultAddr + `, admin endpoint ` + admin.DefaultAddr + `.

Contexts are kept in iris/contexts.yaml in the user's folder of configurations
($XDG_CONFIG_HOME or ~/.config on Linux), readable for the user alone.`
	cmd.Example = `  iris context add prod --relay 10.0.0.5:55555 --token-file prod.token
  iris context use prod
  iris request echo hi                     # asks there
  iris request echo hi --context default   # asks here`
	cmd.AddCommand(newContextAdd(s), newContextUse(s), newContextList(s), newContextShow(s), newContextRemove(s))
	return cmd
}

// contextArg wants the name of a context.
func contextArg(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one NAME, got %d", len(args))
	}
	return nil
}

// completeContexts completes names of contexts, unless one is there.
func completeContexts(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := readContexts()
	if err != nil || len(args) > 0 && cmd.HasParent() && cmd.Parent().Name() == "context" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.names(), cobra.ShellCompDirectiveNoFileComp
}

func newContextAdd(s streams) *cobra.Command {
	var p profile
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Remember a node",
		Long:    "Remember a node by a name: letters, digits, '.', '_', '-'. A name that is taken is\nnot replaced: remove it first.",
		Example: "  iris context add lab --relay lab.example:55555 --admin lab.example:9090",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := contextArg(cmd, args); err != nil {
				return err
			}
			return p.check(args[0])
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: work(func(args []string) error {
			c, err := readContexts()
			if err != nil {
				return err
			}
			name := args[0]
			if _, taken := c.Contexts[name]; taken {
				return fmt.Errorf("there is a context %q: 'iris context remove %s' forgets it", name, name)
			}
			for _, file := range []*string{&p.TokenFile, &p.AdminTokenFile, &p.AdminCAFile} {
				if *file == "" {
					continue
				}
				if *file, err = filepath.Abs(*file); err != nil {
					return err
				}
			}
			c.Contexts[name] = p
			if err := c.write(); err != nil {
				return err
			}
			fmt.Fprintf(s.err, "iris: 'iris context use %s' makes it the one in use\n", name)
			return nil
		}),
	}
	cmd.Flags().StringVar(&p.Relay, "relay", "", "relay, `host:port`")
	cmd.Flags().StringVar(&p.Admin, "admin", "", "admin endpoint, `host:port`, or https://host:port")
	cmd.Flags().StringVar(&p.TokenFile, "token-file", "", "`FILE` with the token of the relay")
	cmd.Flags().StringVar(&p.AdminTokenFile, "admin-token-file", "", "`FILE` with the token of the admin endpoint")
	cmd.Flags().StringVar(&p.AdminCAFile, "admin-ca-file", "", "`FILE` with the certificates that may sign that of the admin endpoint")
	return cmd
}

// check returns what is wrong with a profile under a name.
func (p profile) check(name string) error {
	switch {
	case name == defaultContext:
		return fmt.Errorf("%q is always there: choose another name", name)
	case !contextName.MatchString(name):
		return fmt.Errorf("%q is no name: want up to 64 letters, digits, '.', '_', '-'", name)
	case p == profile{}:
		return errors.New("nothing to remember: want --relay, --admin or a file")
	}
	var errs []error
	if p.Relay != "" {
		errs = append(errs, checkEndpoint("relay", p.Relay))
	}
	if p.Admin != "" {
		errs = append(errs, checkAdmin(p.Admin))
	}
	return errors.Join(errs...)
}

func newContextUse(s streams) *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the one in use",
		Args:              contextArg,
		ValidArgsFunction: completeContexts,
		RunE: work(func(args []string) error {
			c, err := readContexts()
			if err != nil {
				return err
			}
			if _, err := c.find(args[0]); err != nil {
				return err
			}
			c.Current = args[0]
			if err := c.write(); err != nil {
				return err
			}
			if name, by := c.inUse(); name != args[0] {
				fmt.Fprintf(s.err, "iris: but %s says %s, which goes first\n", by, name)
			}
			return nil
		}),
	}
}

func newContextRemove(_ streams) *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Forget a context",
		Args:              contextArg,
		ValidArgsFunction: completeContexts,
		RunE: work(func(args []string) error {
			c, err := readContexts()
			if err != nil {
				return err
			}
			name := args[0]
			if name == defaultContext {
				return fmt.Errorf("%q is always there and cannot be removed", name)
			}
			if _, err := c.find(name); err != nil {
				return err
			}
			delete(c.Contexts, name)
			if c.Current == name {
				c.Current = ""
			}
			return c.write()
		}),
	}
}

// named is a context in JSON. Fields are only ever added.
type named struct {
	Name  string `json:"name"`
	InUse bool   `json:"in_use"`
	profile
}

func (c *contexts) named(name string) named {
	p := c.Contexts[name]
	p.Relay = cmp.Or(p.Relay, client.DefaultAddr)
	p.Admin = cmp.Or(p.Admin, admin.DefaultAddr)
	inUse, _ := c.inUse()
	return named{name, name == inUse, p}
}

func newContextList(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the contexts",
		Args:  noArgs,
		RunE: work(func([]string) error {
			c, err := readContexts()
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
			if !asJSON {
				fmt.Fprintln(t, "  NAME\tRELAY\tADMIN")
			}
			for _, name := range c.names() {
				n := c.named(name)
				if asJSON {
					if err := (&printer{out: s.out}).object(n); err != nil {
						return err
					}
					continue
				}
				mark := " "
				if n.InUse {
					mark = "*"
				}
				fmt.Fprintf(t, "%s %s\t%s\t%s\n", mark, name, n.Relay, n.Admin)
			}
			return t.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per context")
	return cmd
}

func newContextShow(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [NAME]",
		Short: "Show a context, or the one in use",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("want one NAME at most, got %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: completeContexts,
		RunE: work(func(args []string) error {
			c, err := readContexts()
			if err != nil {
				return err
			}
			name, by := c.inUse()
			if len(args) == 1 {
				name, by = args[0], ""
			}
			if _, err := c.find(name); err != nil {
				return err
			}
			n := c.named(name)
			if asJSON {
				return (&printer{out: s.out}).object(n)
			}
			t := tabwriter.NewWriter(s.out, 0, 8, 2, ' ', 0)
			fmt.Fprintf(t, "name\t%s\nrelay\t%s\nrelay token\t%s\nadmin\t%s\nadmin token\t%s\nadmin CAs\t%s\n", name,
				n.Relay, cmp.Or(n.TokenFile, "-"), n.Admin, cmp.Or(n.AdminTokenFile, "-"), cmp.Or(n.AdminCAFile, "-"))
			if by != "" {
				fmt.Fprintf(t, "in use by\t%s\n", by)
			}
			return t.Flush()
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
