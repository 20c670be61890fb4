package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"iris/node/config"
)

func newConfig(s streams) *cobra.Command {
	cmd := group("config", "Check and show configurations")
	cmd.AddCommand(newConfigCheck(s), newConfigShow(s), newConfigSchema(s))
	return cmd
}

func newConfigSchema(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of config files",
		Long: `Print the JSON Schema of config files, draft 7, for editors to check and
complete with. It knows keys, types and ranges; config check knows more.`,
		Args: noArgs,
		RunE: work(func([]string) error {
			_, err := s.out.Write(config.JSONSchema())
			return err
		}),
	}
}

func newConfigCheck(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Report every problem of a config file",
		Long: `Read a config file as a node would, with the IRIS_ variables and the key file,
and report every problem with its place. The exit status is 1 if there is one.`,
		Args: fileArg,
		RunE: work(func(args []string) error {
			if _, err := config.Load(args[0]); err != nil {
				return explain(err)
			}
			fmt.Fprintf(s.out, "%s: ok\n", args[0])
			return nil
		}),
	}
}

func newConfigShow(s streams) *cobra.Command {
	var file string
	var origin, asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the effective configuration",
		Long: `Print the configuration that a node would run with: the config file, what
IRIS_ variables change, and the defaults of the rest. The secret is not shown.`,
		Args: noArgs,
		RunE: work(func([]string) error { return showConfig(s, file, origin, asJSON) }),
	}
	cmd.Flags().StringVarP(&file, "config", "c", "", "config file; without one, the developer defaults")
	cmd.Flags().BoolVar(&origin, "origin", false, "tell where each value comes from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func showConfig(s streams, file string, origin, asJSON bool) error {
	c, origins, err := config.LoadWithOrigins(file)
	if err != nil {
		return explain(err)
	}
	c = c.WithDefaults()
	if !asJSON {
		if !origin {
			origins = nil
		} else if origins == nil {
			origins = config.Origins{}
		}
		_, err := fmt.Fprint(s.out, c.YAML(origins))
		return err
	}
	shown := struct {
		Config  config.Config     `json:"config"`
		Origins map[string]string `json:"origins,omitempty"`
	}{Config: c}
	if origin {
		shown.Origins = map[string]string{}
		for _, setting := range c.Settings() {
			shown.Origins[setting.Path] = origins[setting.Path].String()
		}
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(shown)
}

// explain puts the number of problems in front of a configuration's errors.
func explain(err error) error {
	var problems config.Errors
	if !errors.As(err, &problems) {
		return err
	}
	count := "1 problem"
	if n := len(problems); n != 1 {
		count = fmt.Sprintf("%d problems", n)
	}
	return fmt.Errorf("%s in the configuration\n%w", count, err)
}
