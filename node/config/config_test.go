package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// key32 is good key material that no message may ever contain.
const key32 = "c4n4ryS3cr3tMat3rialN3v3rPr1nted0123456789abcdefXY"

func problems(t testing.TB, err error) Errors {
	t.Helper()
	if err == nil {
		return nil
	}
	var ps Errors
	if !errors.As(err, &ps) {
		t.Fatalf("error of type %T, want Errors: %v", err, err)
	}
	return ps
}

func TestParseEverything(t *testing.T) {
	got, err := Parse("/etc/iris/node.yaml", []byte(`
network:
  name: shop
  key: iris.key
node:
  zone: rack-7
  labels: {disk: ssd, cores: 8}
listen: "[::]:4000"
seeds:
  - 10.0.0.7:4000
  - node-2.example.org:4000
discovery:
  host: false
  lan: true
overlay:
  mesh_max: 10
  leaf_set: 4
limits:
  memory: 200MiB
  frame: 512KiB
  message: 128 MiB
  lane: 1048576
  mailbox: 5_000
  mailbox_bytes: 1GiB
  peers: 10
  half_open: 11
  tunnels: 12
  tunnel_window: 64KiB
  replies: 13
clusters:
  echo:
    members: 4
    mailbox: 100
    strategy:
      max_restarts: 0
      window: 2m
      exhausted: escalate
  "my cluster":
    strategy:
topics:
  orders.eu: {reliable: true}
  news:
log:
  level: debug
  levels: {router: warn, relay: error}
  format: json
tracing:
  exporter: otlp
shutdown:
  timeout: 1m30s
`))
	if err != nil {
		t.Fatal(err)
	}
	strategy := DefaultStrategy()
	want := Config{
		Network:   Network{Name: "shop", Key: "/etc/iris/iris.key"},
		Node:      Node{Zone: "rack-7", Labels: map[string]string{"disk": "ssd", "cores": "8"}},
		Listen:    "[::]:4000",
		Seeds:     []string{"10.0.0.7:4000", "node-2.example.org:4000"},
		Discovery: Discovery{LAN: true},
		Overlay:   Overlay{MeshMax: 10, LeafSet: 4},
		Limits: Limits{
			Memory: 200 << 20, Frame: 512 << 10, Message: 128 << 20, Lane: 1 << 20, Mailbox: 5000, MailboxBytes: 1 << 30,
			Peers: 10, HalfOpen: 11, Tunnels: 12, TunnelWindow: 64 << 10, Replies: 13,
		},
		Clusters: map[string]Cluster{
			"echo": {Members: 4, Mailbox: 100, Strategy: &Strategy{
				Window: 2 * time.Minute, BackoffMin: strategy.BackoffMin, BackoffMax: strategy.BackoffMax, Exhausted: "escalate",
			}},
			"my cluster": {Strategy: &strategy},
		},
		Topics:   map[string]Topic{"orders.eu": {Reliable: true}, "news": {}},
		Log:      Log{Level: slog.LevelDebug, Levels: map[string]string{"router": "warn", "relay": "error"}, Format: "json"},
		Tracing:  Tracing{Exporter: ExporterOTLP},
		Shutdown: Shutdown{Timeout: 90 * time.Second},
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("fields", expose)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := Parse("", []byte(got.YAML(nil)))
	if err != nil {
		t.Fatalf("what YAML writes is refused: %v\n%s", err, got.YAML(nil))
	}
	if diff := cmp.Diff(got, again, cmp.Transformer("fields", expose)); diff != "" {
		t.Errorf("YAML does not round-trip (-first +second):\n%s", diff)
	}
}

// expose gives cmp the network's fields instead of its masked text.
func expose(n Network) any {
	return struct{ Name, Key, Secret string }{n.Name, n.Key, string(n.Secret)}
}

func TestParseNothing(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "network:\nlimits:\nclusters:\nseeds:\n", "\ufeff"} {
		got, err := Parse("node.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(Default(), got); diff != "" {
			t.Errorf("%q (-default +got):\n%s", text, diff)
		}
	}
}

func TestProblems(t *testing.T) {
	const lead = "network: {name: n, key: k}\n" // line 1
	for _, tc := range []struct {
		name, text string
		want       []string // "line:column path: message (hint)", each a prefix-free part of the heading
	}{
		{"unknown key", "limts:\n  frame: 1MiB\n", []string{`2:1: limts: unknown key (did you mean limits?)`}},
		{"transposed", "limits:\n  farme: 1MiB\n", []string{`3:3: limits.farme: unknown key (did you mean frame?)`}},
		{"hyphen for underscore", "limits: {mailbox-bytes: 1MiB}\n", []string{`limits.mailbox-bytes: unknown key (did you mean mailbox_bytes?)`}},
		{"wrong section", "zone: a\n", []string{`2:1: zone: unknown key (did you mean node.zone?)`}},
		{"far from anything", "log: {colour: yes}\n", []string{`log.colour: unknown key (known here: level, levels, format)`}},
		{"all at once", "listen: nowhere\nlog:\n  level: loud\n  format: jsn\nlimits:\n  peers: -1\nshutdown: {timeout: 10}\n", []string{
			`2:9: listen: "nowhere" is not host:port (missing port in address)`,
			`4:10: log.level: "loud" is not one of debug, info, warn, error`,
			`5:11: log.format: "jsn" is not one of text, json (did you mean json?)`,
			`7:10: limits.peers: -1 is out of range, 1 to 1024 are allowed`,
			`8:21: shutdown.timeout: "10" has no unit (write a duration such as 250ms, 10s or 2m)`,
		}},
		{"duplicate key", "listen: :1\nlisten: :2\n", []string{`3:1: listen: given twice, first in line 2 (keep one of them)`}},
		{"duplicate section", "log: {level: info}\nlog: {format: text}\n", []string{`3:1: log: given twice`}},
		{"duplicate cluster", "clusters: {a: {members: 1}, a: {members: 2}}\n", []string{`clusters.a: given twice`}},
		{"section is text", "limits: much\n", []string{`2:9: limits: must be a section of keys, not text`}},
		{"text is section", "listen: {host: a}\n", []string{`listen: must be host:port, not a section of keys`}},
		{"text is number", "node: {zone: 7}\n", []string{`node.zone: must be text, not a number (put it in quotes)`}},
		{"number is text", "limits: {peers: many}\n", []string{`limits.peers: must be a whole number, not text`}},
		{"number is quoted", "limits: {peers: '7'}\n", []string{`limits.peers: must be a whole number, not text`}},
		{"octal", "limits: {peers: 010}\n", []string{`limits.peers: "010" is not a whole number (write a decimal number`}},
		{"fraction", "limits: {peers: 1.5}\n", []string{`must be a whole number, not a number with a fraction`}},
		{"flag", "discovery: {host: yes}\n", []string{`discovery.host: must be true or false, not text`}},
		{"size unit", "limits: {frame: 1MB}\n", []string{`limits.frame: "1MB" is not a size (write a size such as 512KiB`}},
		{"size range", "limits: {frame: 2MiB}\n", []string{`limits.frame: 2MiB is out of range, 64KiB to 1MiB are allowed`}},
		{"size overflow", "limits: {lane: 9999999999999GiB}\n", []string{`limits.lane: "9999999999999GiB" is not a size`}},
		{"size overflow by unit", "limits: {lane: 4GiB}\n", []string{`limits.lane: 4GiB is out of range`}},
		{"duration", "shutdown: {timeout: soon}\n", []string{`"soon" is not a duration`}},
		{"duration range", "shutdown: {timeout: 2h}\n", []string{`2h is out of range, 100ms to 1h are allowed`}},
		{"value missing", "listen:\n", []string{`listen: must be host:port, not nothing`}},
		{"seeds is text", "seeds: a:1\n", []string{`seeds: must be a list, not text (write one "- host:port" per line)`}},
		{"bad seeds", "seeds: [a, 'b:0', 'c:1', 10.0.0.300:4, 7]\n", []string{
			`seeds: "a" is not host:port`, `seeds: "b:0": port "0" is not a number from 1 to 65535`,
			`"10.0.0.300" is neither an IP address nor a host name`, `must be a list of host:port, not of a number`,
		}},
		{"labels is list", "node: {labels: [a]}\n", []string{`node.labels: must be names with values, not a list`}},
		{"label of labels", "node: {labels: {a: {b: c}}}\n", []string{`node.labels: must be names, each with one value`}},
		{"label twice", "node: {labels: {a: b, a: c}}\n", []string{`node.labels.a: given twice`}},
		{"anchor", "listen: &a :1\n", []string{`not an anchor or alias, which are not supported`}},
		{"merge key", "limits:\n  <<: {frame: 1MiB}\n", []string{`limits: merge keys are not supported`}},
		{"tag", "node: {zone: !!str a}\n", []string{`not a tagged value, which is not supported`}},
		{"two documents", "---\nlisten: :1\n", []string{`one YAML document`}},
		{"syntax", "log: {level: info\n", []string{`not valid YAML`}},
		{"tab", "log:\n\tlevel: info\n", []string{`3:1: not valid YAML: found character '\t' that cannot start any token (indent with spaces)`}},
		{"address without quotes", "listen: [::1]:4000\n", []string{`not valid YAML: value is not allowed in this context (put an address with brackets in quotes)`}},
		{"cluster key", "clusters: {a: {member: 1}}\n", []string{`clusters.a.member: unknown key (did you mean members?)`}},
		{"cluster name", "clusters: {\"a\\tb\": {members: 1}}\n", []string{`clusters: cluster name "a\tb" contains a control character`}},
		{"strategy", "clusters: {a: {strategy: {exhausted: restart, backoff_min: 0s, window: 1}}}\n", []string{
			`clusters.a.strategy.exhausted: "restart" is not one of stop, escalate`, `backoff_min: 0s is out of range, 1ms to 1h`, `window: "1" has no unit`,
		}},
		{"backoff order", "clusters: {a: {strategy: {backoff_min: 2m, backoff_max: 1m}}}\n", []string{`clusters.a.strategy.backoff_max: 1m is less than backoff_min, 2m`}},
		{"lane below frame", "limits: {lane: 64KiB}\n", []string{`2:16: limits.lane: 64KiB is less than one frame, limits.frame is 256KiB`}},
		{"memory for one message", "limits: {memory: 64MiB, message: 65MiB}\n", []string{`limits.memory: 64MiB is less than one message, limits.message is 65MiB`}},
		{"frame refused, lane not blamed", "limits: {lane: 64KiB, frame: 3MiB}\n", []string{`limits.frame: 3MiB is out of range`}},
		{"topic key", "topics: {a: {reliably: true}}\n", []string{`2:14: topics.a.reliably: unknown key (did you mean reliable?)`}},
		{"topic flag", "topics: {a: {reliable: often}}\n", []string{`2:24: topics.a.reliable: must be true or false, not text`}},
		{"topic is flag", "topics: {a: reliable}\n", []string{`2:13: topics.a: must be a section of keys, not text`}},
		{"topic name", "topics: {\"a\\tb\": {reliable: true}}\n", []string{`topics: topic name "a\tb" contains a control character`}},
		{"overlay", "overlay: {mesh_max: 257, leaf_set: 33}\n", []string{
			`2:21: overlay.mesh_max: 257 is out of range, 4 to 256 are allowed`, `2:36: overlay.leaf_set: 33 is odd, an even number is wanted (write 34)`,
		}},
		{"leaf set range", "overlay: {leaf_set: 2}\n", []string{`overlay.leaf_set: 2 is out of range, 4 to 128 are allowed`}},
		{"mesh above links", "limits: {peers: 100}\n", []string{`2:17: limits.peers: 100 links do not make a mesh of overlay.mesh_max nodes, 256 (allow more, or lower overlay.mesh_max)`}},
		{"leaf set above links", "limits: {peers: 63}\noverlay: {mesh_max: 4}\n", []string{`2:17: limits.peers: 63 links leave too little beside the neighbours on the ring, overlay.leaf_set is 32`}},
		{"mesh refused, links not blamed", "limits: {peers: 100}\noverlay: {mesh_max: 1000}\n", []string{`3:21: overlay.mesh_max: 1000 is out of range`}},
		{"loopback and lan", "listen: 127.0.0.1:0\ndiscovery: {lan: true}\n", []string{`listen: 127.0.0.1:0 cannot be reached from the network that discovery.lan searches`}},
		{"loopback and seed", "listen: '[::1]:0'\nseeds: ['10.0.0.1:4000']\n", []string{`from [::1]:0 the seed 10.0.0.1:4000 cannot be reached`}},
		{"listen on a name", "listen: bad_host!:1\n", []string{`"bad_host!" is neither`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse("node.yaml", []byte(lead+tc.text))
			ps := problems(t, err)
			if len(ps) != len(tc.want) {
				t.Fatalf("%d problems, want %d:\n%v", len(ps), len(tc.want), err)
			}
			for i, p := range ps {
				if !strings.Contains(p.Error(), tc.want[i]) {
					t.Errorf("problem %d:\n got %s\nwant ...%s...", i, p.Error(), tc.want[i])
				}
			}
		})
	}
}

func TestHalfANetwork(t *testing.T) {
	for text, want := range map[string]string{
		"network: {name: n}\n":                                             "node.yaml:1:17: network.name: the network has a name but no key",
		"network: {key: k}\n":                                              "node.yaml:1:16: network.key: the network has a key but no name",
		"network: {secret: " + key32 + "}\n":                               "node.yaml:1:19: network.secret: the network has a key but no name",
		"network: {name: n, key: k, secret: " + key32 + "}\n":              "network.secret: excludes network.key (keep one of them)",
		"network: {name: n, secret: short}\n":                              "network.secret: weak key",
		"network: {name: n, key: " + strings.Repeat("ab", 32) + "}":        "network.key: holds a key, not a path",
		"network:\n  name: n\n  key: |\n    -----BEGIN PRIVATE KEY-----\n": "network.key: holds a key, not a path",
	} {
		_, err := Parse("node.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestSnippet(t *testing.T) {
	_, err := Parse("node.yaml", []byte("log:\n  format: xml\n"))
	want := `node.yaml:2:11: log.format: "xml" is not one of text, json` + "\n" +
		"  2 |   format: xml\n" +
		"    |           ^"
	if got := err.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWithDefaults(t *testing.T) {
	for _, tc := range []struct {
		config Config
		listen string
	}{
		{Config{}, "127.0.0.1:0"},
		{Config{Seeds: []string{"127.0.0.1:1", "[::1]:2", "localhost:3"}}, "127.0.0.1:0"},
		{Config{Seeds: []string{"10.0.0.1:1"}}, ":0"},
		{Config{Seeds: []string{"node-1:1"}}, ":0"},
		{Config{Discovery: Discovery{LAN: true}}, ":0"},
		{Config{Listen: ":4000"}, ":4000"},
	} {
		got := tc.config.WithDefaults()
		if got.Listen != tc.listen {
			t.Errorf("%v: listens on %q, want %q", tc.config, got.Listen, tc.listen)
		}
		if got.Overlay != Default().Overlay || got.Limits != Default().Limits || got.Shutdown != Default().Shutdown || !reflect.DeepEqual(got.Log, Default().Log) {
			t.Errorf("zero fields not filled in:\n%v", got)
		}
		if err := Validate(got); err != nil {
			t.Errorf("defaults are refused: %v", err)
		}
		if err := Validate(tc.config); err != nil {
			t.Errorf("zero values are refused: %v", err)
		}
	}
}

func TestWithDefaultsCopies(t *testing.T) {
	c := Config{
		Network:  Network{Secret: []byte(key32)},
		Seeds:    []string{"a:1"},
		Node:     Node{Labels: map[string]string{"a": "b"}},
		Clusters: map[string]Cluster{"c": {Strategy: &Strategy{MaxRestarts: 1}}},
		Topics:   map[string]Topic{"t": {Reliable: true}},
	}
	d := c.WithDefaults()
	d.Topics["t"] = Topic{}
	d.Network.Secret[0], d.Seeds[0], d.Node.Labels["a"], d.Clusters["c"].Strategy.MaxRestarts = 0, "", "", 2
	if c.Network.Secret[0] == 0 || c.Seeds[0] == "" || c.Node.Labels["a"] == "" || c.Clusters["c"].Strategy.MaxRestarts == 2 || !c.Topics["t"].Reliable {
		t.Error("the copy shares memory with the original")
	}
}

func TestValidate(t *testing.T) {
	bad := Config{
		Network:  Network{Name: "a\nb", Key: "k", Secret: []byte("short")},
		Listen:   "example.org",
		Seeds:    []string{"x"},
		Overlay:  Overlay{MeshMax: 3, LeafSet: 5},
		Limits:   Limits{Frame: 1, Lane: -1, Peers: -5},
		Log:      Log{Format: "xml"},
		Shutdown: Shutdown{Timeout: -1},
		Clusters: map[string]Cluster{"": {}, "c": {Members: -1, Strategy: &Strategy{}}},
		Topics:   map[string]Topic{"a\nb": {Reliable: true}},
	}
	before := bad.clone()
	err := Validate(bad)
	ps := problems(t, err)
	var paths []string
	for _, p := range ps {
		paths = append(paths, p.Path)
	}
	for _, want := range []string{
		"network.name", "network.secret", "listen", "seeds", "limits.frame", "limits.lane", "limits.peers", "overlay.mesh_max", "overlay.leaf_set", "topics", "log.format", "shutdown.timeout",
		"clusters", "clusters.c.members", "clusters.c.strategy.window", "clusters.c.strategy.exhausted",
	} {
		if !strings.Contains(strings.Join(paths, " ")+" ", want+" ") {
			t.Errorf("no problem for %s in\n%v", want, err)
		}
	}
	if diff := cmp.Diff(before, bad, cmp.Transformer("fields", expose)); diff != "" {
		t.Errorf("Validate changed its argument:\n%s", diff)
	}
	named := Default()
	named.Network.Name = "alone"
	if err := Validate(named); err != nil {
		t.Errorf("a name with a random key is refused in Go: %v", err)
	}
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := Load("does/not/exist.yaml")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("errors.Is does not see the cause of %v", err)
	}
	var p Problem
	if !errors.As(err, &p) || p.File != "does/not/exist.yaml" {
		t.Errorf("errors.As finds %+v", p)
	}
}

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"limts", "limits", 1}, {"kitten", "sitting", 3}} {
		if got := distance(tc.a, tc.b); got != tc.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

// TestKeys holds the table to the package's promises: each key has a field that
// fits its kind, a range that fits 32 bits, and a variable of its own.
func TestKeys(t *testing.T) {
	seen := map[string]string{}
	for _, k := range keys() {
		c := Default()
		dst := k.field(&target{config: &c, cluster: &Cluster{}, topic: &Topic{}})
		if other, dup := seen[variableName(k.path)]; dup {
			t.Errorf("%s and %s share the variable %s", k.path, other, variableName(k.path))
		}
		seen[variableName(k.path)] = k.path
		switch dst.(type) {
		case *[]string, *map[string]string:
		default:
			_ = k.set(dst, "text") // panics if the table and the field disagree
		}
		if _, ok := dst.(*int); ok && int64(int(k.max)) != k.max {
			t.Errorf("%s: the maximum %d does not fit an int", k.path, k.max)
		}
	}
}

// TestReadme holds the config file that the README shows to what is accepted.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```yaml\n")
	text, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("the README shows no config file")
	}
	if _, err := Parse("node.yaml", []byte(text)); err != nil {
		t.Errorf("the README's config file is refused:\n%v", err)
	}
}
