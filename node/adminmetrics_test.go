package node

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"iris/actor"
	"iris/node/admin/metrics"
	"iris/node/config"
)

// scrape returns what a node tells Prometheus, one line each without comments.
func scrape(t *testing.T, n *Node) (lines []string, text []byte) {
	t.Helper()
	status, text := get(t, n, "metrics")
	if status != 200 {
		t.Fatalf("%d: %s", status, text)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines, text
}

// value returns the value of a series, "" if it is not told.
func value(lines []string, series string) string {
	for _, l := range lines {
		if v, ok := strings.CutPrefix(l, series+" "); ok {
			return v
		}
	}
	return ""
}

func withAdmin(c *config.Config) { c.Admin.Listen = "0" }

func TestMetrics(t *testing.T) {
	nodes := together(t, 2, withAdmin)
	if _, err := nodes[0].Register("c", actor.Func(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case actor.Bytes:
			if string(m) == "fail" {
				panic("asked to")
			}
			ctx.Respond(m)
		}
	})); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", "fail", "b", strings.Repeat("x", 1<<20)} {
		_, err := nodes[1].Request(t.Context(), "c", actor.Bytes(text))
		if (err != nil) != (text == "fail") {
			t.Fatalf("%.10s: %v", text, err)
		}
	}
	came := make(chan struct{}, 16)
	if _, err := nodes[0].Subscribe("news", actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			came <- struct{}{}
		}
	})); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Publish(t.Context(), "news", actor.Bytes("x")); err != nil {
		t.Fatal(err)
	}
	receive(t, came)
	lines, text := scrape(t, nodes[0])
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	exactly := map[string]string{
		"iris_ready": "1", `iris_peers{state="alive"}`: "1", `iris_peers{state="suspect"}`: "0", "iris_handler_failures_total": "1",
		"iris_link_rtt_seconds_count": "1", `iris_large_messages_total{direction="received"}`: "1", `iris_large_messages_total{direction="sent"}`: "1",
		"iris_links_refused_total": "0", `iris_lane_queued_bytes{lane="direct"}`: "0", `iris_memory_limit_bytes{queue="lanes"}`: "1.34217728e+08",
		`iris_mailbox_messages{part="clusters"}`: "0", "iris_relay_clients": "0", `iris_discovery_dropped_total{reason="forged"}`: "0",
		`iris_admin_refused_total{reason="foreign"}`: "0", `iris_handled_messages_total{part="clusters"}`: "4",
		`iris_cluster_members{cluster="c"}`: "1", `iris_request_seconds_count{cluster="c"}`: "4", `iris_requests_failed_total{cluster="c"}`: "1",
		`iris_topic_delivered_total{topic="news"}`: "1", `iris_topic_published_total{topic="news"}`: "1", "iris_tunnels": "0",
	}
	eventually(t, "the end of the last turns and writes", func() bool {
		lines, text = scrape(t, nodes[0])
		return value(lines, `iris_lane_queued_bytes{lane="direct"}`) == "0" && value(lines, `iris_handled_messages_total{part="clusters"}`) == "4"
	})
	for series, want := range exactly {
		if got := value(lines, series); got != want {
			t.Errorf("%s is %q, want %s", series, got, want)
		}
	}
	askers, _ := scrape(t, nodes[1])
	if got := value(askers, `iris_requests_asked_total{cluster="c"}`); got != "4" {
		t.Errorf("asked %s", got)
	}
	for _, f := range metrics.Families() {
		perhaps := f.Name == "iris_dead_letters_total" || strings.HasPrefix(f.Name, "iris_discovery_lookup") // if there are any
		if !perhaps && !bytes.Contains(text, []byte("# HELP "+f.Name+" ")) {
			t.Errorf("%s is not told", f.Name)
		}
	}
	for _, series := range []string{"iris_messages_delivered_total", "iris_link_sent_bytes_total", "iris_events_published_total", "go_goroutines", "process_open_fds"} {
		if v := value(lines, series); v == "" || v == "0" {
			t.Errorf("%s is %q", series, v)
		}
	}
	for _, n := range nodes {
		if bytes.Contains(text, []byte(n.ID()[:8])) {
			t.Errorf("a label names node %s", n.ID())
		}
	}
}
