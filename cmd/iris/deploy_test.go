package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"iris/node/admin/metrics"
	"iris/node/config"
)

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "samples", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tree is a part of a YAML file.
type tree struct {
	t *testing.T
	v any
}

// at goes down a path of keys and indices.
func (x tree) at(path ...any) tree {
	x.t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := x.v.(map[string]any)
			if x.v = m[p]; !ok || x.v == nil {
				x.t.Fatalf("nothing at %v of %v", p, path)
			}
		case int:
			l, ok := x.v.([]any)
			if !ok || p >= len(l) {
				x.t.Fatalf("nothing at %v of %v", p, path)
			}
			x.v = l[p]
		}
	}
	return x
}

func (x tree) is(want any, path ...any) {
	x.t.Helper()
	got, _ := json.Marshal(x.at(path...).v)
	if text, _ := json.Marshal(want); !bytes.Equal(got, text) {
		x.t.Errorf("%v is %s, want %s", path, got, text)
	}
}

func (x tree) number(path ...any) int {
	x.t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(jsonText(x.at(path...).v)), "s"))
	if err != nil {
		x.t.Fatal(err)
	}
	return n
}

func jsonText(v any) string {
	text, _ := json.Marshal(v)
	return strings.Trim(string(text), `"`)
}

// documents parses a file of YAML documents.
func documents(t *testing.T, text string) (out []tree) {
	t.Helper()
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var v any
		if err := yaml.Unmarshal([]byte(doc), &v); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		out = append(out, tree{t, v})
	}
	return out
}

// nodeConfig holds the configuration inside of a deployment file to what a node
// takes, and to the schema.
func nodeConfig(t *testing.T, text string) config.Config {
	t.Helper()
	c, err := config.Parse("/etc/iris/node.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("iris.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile("iris.json")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Error(err)
	}
	return c.WithDefaults()
}

func TestDeployCompose(t *testing.T) {
	c := documents(t, deployed(t, "compose.yaml"))[0]
	cfg := nodeConfig(t, c.at("configs", "node", "content").v.(string))
	for _, n := range []string{"node1", "node2", "node3"} {
		s := c.at("services", n)
		s.is("nodes", "networks", "default", "aliases", 0)
		s.is("/etc/iris/node.yaml", "configs", 0, "target")
		s.is("key:"+path.Dir(cfg.Network.Key)+":ro", "volumes", 0)
		s.is("service_completed_successfully", "depends_on", "key", "condition")
		if grace := time.Duration(s.number("stop_grace_period")) * time.Second; grace <= cfg.Shutdown.Timeout {
			t.Errorf("%s has %v to stop, and needs %v", n, grace, cfg.Shutdown.Timeout)
		}
	}
	if !slices.Equal(cfg.Discovery.DNS, []string{"nodes:7000"}) || cfg.Listen != ":7000" {
		t.Errorf("finds %v, listens on %s", cfg.Discovery.DNS, cfg.Listen)
	}
	c.is([]string{"keygen", "--keep", "-o", cfg.Network.Key}, "services", "key", "command")
	c.is("key:"+path.Dir(cfg.Network.Key), "services", "key", "volumes", 0)
}

func TestDeployKubernetes(t *testing.T) {
	docs := documents(t, deployed(t, "kubernetes.yaml"))
	kinds := map[string]tree{}
	for _, d := range docs {
		kinds[d.at("kind").v.(string)] = d
		d.is("iris", "metadata", "name")
		d.at("apiVersion")
	}
	service, set, budget := kinds["Service"], kinds["StatefulSet"], kinds["PodDisruptionBudget"]
	cfg := nodeConfig(t, kinds["ConfigMap"].at("data", "node.yaml").v.(string))
	pod := set.at("spec", "template", "spec")
	container := pod.at("containers", 0)
	labels := set.at("spec", "template", "metadata", "labels").v
	service.is(labels, "spec", "selector")
	set.is(labels, "spec", "selector", "matchLabels")
	budget.is(labels, "spec", "selector", "matchLabels")
	service.is("None", "spec", "clusterIP")
	service.is(true, "spec", "publishNotReadyAddresses")
	set.is(service.at("metadata", "name").v, "spec", "serviceName")
	container.is([]any{map[string]any{"name": "links", "containerPort": 7000, "protocol": "UDP"}, map[string]any{"name": "tunnels", "containerPort": 7001, "protocol": "UDP"}, map[string]any{"name": "admin", "containerPort": 8787, "protocol": "TCP"}}, "ports")
	if cfg.Listen != ":7000" || cfg.Admin.Listen != ":8787" || !slices.Equal(cfg.Discovery.DNS, []string{"iris:7000"}) {
		t.Errorf("listens on %s and %s, finds %v", cfg.Listen, cfg.Admin.Listen, cfg.Discovery.DNS)
	}
	for _, p := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		container.is("admin", p, "httpGet", "port")
		container.is("HTTPS", p, "httpGet", "scheme") // which is all that an endpoint beyond loopback speaks
		want := "/healthz"
		if p == "readinessProbe" {
			want = "/readyz"
		}
		container.is(want, p, "httpGet", "path")
	}
	mounts := map[string]string{}
	for i := range container.at("volumeMounts").v.([]any) {
		m := container.at("volumeMounts", i)
		mounts[m.at("name").v.(string)] = m.at("mountPath").v.(string)
	}
	pod.is([]any{
		map[string]any{"name": "config", "configMap": map[string]any{"name": kinds["ConfigMap"].at("metadata", "name").v}},
		map[string]any{"name": "secret", "secret": map[string]any{"secretName": "iris", "defaultMode": 0o440}},
	}, "volumes")
	if !strings.Contains(deployed(t, "kubernetes.yaml"), "kubectl create secret generic iris ") {
		t.Error("nobody makes the secret")
	}
	for _, file := range []string{cfg.Network.Key, cfg.Admin.TokenFile, cfg.Admin.TLSCert, cfg.Admin.TLSKey} {
		if path.Dir(file) != mounts["secret"] || !strings.Contains(deployed(t, "kubernetes.yaml"), "--from-file="+path.Base(file)) {
			t.Errorf("%s is not part of the secret at %s", file, mounts["secret"])
		}
	}
	container.is([]any{"node", "-c", mounts["config"] + "/node.yaml"}, "args")
	pod.is(65532, "securityContext", "fsGroup")
	pod.is(true, "securityContext", "runAsNonRoot")
	container.is([]any{"ALL"}, "securityContext", "capabilities", "drop")
	if grace := time.Duration(pod.number("terminationGracePeriodSeconds")) * time.Second; grace <= cfg.Shutdown.Timeout {
		t.Errorf("%v to stop, and needs %v", grace, cfg.Shutdown.Timeout)
	}
}

func TestDeploySystemd(t *testing.T) {
	unit := deployed(t, "iris.service")
	for _, line := range []string{
		"Type=notify", "NotifyAccess=main", "DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "KillSignal=SIGTERM", "WatchdogSec=30",
		"LoadCredential=network.key:/etc/iris/network.key", "ExecStart=/usr/local/bin/iris node -c /etc/iris/node.yaml",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	m := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(unit)
	if m == nil {
		t.Fatal("no time to stop")
	}
	if sec, _ := strconv.Atoi(m[1]); time.Duration(sec)*time.Second <= config.Default().Shutdown.Timeout {
		t.Errorf("%d s to stop", sec)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze to verify the unit with")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "iris.service")
	unit = strings.ReplaceAll(unit, "/usr/local/bin/iris", exe) // it wants the program to be there
	if err := os.WriteFile(file, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--recursive-errors=no", file).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("iris.service")) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// 2.0 of 10: what is left of the exposure is that it uses the network of the host.
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=20", "--no-pager", file).CombinedOutput()
	switch {
	case bytes.Contains(out, []byte("unrecognized option")):
		t.Log("this systemd-analyze, older than 250, rates no files")
	case err != nil:
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

func TestDeploySysctl(t *testing.T) {
	for _, line := range []string{"net.core.rmem_max = 7340032", "net.core.wmem_max = 7340032"} {
		if !strings.Contains(deployed(t, "90-iris.conf"), "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

func TestDeployDockerfile(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"FROM scratch", "USER 65532:65532", "STOPSIGNAL SIGTERM", "EXPOSE 7000/udp 7001/udp", `ENTRYPOINT ["/iris"]`, `CMD ["node", "-c", "/etc/iris/node.yaml"]`,
	} {
		if !strings.Contains(string(data), "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	gomod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(gomod)
	if !bytes.Contains(data, append([]byte("FROM golang:"), version[1]...)) {
		t.Errorf("the image is not built with Go %s, which go.mod wants", version[1])
	}
	cmd := regexp.MustCompile(`(?m)^HEALTHCHECK .* CMD (\[.*\])$`).FindSubmatch(data)
	var words []string
	if err := json.Unmarshal(cmd[1], &words); err != nil || words[0] != "/iris" {
		t.Fatalf("%s: %v", cmd[1], err)
	}
	if out, err := runIris(t, append(words[1:], "--help")...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// runIris runs the command line in a process of its own to its end.
func runIris(t *testing.T, args ...string) ([]byte, error) {
	p := startIris(t, args...)
	var out bytes.Buffer
	_, err := out.ReadFrom(p.out)
	if err == nil {
		err = p.Wait()
	}
	return append(out.Bytes(), p.err.Bytes()...), err
}

// TestDeployGrafana holds the dashboard to metrics that exist, with labels that
// they have.
func TestDeployGrafana(t *testing.T) {
	known := map[string][]string{}
	for _, f := range metrics.Families() {
		labels := append([]string{"job", "instance"}, f.Labels...)
		known[f.Name] = labels
		if f.Type == "summary" {
			known[f.Name] = append(labels, "quantile")
			known[f.Name+"_sum"], known[f.Name+"_count"] = labels, labels
		}
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal([]byte(deployed(t, "grafana.json")), &board); err != nil {
		t.Fatal(err)
	}
	metric, by, label := regexp.MustCompile(`iris_\w+`), regexp.MustCompile(`by \(([^)]*)\)`), regexp.MustCompile(`(\w+)(?:=~|=)"`)
	ids, used := map[int]bool{}, 0
	check := func(title, expr string) {
		for _, name := range metric.FindAllString(expr, -1) {
			used++
			if known[name] == nil {
				t.Errorf("%s: there is no metric %s", title, name)
				continue
			}
			var labels []string
			for _, m := range by.FindAllStringSubmatch(expr, -1) {
				labels = append(labels, strings.Split(m[1], ", ")...)
			}
			for _, m := range label.FindAllStringSubmatch(expr, -1) {
				labels = append(labels, m[1])
			}
			for _, l := range labels {
				if !slices.Contains(known[name], l) {
					t.Errorf("%s: %s has no label %s", title, name, l)
				}
			}
		}
	}
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the number %d", p.ID)
		}
		ids[p.ID] = true
		for _, x := range p.Targets {
			check(p.Title, x.Expr)
		}
	}
	for _, v := range board.Templating.List {
		check(v.Name, v.Definition)
	}
	if used < 30 {
		t.Errorf("%d metrics are used", used)
	}
}
