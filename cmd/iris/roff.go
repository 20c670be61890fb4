package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pageName is that of a command's man page: iris-context-add.
func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// roff is a man page that grows. See man(7).
type roff struct{ bytes.Buffer }

// escape makes text that roff takes as it is.
var escape = strings.NewReplacer(`\`, `\e`, `-`, `\-`)

// text writes lines of running text; an empty one begins a paragraph.
func (r *roff) text(s string) {
	for line := range strings.Lines(s) {
		line = escape.Replace(strings.TrimSpace(line))
		switch {
		case line == "":
			line = ".PP"
		case line[0] == '.' || line[0] == '\'':
			line = `\&` + line
		}
		r.WriteString(line + "\n")
	}
}

// verbatim writes lines as they are.
func (r *roff) verbatim(s string) {
	r.WriteString(".PP\n.nf\n")
	for line := range strings.Lines(s) {
		r.WriteString(`\&` + escape.Replace(strings.TrimRight(line, "\n")) + "\n")
	}
	r.WriteString(".fi\n")
}

func (r *roff) section(name string) { r.WriteString(".SH " + name + "\n") }

// manPage writes the page of a command.
func manPage(cmd *cobra.Command) []byte {
	cmd.InitDefaultHelpFlag()
	name := pageName(cmd)
	r := &roff{}
	fmt.Fprintf(r, ".TH \"%s\" 1 \"\" \"Iris\" \"Iris\"\n", escape.Replace(strings.ToUpper(name)))
	r.section("NAME")
	r.text(name + " - " + cmd.Short)
	r.section("SYNOPSIS")
	r.text(cmd.UseLine())
	r.section("DESCRIPTION")
	if cmd.Long != "" {
		r.text(cmd.Long)
	} else {
		r.text(cmd.Short + ".")
	}
	r.section("OPTIONS")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			r.flag(f)
		}
	})
	if cmd.Example != "" {
		r.section("EXAMPLES")
		r.verbatim(cmd.Example)
	}
	r.section(`"EXIT STATUS"`)
	r.text("0: all went well. 1: something failed. 2: the command line is wrong. 3: nobody is there, or not in time.")
	r.related(cmd)
	return r.Bytes()
}

func (r *roff) flag(f *pflag.Flag) {
	kind, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if kind != "" {
		name += " " + kind
	}
	r.WriteString(".TP\n.B ")
	r.text(name)
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
		usage += " (default " + f.DefValue + ")"
	}
	r.text(usage)
}

// related names the pages above and below.
func (r *roff) related(cmd *cobra.Command) {
	var pages []string
	if cmd.HasParent() {
		pages = append(pages, pageName(cmd.Parent()))
	}
	for _, c := range documented(cmd)[1:] {
		if c.Parent() == cmd {
			pages = append(pages, pageName(c))
		}
	}
	r.section(`"SEE ALSO"`)
	for i, p := range pages {
		end := ","
		if i == len(pages)-1 {
			end = ""
		}
		r.WriteString(".BR " + escape.Replace(p) + " (1)" + end + "\n")
	}
}
