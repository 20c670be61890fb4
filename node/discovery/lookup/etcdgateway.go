package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	perEndpoint = 3 * time.Second // for one answer
	maxAnswer   = 4 << 20         // bytes of one
)

// gateway speaks etcd's JSON gateway, as far as it is needed here. Keys and values
// travel as base64, which is what encoding/json makes of []byte; 64-bit numbers as
// text. Used by one goroutine at a time.
type gateway struct {
	cfg    EtcdConfig
	client *http.Client
	waits  time.Duration // for an answer
	last   int           // index of the endpoint that answered last
	token  string        // of the last authentication
}

// entry is one key with its value.
type entry struct{ key, value string }

func newGateway(cfg EtcdConfig) *gateway {
	return &gateway{cfg: cfg, waits: perEndpoint, client: &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true, Proxy: http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a token is for etcd only
	}}
}

func (g *gateway) close() { g.client.CloseIdleConnections() }

func (g *gateway) grant(ctx context.Context, seconds int) (lease string, err error) {
	var out struct{ ID string }
	err = g.call(ctx, "lease/grant", map[string]any{"TTL": seconds}, &out)
	if err == nil && out.ID == "" {
		err = errors.New("etcd granted a lease without an id")
	}
	return out.ID, err
}

// keepAlive reports whether the lease was there to be renewed.
func (g *gateway) keepAlive(ctx context.Context, lease string) (alive bool, err error) {
	var out struct{ Result struct{ TTL string } }
	err = g.call(ctx, "lease/keepalive", map[string]any{"ID": lease}, &out)
	return out.Result.TTL != "" && out.Result.TTL != "0", err
}

func (g *gateway) revoke(ctx context.Context, lease string) error {
	return g.call(ctx, "lease/revoke", map[string]any{"ID": lease}, &struct{}{})
}

func (g *gateway) put(ctx context.Context, key, value, lease string) error {
	return g.call(ctx, "kv/put", map[string]any{"key": []byte(key), "value": []byte(value), "lease": lease}, &struct{}{})
}

// list returns at most limit entries with from <= key < end.
func (g *gateway) list(ctx context.Context, from, end string, limit int) ([]entry, error) {
	var out struct{ KVs []struct{ Key, Value []byte } }
	err := g.call(ctx, "kv/range", map[string]any{"key": []byte(from), "range_end": []byte(end), "limit": limit}, &out)
	var entries []entry
	for _, kv := range out.KVs {
		if len(entries) < limit {
			entries = append(entries, entry{string(kv.Key), string(kv.Value)})
		}
	}
	return entries, err
}

// refusal is an answer other than 200: etcd is there and says no.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("etcd answers %d: %s", r.status, brief(r.message))
}

// call asks the endpoints in turn, the one that answered last first, until one
// answers. It authenticates first where that is needed, and once more when the
// token is no longer good.
func (g *gateway) call(ctx context.Context, method string, in, out any) error {
	var errs []error
	for i := range g.cfg.Endpoints {
		at := (g.last + i) % len(g.cfg.Endpoints)
		err := g.authenticated(ctx, g.cfg.Endpoints[at], method, in, out)
		var no *refusal
		if err == nil || errors.As(err, &no) && no.status < 500 {
			g.last = at
			return err
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (g *gateway) authenticated(ctx context.Context, endpoint, method string, in, out any) error {
	if g.cfg.Username == "" {
		return g.post(ctx, endpoint, method, in, out)
	}
	for attempt := 0; ; attempt++ {
		if g.token == "" {
			var granted struct{ Token string }
			login := map[string]any{"name": g.cfg.Username, "password": g.cfg.Password()}
			if err := g.post(ctx, endpoint, "auth/authenticate", login, &granted); err != nil {
				return fmt.Errorf("authenticate: %w", err)
			}
			g.token = granted.Token
		}
		err := g.post(ctx, endpoint, method, in, out)
		var no *refusal
		if attempt > 0 || !errors.As(err, &no) || no.status != http.StatusUnauthorized && !strings.Contains(no.message, "invalid auth token") {
			return err
		}
		g.token = ""
	}
}

// post sends one request and reads its answer. Of a stream it reads the first.
func (g *gateway) post(ctx context.Context, endpoint, method string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, g.waits)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/v3/"+method, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if g.token != "" {
		req.Header.Set("Authorization", g.token)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode != http.StatusOK {
		var no struct{ Message, Error string }
		_ = json.NewDecoder(answer).Decode(&no) // some proxies answer without JSON
		if no.Message == "" {
			no.Message = no.Error
		}
		return &refusal{resp.StatusCode, no.Message}
	}
	if err := json.NewDecoder(answer).Decode(out); err != nil {
		return fmt.Errorf("etcd %s: %w", method, err)
	}
	_, _ = io.Copy(io.Discard, answer) // read to its end, so that the connection can be used again
	return nil
}
