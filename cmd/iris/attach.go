package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"iris/node/config"
	"iris/node/relay/client"
)

// attachTimeout bounds the way to a relay.
const attachTimeout = 5 * time.Second

// relayFlags say which relay a command attaches to: that of --relay, of
// --context, of IRIS_CONTEXT, of the context in use, or of this host.
type relayFlags struct{ addr, context, tokenFile string }

func (f *relayFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.addr, "relay", "", "relay to attach to, `host:port` (default that of the context, or "+client.DefaultAddr+")")
	fl.StringVar(&f.tokenFile, "token-file", "", "`FILE` with the token that the relay wants, if it is not on this host")
	fl.StringVar(&f.context, "context", "", "`NAME` of the context that says which relay, see iris context (default $"+contextVariable+", or the one in use)")
	// It fails for flags that do not exist only.
	_ = cmd.RegisterFlagCompletionFunc("context", completeContexts)
}

func (f *relayFlags) check() error {
	if f.addr != "" && f.context != "" {
		return errors.New("want one of --relay and --context, not both")
	}
	if f.addr == "" {
		return nil
	}
	return checkEndpoint("relay", f.addr)
}

// checkEndpoint returns what is wrong with an address to attach to.
func checkEndpoint(what, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return fmt.Errorf("%s: %q is not host:port, such as localhost:55555 or [fd00::7]:55555", what, addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%s: %q is no port", what, port)
	}
	return nil
}

// target returns the relay to attach to.
func (f *relayFlags) target() (profile, error) {
	p := profile{Relay: f.addr}
	if f.addr == "" {
		var err error
		if p, err = chosenContext(f.context); err != nil {
			return profile{}, err
		}
	}
	if f.tokenFile != "" {
		p.TokenFile = f.tokenFile
	}
	if p.Relay == "" {
		p.Relay = client.DefaultAddr
	}
	return p, nil
}

// attach connects to the relay. The errors say what to do next.
func (f *relayFlags) attach(ctx context.Context, cfg client.Config) (*client.Conn, error) {
	p, err := f.target()
	if err != nil {
		return nil, err
	}
	cfg.Addr = p.Relay
	if p.TokenFile != "" {
		token, err := config.ReadToken(filepath.Clean(p.TokenFile))
		if err != nil {
			return nil, err
		}
		cfg.Token = hex.EncodeToString(token)
	}
	limited, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	conn, err := client.Dial(limited, cfg)
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, explainAttach(p, err)
}

// explainAttach says why there is no connection to the relay, and what to do.
func explainAttach(p profile, err error) error {
	var denied *client.Denied
	var timeout net.Error
	switch {
	case errors.As(err, &denied):
		return fmt.Errorf("the relay at %s refuses: %s", p.Relay, denied.Reason)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("there is no relay at %s (%w): start one with 'iris node', or choose another with --relay or --context", p.Relay, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return nobody{fmt.Errorf("the relay at %s does not answer within %v: is it one?", p.Relay, attachTimeout)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		if p.TokenFile == "" {
			return fmt.Errorf("the relay at %s hung up (%w): perhaps it wants a token, see --token-file", p.Relay, err)
		}
		return fmt.Errorf("the relay at %s hung up (%w): perhaps the token in %s is not its own", p.Relay, err, p.TokenFile)
	}
	return fmt.Errorf("cannot attach to the relay at %s: %w", p.Relay, err)
}
