package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"iris/node/config"
	"iris/node/inspect"
)

const (
	// DefaultAddr is the admin endpoint of this host.
	DefaultAddr = "localhost:" + config.AdminPort
	// MaxAnswer is the most bytes of an answer that are read.
	MaxAnswer = 64 << 20

	dialTimeout = 5 * time.Second
	maxPage     = 1000 // items that the endpoint gives at once
)

// Config says which endpoint to ask, and how.
type Config struct {
	// Addr is host:port, spoken to in the clear on the loopback interface and by
	// TLS else; or http://host:port, https://host:port. Empty = DefaultAddr.
	Addr string
	// Token is what the endpoint wants to be shown, in hexadecimal; empty = none.
	// It is not sent in the clear beyond the loopback interface.
	Token string
	// Roots are who may sign the endpoint's certificate; nil = those of the system.
	Roots *x509.CertPool
}

// Client asks one endpoint.
type Client struct {
	base  string // scheme://host:port
	token string
	http  *http.Client
}

// New returns a client. It fails if the address makes no sense, or would carry
// the token in the clear.
func New(cfg Config) (*Client, error) {
	base, err := baseOf(cfg.Addr)
	if err != nil {
		return nil, err
	}
	if cfg.Token != "" && strings.HasPrefix(base, "http:") && !isLoopback(base[len("http://"):]) {
		return nil, fmt.Errorf("%s would get the token in the clear: want https://", base)
	}
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: time.Minute,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots},
		MaxIdleConnsPerHost:   4,
	} // no Proxy: an admin endpoint is not asked through one
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, token: cfg.Token, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// baseOf returns the beginning of every URL.
func baseOf(addr string) (string, error) {
	if addr == "" {
		addr = DefaultAddr
	}
	scheme, rest, found := strings.Cut(addr, "://")
	if !found {
		scheme, rest = "https", addr
		if isLoopback(addr) {
			scheme = "http"
		}
	}
	rest = strings.TrimSuffix(rest, "/")
	host, port, err := net.SplitHostPort(rest)
	if err != nil || host == "" || port == "" || strings.ContainsAny(rest, "/?#@ ") || scheme != "http" && scheme != "https" {
		return "", fmt.Errorf("%q is not host:port, such as localhost:%s, or https://host:port", addr, config.AdminPort)
	}
	return scheme + "://" + rest, nil
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Base returns scheme, host and port of the endpoint.
func (c *Client) Base() string { return c.base }

// Close closes connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is what the endpoint answered instead of what it was asked for.
type Error struct {
	Status int    // of HTTP
	Text   string // what it says, as it came: not fit for a terminal
}

// Error returns what the endpoint says.
func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("status %d %s", e.Status, strings.ToLower(http.StatusText(e.Status)))
	}
	return e.Text
}

// Timeout reports whether the endpoint gave up waiting for another node.
func (e *Error) Timeout() bool { return e.Status == http.StatusGatewayTimeout }

// path returns that of what for a node; node is empty for the endpoint's own.
func path(node, what string) string {
	if node == "" {
		return "/api/v1/" + what
	}
	return "/api/v1/nodes/" + url.PathEscape(node) + "/" + what
}

// Get asks a node for a report and decodes it into v; a *json.RawMessage gets it
// as it came. An empty node is the one that has the endpoint.
func (c *Client) Get(ctx context.Context, node, what string, args url.Values, v any) error {
	return c.json(ctx, http.MethodGet, path(node, what), args, nil, v)
}

// Do gives a node a command, such as drain, and returns when it was carried out.
func (c *Client) Do(ctx context.Context, node, command string, args map[string]string) error {
	if args == nil {
		args = map[string]string{}
	}
	data, err := json.Marshal(args)
	if err != nil {
		return err
	}
	var done struct {
		Done bool `json:"done"`
	}
	if err := c.json(ctx, http.MethodPost, path(node, command), nil, data, &done); err != nil {
		return err
	}
	if !done.Done {
		return fmt.Errorf("%s was not carried out", command)
	}
	return nil
}

// Text returns what the endpoint gives at a path that is not JSON, such as
// /metrics.
func (c *Client) Text(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.send(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return read(resp.Body)
}

func (c *Client) json(ctx context.Context, method, path string, args url.Values, body []byte, v any) error {
	resp, err := c.send(ctx, method, path, args, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := read(resp.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s%s does not answer as an admin endpoint: %w", c.base, path, err)
	}
	return nil
}

func read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxAnswer+1))
	if err == nil && len(data) > MaxAnswer {
		err = fmt.Errorf("an answer of more than %d bytes", MaxAnswer)
	}
	return data, err
}

// send returns an answer of status 200; whoever gets it closes its body.
func (c *Client) send(ctx context.Context, method, path string, args url.Values, body []byte) (*http.Response, error) {
	url := c.base + path
	if len(args) > 0 {
		url += "?" + args.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Iris-Admin", "1") // this is no page of somebody else in a browser
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// refusal returns what an answer of another status says.
func refusal(resp *http.Response) *Error {
	const enough = 4 << 10
	data, _ := io.ReadAll(io.LimitReader(resp.Body, enough)) // what there is of it
	e := &Error{Status: resp.StatusCode}
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(data, &said) == nil {
		e.Text = said.Error
	} else if kind := resp.Header.Get("Content-Type"); kind == "" || strings.HasPrefix(kind, "text/plain") {
		e.Text = strings.TrimSpace(string(data))
	}
	return e
}

// Node asks a node for its description.
func (c *Client) Node(ctx context.Context, node string) (inspect.Node, error) {
	var n inspect.Node
	return n, c.Get(ctx, node, "node", nil, &n)
}

// Network asks for every node that the endpoint's node knows.
func (c *Client) Network(ctx context.Context) (inspect.Network, error) {
	var n inspect.Network
	return n, c.Get(ctx, "", "network", nil, &n)
}
