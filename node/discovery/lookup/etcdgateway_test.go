package lookup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"iris/internal/id"
)

// fake serves one answer to everything.
func fake(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

// TestGatewayRefuses shows the client answers that no etcd gives.
func TestGatewayRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"not JSON":         {200, "<html>", "etcd lease/grant: invalid character"},
		"nothing":          {200, "", "etcd lease/grant: EOF"},
		"no id":            {200, "{}", "without an id"},
		"a refusal":        {400, `{"error":"x","message":"no such\nthing \u001b[31m","code":3}`, "etcd answers 400: no such thing \\x1b[31m"},
		"a proxy's":        {502, "<html>bad gateway", "etcd answers 502: "},
		"a redirect":       {302, "", "etcd answers 302: "},
		"too long":         {200, `{"x":"` + strings.Repeat("x", maxAnswer) + `"}`, "unexpected EOF"},
		"of another shape": {200, `{"ID":[1]}`, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			e := entrant(t, fake(t, c.status, c.body).URL, 1)
			if _, err := e.register(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestGatewayIsBounded has an etcd that sends more than it was asked for.
func TestGatewayIsBounded(t *testing.T) {
	kv := `{"key":"L2lyaXM=","value":"YToxCmE6MgphOjMKYTo0CmE6NQ=="}` // five addresses
	s := fake(t, 200, `{"kvs":[`+strings.Repeat(kv+",", 9999)+kv+`]}`)
	got, err := entrant(t, s.URL, 1).Lookup(t.Context())
	if err != nil || len(got) != MaxAddrs {
		t.Errorf("%d addresses, %v", len(got), err)
	}
	four := entrant(t, s.URL, 1, func(c *EtcdConfig) { c.Keys = append(c.Keys, []byte("two"), []byte("three")) })
	if got, err := four.Lookup(t.Context()); !errors.Is(err, errTooMany) || len(got) != MaxAddrs {
		t.Errorf("%d addresses, %v", len(got), err)
	}
}

// TestGatewayTakesTheNextEndpoint holds that a member of etcd that is down or
// unwell is passed by, and remembered as such.
func TestGatewayTakesTheNextEndpoint(t *testing.T) {
	var sick, well atomic.Int32
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sick.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer bad.Close()
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		well.Add(1)
		fmt.Fprint(w, `{"ID":"7","result":{"TTL":"3"}}`)
	}))
	defer good.Close()
	e := entrant(t, "", 1, func(c *EtcdConfig) { c.Endpoints = []string{bad.URL, "http://" + freePort(t), good.URL + "/"} })
	for range 3 {
		enter(t, e)
	}
	if sick.Load() != 1 || well.Load() != 4 { // grant, put, two renewals
		t.Errorf("%d calls to the sick one, %d to the well one", sick.Load(), well.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.register(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after the end of the context", err)
	}
}

func TestGatewayTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ID":"7"}`) }))
	defer s.Close()
	if _, err := entrant(t, s.URL, 1).register(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with an unknown authority: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	enter(t, entrant(t, s.URL, 1, func(c *EtcdConfig) { c.TLS = &tls.Config{RootCAs: pool} }))
}

const goldenTag = "fcd2bdb646c8661c9da5330e98822040"

func TestEtcdTag(t *testing.T) {
	e := entrant(t, "http://127.0.0.1:1", 1)
	// Computed by another implementation: HMAC-SHA256(key, "iris/v1/etcd-tag"), 16 bytes.
	if want := "/iris/" + goldenTag + "/" + (id.ID{Lo: 1}).String(); e.key() != want {
		t.Errorf("key %s, want %s", e.key(), want)
	}
	if _, err := NewEtcd(EtcdConfig{}); err == nil {
		t.Error("an empty configuration is one")
	}
}
