package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"iris/node/config"
	"iris/transport/identity"
)

func newKeygen(s streams) *cobra.Command {
	var file string
	var keep bool
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make a network key",
		Long: `Make a random network key (Ed25519, PEM) in a new file that only you can read,
and print the name of the file. Every node of a network needs the same key:
copy the file to each machine and name it in network.key of the config file.
An existing file is never overwritten; with --keep one that holds a usable key
is left as it is, and that is no failure.`,
		Args: noArgs,
		RunE: work(func([]string) error { return keygen(s, file, keep) }),
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep a key that is there already")
	cmd.Flags().StringVarP(&file, "output", "o", "iris.key", "file to create")
	return cmd
}

func keygen(s streams, file string, keep bool) error {
	if _, err := os.Lstat(file); keep && err == nil {
		if _, err := config.ReadKey(file); err != nil {
			return err
		}
		fmt.Fprintln(s.out, file)
		return nil
	}
	pem, err := identity.GeneratePEM(nil)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and is not overwritten: nodes that use it would be cut off from new ones; choose another file with -o", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(pem)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, os.Remove(file)) // no half a key
	}
	fmt.Fprintln(s.out, file)
	return nil
}
