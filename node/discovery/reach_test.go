package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/internal/id"
)

// muffled is the air of a host whose firewall drops what is sent by some ways.
type muffled struct {
	*antenna
	lost, refused way
}

func (m muffled) send(o outlet, datagram []byte) error {
	switch o.way {
	case m.lost:
		return nil
	case m.refused:
		return errDown
	}
	return m.antenna.send(o, datagram)
}

func TestReach(t *testing.T) {
	const none way = 9
	for _, tc := range []struct {
		lost, refused way
		want          string
	}{
		{none, none, "lo broadcast <nil>, lo multicast <nil>, eth0 multicast <nil>"},
		{lanMulticast, none, "lo broadcast <nil>, lo multicast <nil>, eth0 multicast nothing came back"},
		{loopbackBroadcast, lanMulticast, "lo broadcast nothing came back, lo multicast <nil>, eth0 multicast network is down"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := new(ether).antenna([][]byte{testKey(0)})
			a.outs = append(a.outs, outlet{name: "eth0", way: lanMulticast})
			began := time.Now()
			got, err := tryReach(t.Context(), muffled{a, tc.lost, tc.refused})
			if err != nil || told(got) != tc.want {
				t.Errorf("%s, %v, want %s", told(got), err, tc.want)
			}
			whole := tc.lost == none && tc.refused == none
			if took := time.Since(began); whole && took > 0 || !whole && took != reachTime {
				t.Errorf("after %v", took)
			}
		})
	}
	deaf := new(ether).antenna([][]byte{testKey(0)})
	deaf.deaf = true
	if _, err := tryReach(t.Context(), deaf); !errors.Is(err, errDown) {
		t.Errorf("deaf: %v", err)
	}
}

func told(list []Reach) string {
	var words []string
	for _, r := range list {
		how := "broadcast"
		if r.Multicast {
			how = "multicast"
		}
		words = append(words, fmt.Sprint(r.Interface, " ", how, " ", r.Err))
	}
	return strings.Join(words, ", ")
}

// TestReachOfThisHost: the real sockets, which say the same as discovery's.
func TestReachOfThisHost(t *testing.T) {
	got, err := TryReach(t.Context(), freshKey(t))
	if err != nil {
		t.Skipf("no discovery here: %v", err)
	}
	heard := func() bool {
		return slices.ContainsFunc(got, func(r Reach) bool { return !r.LAN && r.Err == nil })
	}
	c := newCollector()
	key := freshKey(t)
	for i := range 2 {
		open(t, Config{ID: id.ID{Lo: uint64(i + 1)}, Addrs: addrs("127.0.0.1:5001"), Keys: [][]byte{key}, Host: true, Found: c.Found})
	}
	within := 10 * time.Second
	if heard() {
		within = patience // they will, if it is true
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	works := c.wait(ctx, 2) == nil
	for tries := 0; works && !heard() && tries < 30; tries++ { // a second is short for a busy machine
		if got, err = TryReach(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if works != heard() {
		t.Errorf("nodes find each other: %v, but %s", works, told(got))
	}
}

// TestReachBehindFirewall drops multicasts in a network namespace.
func TestReachBehindFirewall(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip(err)
	}
	cmd, err := isolated(t.Context(), os.Args[0], "-test.run=^$")
	if err != nil {
		t.Skip(err)
	}
	cmd.Env = append(os.Environ(), childEnv+"=firewall")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if strings.HasPrefix(string(out), "skip") {
		t.Skip(string(out))
	}
	for i, step := range walls {
		if i >= len(lines) || !strings.HasPrefix(lines[i], step.want) {
			t.Errorf("%s: want %s, got\n%s", step.name, step.want, out)
		}
	}
}

// walls are built one upon the other by the process of TestReachBehindFirewall, which says
// what it then hears.
var walls = []struct{ name, rules, want string }{
	{"open", "add table ip t", "lo broadcast <nil>, lo multicast <nil>"},
	{
		"in", "add chain ip t c { type filter hook input priority 0; }; add rule ip t c ip daddr 224.0.0.0/4 drop",
		"lo broadcast <nil>, lo multicast nothing came back",
	},
	{
		"out", "add chain ip t d { type filter hook output priority 0; }; add rule ip t d ip daddr 224.0.0.0/4 drop",
		"lo broadcast <nil>, lo multicast write udp", // operation not permitted
	},
}

// firewall is the main function of the process of TestReachBehindFirewall.
func firewall() int {
	if err := loopbackUp(); err != nil {
		fmt.Println("skip:", err)
		return 0
	}
	for _, step := range walls {
		if out, err := exec.Command("nft", step.rules).CombinedOutput(); err != nil {
			fmt.Printf("skip: %v %s\n", err, out)
			return 0
		}
		heard := ""
		for tries := 0; tries < 30 && !strings.HasPrefix(heard, step.want); tries++ { // a second is short for a busy machine
			got, err := TryReach(context.Background(), []byte("a key of 32 bytes, for this test"))
			if err != nil {
				fmt.Println(err)
				return 1
			}
			heard = told(got)
		}
		fmt.Println(heard)
	}
	return 0
}
