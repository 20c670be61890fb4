package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestNoAdminEndpoint: something that listens and is no admin endpoint is called so.
func TestNoAdminEndpoint(t *testing.T) {
	for _, answer := range []string{"", "220 mail.example\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = conn.Read(make([]byte, 1)) // what is asked does not matter
				_, _ = conn.Write([]byte(answer))
				_ = conn.Close()
			}
		}()
		e := &endpoint{Server: &httptest.Server{URL: "http://" + l.Addr().String()}}
		if status, _, errs := e.iris(t, "status"); status != exitNobody || !strings.Contains(errs, "does not answer as an admin endpoint") {
			t.Errorf("%q: status %d, %q", answer, status, errs)
		}
		_ = l.Close()
		<-done
	}
}

// TestBundleAsksOnce: who does not answer the first question is not asked others.
func TestBundleAsksOnce(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusGatewayTimeout)
	}))
	defer s.Close()
	e := &endpoint{Server: s}
	file := filepath.Join(t.TempDir(), "b.tar.gz")
	if status, _, errs := e.iris(t, "bundle", "-o", file); status != exitNobody || asked.Load() != 1 {
		t.Errorf("status %d after %d questions, %q", status, asked.Load(), errs)
	}
}

// TestListHint: --limit 0 is only recommended where it shows more.
func TestListHint(t *testing.T) {
	for answer, hint := range map[string]bool{
		`{"items":[{"path":"a"}],"total":20}`:                        false, // no more than these are told
		`{"items":[{"path":"a"},{"path":"b"}],"total":20}`:           true,
		`{"items":[{"path":"a"},{"path":"b"}],"total":2}`:            false,
		`{"items":[{"path":"a"},{"path":"b"}],"total":3,"next":"z"}`: true,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		e := &endpoint{Server: s}
		status, _, errs := e.iris(t, "actors", "--limit", "2")
		if status != exitOK || strings.Contains(errs, "--limit 0 shows all") != hint {
			t.Errorf("%s: status %d, %q", answer, status, errs)
		}
		s.Close()
	}
}

// TestKinds: those of events are the ones of the documentation, and the first of
// each stream.
func TestKinds(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "<!-- generated: events -->")
	table, _, _ = strings.Cut(table, "<!-- end -->")
	want := []string{"Hello"}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		want = append(want, m[1])
	}
	if !slices.Equal(eventKinds(), want) {
		t.Errorf("got %q, want %q", eventKinds(), want)
	}
	if err := checkKinds([]string{"shop.StockLow", " PeerUp"}); err != nil {
		t.Error(err)
	}
}
