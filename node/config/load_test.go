package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadKeyBesideFile(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "node.yaml"), "network:\n  name: shop\n  key: iris.key\n", 0o644)
	write(t, filepath.Join(dir, "iris.key"), pem+"\n", 0o600)
	c, origins, err := load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Network.Key != filepath.Join(dir, "iris.key") {
		t.Errorf("key file %s, want it beside the config file", c.Network.Key)
	}
	if got, want := origins["network.key"].String(), file+":3:8"; got != want {
		t.Errorf("origin %s, want %s", got, want)
	}
	if got := origins["limits.frame"].String(); got != "default" {
		t.Errorf("origin %s, want default", got)
	}
}

func TestPermissions(t *testing.T) {
	const config = "network:\n  name: shop\n  key: iris.key\n"
	for _, tc := range []struct {
		name  string
		setup func(t *testing.T, dir string) (file string)
		want  []string // parts of the error; none = accepted
	}{
		{"key for all", func(t *testing.T, dir string) string {
			write(t, dir+"/iris.key", pem, 0o644)
			return write(t, dir+"/node.yaml", config, 0o644)
		}, []string{"node.yaml:3:8: network.key: key file DIR/iris.key has mode 0644", "chmod 600 DIR/iris.key"}},
		{"key for the group", func(t *testing.T, dir string) string {
			write(t, dir+"/iris.key", pem, 0o640)
			return write(t, dir+"/node.yaml", config, 0o644)
		}, []string{"mode 0640", "chmod 600 DIR/iris.key"}},
		{"key behind a link", func(t *testing.T, dir string) string {
			write(t, dir+"/real.key", pem, 0o604)
			if err := os.Symlink("real.key", dir+"/iris.key"); err != nil {
				t.Fatal(err)
			}
			return write(t, dir+"/node.yaml", config, 0o644)
		}, []string{"key file DIR/iris.key (link to DIR/real.key) has mode 0604", "chmod 600 DIR/real.key"}},
		{"good key behind a link", func(t *testing.T, dir string) string {
			write(t, dir+"/real.key", pem, 0o400)
			if err := os.Symlink("real.key", dir+"/iris.key"); err != nil {
				t.Fatal(err)
			}
			return write(t, dir+"/node.yaml", config, 0o644)
		}, nil},
		{"folder open to all", func(t *testing.T, dir string) string {
			if err := os.MkdirAll(dir+"/open", 0o777); err != nil {
				t.Fatal(err)
			}
			write(t, dir+"/open/iris.key", pem, 0o600)
			if err := os.Chmod(dir+"/open", 0o777); err != nil {
				t.Fatal(err)
			}
			return write(t, dir+"/node.yaml", strings.Replace(config, "iris.key", "open/iris.key", 1), 0o644)
		}, []string{"lies in DIR/open, mode 0777: everybody can put another file in its place", "chmod o-w DIR/open"}},
		{"key missing", func(t *testing.T, dir string) string {
			return write(t, dir+"/node.yaml", config, 0o644)
		}, []string{"node.yaml:3:8: network.key: cannot read key file DIR/iris.key: no such file", "iris keygen"}},
		{"key is a folder", func(t *testing.T, dir string) string {
			if err := os.Mkdir(dir+"/iris.key", 0o700); err != nil {
				t.Fatal(err)
			}
			return write(t, dir+"/node.yaml", config, 0o644)
		}, []string{"cannot read key file DIR/iris.key: is not a regular file"}},
		{"key too weak", func(t *testing.T, dir string) string {
			write(t, dir+"/iris.key", "password", 0o600)
			return write(t, dir+"/node.yaml", config, 0o644)
		}, []string{"network.key: key file DIR/iris.key: weak key"}},
		{"secret for all", func(t *testing.T, dir string) string {
			return write(t, dir+"/node.yaml", "network:\n  name: shop\n  secret: "+key32+"\n", 0o644)
		}, []string{"network.secret: config file DIR/node.yaml has mode 0644", "chmod 600 DIR/node.yaml"}},
		{"secret for the owner", func(t *testing.T, dir string) string {
			return write(t, dir+"/node.yaml", "network:\n  name: shop\n  secret: "+key32+"\n", 0o600)
		}, nil},
		{"no secret, any mode", func(t *testing.T, dir string) string {
			return write(t, dir+"/node.yaml", "listen: :0\n", 0o666)
		}, nil},
		{"with other problems", func(t *testing.T, dir string) string {
			return write(t, dir+"/node.yaml", "network:\n  name: shop\n  secret: "+key32+"\nlisten: x\n", 0o644)
		}, []string{"chmod 600 DIR/node.yaml", "node.yaml:4:9: listen:"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = load(tc.setup(t, dir), nil)
			if len(tc.want) == 0 {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), strings.ReplaceAll(want, "DIR", dir)) {
					t.Errorf("got %v\nwant ...%s...", err, want)
				}
			}
			noCanary(t, "the error", err.Error())
		})
	}
}

func TestReadKey(t *testing.T) {
	dir := t.TempDir()
	key, err := ReadKey(write(t, dir+"/good.key", pem+"\n", 0o600))
	if err != nil || string(key) != pem+"\n" {
		t.Errorf("got %d bytes, %v", len(key), err)
	}
	_, err = ReadKey(write(t, dir+"/iris.key", pem, 0o640))
	if ps := problems(t, err); len(ps) != 1 || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/iris.key", pem, 0o600)
	file := write(t, dir+"/node.yaml", "network: {name: a, key: iris.key}\nlisten: :1\nclusters: {my-echo: {members: 2}}\ntopics: {news: {}}\n", 0o644)
	c, origins, err := load(file, []string{
		"IRIS_NETWORK_NAME=b", "IRIS_LISTEN=", "IRIS_SEEDS=10.0.0.1:1, 10.0.0.2:2", "IRIS_NODE_LABELS=a=b,c=d=e",
		"IRIS_LIMITS_FRAME=64KiB", "IRIS_LOG_LEVEL=warn", "IRIS_DISCOVERY_HOST=false", "IRIS_SHUTDOWN_TIMEOUT=1s",
		"IRIS_OVERLAY_MESH_MAX=64", "IRIS_OVERLAY_LEAF_SET=16", "IRIS_TOPICS_NEWS_RELIABLE=true",
		"IRIS_CLUSTERS_MY_ECHO_MEMBERS=7", "IRIS_CLUSTERS_MY_ECHO_STRATEGY_MAX_RESTARTS=3",
		// What Kubernetes adds for services called iris and iris-web.
		"IRIS_SERVICE_HOST=10.1.1.1", "IRIS_SERVICE_PORT=80", "IRIS_SERVICE_PORT_HTTP=80", "IRIS_PORT=tcp://10.1.1.1:80",
		"IRIS_PORT_80_TCP=tcp://10.1.1.1:80", "IRIS_PORT_80_TCP_PROTO=tcp", "IRIS_PORT_80_TCP_PORT=80", "IRIS_PORT_80_TCP_ADDR=10.1.1.1",
		"IRIS_WEB_SERVICE_HOST=10.1.1.1", "IRIS_WEB_PORT_80_TCP_ADDR=10.1.1.1",
		"PATH=/bin", "IRISX=1", "IRIS_CONTEXT=prod", "IRIS_CLUSTER=upper", // the command line's own
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Network.Name != "b" || c.Listen != ":1" || c.Limits.Frame != 64<<10 || c.Log.Level.String() != "WARN" || c.Discovery.Host || c.Shutdown.Timeout.Seconds() != 1 {
		t.Errorf("got\n%v", c)
	}
	if diff := cmp.Diff([]string{"10.0.0.1:1", "10.0.0.2:2"}, c.Seeds); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "b", "c": "d=e"}, c.Node.Labels); diff != "" {
		t.Error(diff)
	}
	if e := c.Clusters["my-echo"]; e.Members != 7 || e.Strategy == nil || e.Strategy.MaxRestarts != 3 {
		t.Errorf("cluster %+v", e)
	}
	if c.Overlay != (Overlay{MeshMax: 64, LeafSet: 16}) || !c.Topics["news"].Reliable {
		t.Errorf("overlay %+v, topics %+v", c.Overlay, c.Topics)
	}
	if got := origins["network.name"].String(); got != "environment IRIS_NETWORK_NAME" {
		t.Errorf("origin %s", got)
	}
	if got := origins["listen"].String(); got != file+":2:9" {
		t.Errorf("origin %s", got)
	}
}

func TestEnvironmentProblems(t *testing.T) {
	file := write(t, t.TempDir()+"/node.yaml", "discovery: {lan: true}\nclusters: {a-b: {members: 1}, a.b: {members: 1}}\nlog: {level: loud}\n", 0o644)
	_, _, err := load(file, []string{
		"IRIS_LSTEN=:1", "IRIS_LISTEN=127.0.0.1:0", "IRIS_CLUSTERS_A_B_MEMBERS=2", "IRIS_CLUSTERS_C_MEMBERS=2", "IRIS_TOPICS_X_RELIABLE=true", "IRIS_OVERLAY_LEAF_SET=7",
		"IRIS_LIMITS_PEERS=many", "IRIS_SEEDS=x", "IRIS_NODE_LABELS=x", "IRIS_DISCOVERY_HOST=1",
	})
	ps := problems(t, err)
	want := []string{
		file + `:3:14: log.level: "loud" is not one of`,
		`environment: IRIS_CLUSTERS_A_B_MEMBERS: stands for clusters.a-b.members and clusters.a.b.members alike (set it in the config file)`,
		`environment: IRIS_CLUSTERS_C_MEMBERS: unknown variable`,
		`environment: IRIS_DISCOVERY_HOST: "1" is not true or false`,
		`environment: IRIS_LIMITS_PEERS: "many" is not a whole number`,
		`environment: IRIS_LSTEN: unknown variable (did you mean IRIS_LISTEN?)`,
		`environment: IRIS_NODE_LABELS: "x" is not name=value`,
		`environment: IRIS_OVERLAY_LEAF_SET: 7 is odd, an even number is wanted`,
		`environment: IRIS_SEEDS: "x" is not host:port`,
		`environment: IRIS_TOPICS_X_RELIABLE: unknown variable (variables can change topics that the config file names)`,
		`environment: IRIS_LISTEN: 127.0.0.1:0 cannot be reached from the network that discovery.lan searches`,
	}
	if len(ps) != len(want) {
		t.Fatalf("%d problems, want %d:\n%v", len(ps), len(want), err)
	}
	for i, p := range ps {
		if !strings.HasPrefix(p.Error(), want[i]) {
			t.Errorf("problem %d:\n got %s\nwant %s", i, p.Error(), want[i])
		}
	}
}

func TestLoadWithoutFile(t *testing.T) {
	c, origins, err := load("", nil)
	if err != nil || len(origins) != 0 {
		t.Fatalf("origins %v, error %v", origins, err)
	}
	if diff := cmp.Diff(Default(), c); diff != "" {
		t.Error(diff)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	big := write(t, dir+"/big.yaml", strings.Repeat("#", maxFile+1), 0o600)
	for path, want := range map[string]string{
		dir + "/none.yaml": "none.yaml: cannot read the config file: no such file",
		dir:                "cannot read the config file: is not a regular file",
		big:                "cannot read the config file: is larger than 262144 bytes",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%s): got %v, want %s", path, err, want)
		}
	}
	for _, data := range []string{"a: \xff", strings.Repeat("[", 1000), strings.Repeat("{a: ", 1000), strings.Repeat("- ", 1000)} {
		if _, err := Parse("x", []byte(data)); err == nil {
			t.Errorf("%.20q... is accepted", data)
		}
	}
}
