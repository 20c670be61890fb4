package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"iris/cmd/iris/internal/table"
	"iris/cmd/iris/internal/view"
	"iris/internal/id"
	"iris/internal/printable"
	"iris/node/admin/client"
	"iris/node/config"
)

// adminFlags say which admin endpoint a command asks: that of --admin, of
// --context, of IRIS_CONTEXT, of the context in use, or of this host; and about
// which node.
type adminFlags struct {
	addr, context, tokenFile, caFile string
	node                             string
	timeout                          time.Duration
	json                             bool
	forever                          bool // a timeout of 0 means none
}

// add gives a command the flags. about says whether it can ask other nodes.
func (f *adminFlags) add(cmd *cobra.Command, about bool) {
	fl := cmd.Flags()
	if about {
		fl.StringVar(&f.node, "node", "", "ask about another `NODE`, by the first one: its id, the beginning of it, or the name of its host")
	}
	fl.BoolVar(&f.json, "json", false, "print JSON, one object per line")
	fl.DurationVarP(&f.timeout, "timeout", "t", 5*time.Second, "how long to wait for an answer")
	fl.StringVar(&f.addr, "admin", "", "admin endpoint to ask, `host:port`, or https://host:port (default that of the context, or "+client.DefaultAddr+")")
	fl.StringVar(&f.tokenFile, "token-file", "", "`FILE` with the token that the endpoint wants")
	fl.StringVar(&f.caFile, "ca-file", "", "`FILE` with the certificates that may sign the endpoint's, in PEM (default those of the system)")
	fl.StringVar(&f.context, "context", "", "`NAME` of the context that says which endpoint, see iris context (default $"+contextVariable+", or the one in use)")
	// It fails for flags that do not exist only.
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts)
}

func (f *adminFlags) check() error {
	switch {
	case f.addr != "" && f.context != "":
		return errors.New("want one of --admin and --context, not both")
	case f.timeout < 0 || f.timeout > maxWait:
		return fmt.Errorf("timeout: %v: want 0 to %v", f.timeout, maxWait)
	case f.timeout == 0 && !f.forever:
		return errors.New("timeout: 0: want more, as nobody answers at once")
	}
	return checkAdmin(f.addr)
}

// checkAdmin returns what is wrong with the address of an admin endpoint; empty is
// that of this host.
func checkAdmin(addr string) error {
	c, err := client.New(client.Config{Addr: addr})
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	c.Close()
	return nil
}

// connect returns a client of the endpoint to ask, and the file of its token.
func (f *adminFlags) connect() (c *client.Client, token string, err error) {
	p := profile{Admin: f.addr}
	if f.addr == "" {
		if p, err = chosenContext(f.context); err != nil {
			return nil, "", err
		}
	}
	if f.tokenFile != "" {
		p.AdminTokenFile = f.tokenFile
	}
	if f.caFile != "" {
		p.AdminCAFile = f.caFile
	}
	cfg := client.Config{Addr: p.Admin}
	if p.AdminTokenFile != "" {
		token, err := config.ReadToken(filepath.Clean(p.AdminTokenFile))
		if err != nil {
			return nil, "", err
		}
		cfg.Token = hex.EncodeToString(token)
	}
	if p.AdminCAFile != "" {
		pem, err := os.ReadFile(p.AdminCAFile)
		if err != nil {
			return nil, "", fmt.Errorf("cannot read the certificates: %w", err)
		}
		cfg.Roots = x509.NewCertPool()
		if !cfg.Roots.AppendCertsFromPEM(pem) {
			return nil, "", fmt.Errorf("%s holds no certificates in PEM", p.AdminCAFile)
		}
	}
	c, err = client.New(cfg)
	return c, p.AdminTokenFile, err
}

// session is a command's talk with an endpoint.
type session struct {
	*client.Client
	flags *adminFlags
	token string // the file it came from
	node  string // that is asked about; empty for the endpoint's own
}

// begin finds the endpoint, and the node that --node means.
func (f *adminFlags) begin(ctx context.Context) (*session, error) {
	c, token, err := f.connect()
	if err != nil {
		return nil, err
	}
	s := &session{Client: c, flags: f, token: token}
	if s.node, err = s.find(ctx, f.node); err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

// find returns the id of the node that is meant.
func (s *session) find(ctx context.Context, meant string) (string, error) {
	if meant == "" {
		return "", nil
	}
	if n, err := id.Parse(meant); err == nil {
		return n.String(), nil
	}
	network, err := s.Network(ctx)
	if err != nil {
		return "", s.explain(err)
	}
	var found []string
	for _, b := range network.Nodes {
		if b.Name == meant || strings.HasPrefix(b.ID, strings.ToLower(meant)) {
			found = append(found, b.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", nobody{fmt.Errorf("no node is called %q: 'iris status --all' lists them", meant)}
	}
	return "", fmt.Errorf("%d nodes are called %q: %s", len(found), meant, strings.Join(found, ", "))
}

// names returns the hosts of the nodes, as far as they can be known.
func (s *session) names(ctx context.Context) view.Names {
	network, err := s.Network(ctx)
	if err != nil {
		return nil // ids alone do
	}
	return view.NamesOf(network)
}

// explain says why there is no answer, and what to do.
func (s *session) explain(err error) error {
	var refused *client.Error
	var timeout net.Error
	var unknown x509.UnknownAuthorityError
	var clear *net.OpError
	switch {
	case err == nil, errors.As(err, new(nobody)):
		return err
	case errors.As(err, &refused):
		return s.explainRefusal(refused)
	case errors.Is(err, syscall.ECONNREFUSED):
		return nobody{fmt.Errorf("there is no admin endpoint at %s: start a node with 'iris node', or choose another with --admin or --context", s.Base())}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return nobody{fmt.Errorf("the admin endpoint at %s did not answer within %v", s.Base(), s.flags.timeout)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), strings.Contains(err.Error(), "malformed HTTP"):
		return nobody{fmt.Errorf("who listens at %s does not answer as an admin endpoint, or has just stopped: admin.listen of the node says where that is", s.Base())}
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: --ca-file names the file with the certificate of who signed it", err)
	case errors.As(err, &clear) && clear.Op == "dial":
		return nobody{err}
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak TLS: http:// in front of the address says so, on this host only", s.Base())
	}
	return err
}

func (s *session) explainRefusal(e *client.Error) error {
	e = &client.Error{Status: e.Status, Text: printable.Text(e.Text)}
	switch {
	case strings.Contains(e.Text, "HTTP request to an HTTPS server"):
		return fmt.Errorf("%s speaks TLS: put https:// in front of the address", s.Base())
	case e.Status == http.StatusUnauthorized && s.token == "":
		return fmt.Errorf("%s wants a token: --token-file names the file, admin.token_file of the node", s.Base())
	case e.Status == http.StatusUnauthorized:
		return fmt.Errorf("%s does not take the token in %s", s.Base(), s.token)
	case slices.Contains([]int{http.StatusNotFound, http.StatusGatewayTimeout}, e.Status):
		return nobody{e}
	}
	return e
}

// object prints JSON on one line, fit for a terminal.
func (s streams) object(data json.RawMessage) error {
	var line bytes.Buffer
	if err := json.Compact(&line, data); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "%s\n", printable.JSON(line.Bytes()))
	return err
}

// table prints rows within the width of the terminal, if it is one.
func (s streams) table(t *table.Table) error { return t.Write(s.out, terminalWidth(s.out)) }

// lines prints text, line by line.
func (s streams) lines(list []string) error {
	_, err := fmt.Fprintln(s.out, strings.Join(list, "\n"))
	return err
}

// asker is a command that asks an admin endpoint.
type asker struct {
	manual manual
	flags  *adminFlags
	here   bool // it asks about the endpoint's node only
	args   cobra.PositionalArgs
	run    func(ctx context.Context, s *session, args []string) error
}

// command makes a command of it; the first signal ends ctx, as does the timeout.
func (a asker) command(signals <-chan os.Signal) *cobra.Command {
	cmd := a.manual.command()
	cmd.GroupID = groupInspect
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	a.flags.add(cmd, !a.here)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := a.flags.check(); err != nil {
			return err
		}
		return a.args(cmd, args)
	}
	cmd.RunE = work(func(args []string) error {
		ctx, stop := interruptible(signals)
		defer stop()
		limited, cancel := context.WithTimeout(ctx, a.flags.timeout)
		defer cancel()
		s, err := a.flags.begin(limited)
		if err != nil {
			return err
		}
		defer s.Close()
		err = a.run(limited, s, args)
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		return s.explain(err)
	})
	return cmd
}

// nameArg takes one name at most.
func nameArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("want one %s at most, got %d", what, len(args))
		}
		return nil
	}
}
