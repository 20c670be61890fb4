package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	kinds := map[string]func(string) error{"compose": compose, "kubernetes": kubernetes}
	if len(os.Args) < 3 || kinds[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: deploy compose|kubernetes FILE...")
		os.Exit(2)
	}
	for _, file := range os.Args[2:] {
		if err := kinds[os.Args[1]](file); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
			os.Exit(1)
		}
	}
}

// compose loads a file as docker compose config does.
func compose(file string) error {
	o, err := cli.NewProjectOptions([]string{file})
	if err != nil {
		return err
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("%s: project %s with the services %s\n", file, p.Name, strings.Join(p.ServiceNames(), ", "))
	return nil
}

// types are those of the objects that a manifest may have.
var types = map[string]func() any{
	"v1/ConfigMap":                  func() any { return new(core.ConfigMap) },
	"v1/Service":                    func() any { return new(core.Service) },
	"apps/v1/StatefulSet":           func() any { return new(apps.StatefulSet) },
	"policy/v1/PodDisruptionBudget": func() any { return new(policy.PodDisruptionBudget) },
}

// kubernetes reads each object of a file into its type.
func kubernetes(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var failed error
	for doc := range strings.SplitSeq(string(text), "\n---\n") {
		if err := object([]byte(doc)); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func object(doc []byte) error {
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return err
	}
	kind := head.APIVersion + "/" + head.Kind
	if types[kind] == nil {
		return fmt.Errorf("an object of the unknown kind %q", kind)
	}
	if err := yaml.UnmarshalStrict(doc, types[kind]()); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	fmt.Printf("%s is well-formed\n", kind)
	return nil
}
