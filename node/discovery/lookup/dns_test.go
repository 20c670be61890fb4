package lookup

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is a DNS server in memory, reached by pipes: the resolver then speaks the
// protocol of DNS over TCP.
type zone struct {
	mu      sync.Mutex
	srv     map[string][]dnsmessage.SRVResource // guarded by mu
	hosts   map[string][]string                 // IP addresses; guarded by mu
	garbage bool                                // answer with that; guarded by mu
	asked   map[string]int                      // guarded by mu
}

func newZone() *zone {
	return &zone{srv: map[string][]dnsmessage.SRVResource{}, hosts: map[string][]string{}, asked: map[string]int{}}
}

func (z *zone) set(f func()) {
	z.mu.Lock()
	defer z.mu.Unlock()
	f()
}

func (z *zone) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go z.serve(server)
		return client, nil
	}}
}

func (z *zone) serve(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply := z.reply(query)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func (z *zone) reply(query []byte) []byte {
	z.mu.Lock()
	defer z.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || z.garbage {
		return []byte("this is no answer")
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	z.asked[name]++
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}
	for _, s := range z.srv[name] {
		if q.Type == dnsmessage.TypeSRV {
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: head, Body: &s})
		}
	}
	for _, h := range z.hosts[name] {
		switch ip := netip.MustParseAddr(h); {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	if z.srv[name] == nil && z.hosts[name] == nil {
		out.RCode = dnsmessage.RCodeNameError
	}
	packed, err := out.Pack()
	if err != nil {
		panic(err)
	}
	return packed
}

func target(name string, port uint16) dnsmessage.SRVResource {
	return dnsmessage.SRVResource{Target: dnsmessage.MustNewName(name + "."), Port: port}
}

func ask(t *testing.T, z *zone, name string) ([]string, error) {
	t.Helper()
	d, err := NewDNS(name, z.resolver())
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := d.Lookup(t.Context())
	slices.Sort(addrs)
	return addrs, err
}

func TestDNSAddresses(t *testing.T) {
	z := newZone()
	const name = "iris.example.net."
	z.hosts["iris.example.net"] = []string{"10.0.0.1", "10.0.0.2", "fd00::1", "0.0.0.0"}
	got, err := ask(t, z, name+":7000")
	if want := []string{"10.0.0.1:7000", "10.0.0.2:7000", "[fd00::1]:7000"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	z.set(func() { z.hosts["iris.example.net"] = []string{"10.0.0.3"} }) // pods come and go
	if got, err = ask(t, z, name+":7000"); err != nil || !slices.Equal(got, []string{"10.0.0.3:7000"}) {
		t.Errorf("%v, %v after a change", got, err)
	}
	z.set(func() { delete(z.hosts, "iris.example.net") })
	if got, err = ask(t, z, name+":7000"); err == nil || !strings.Contains(err.Error(), "no such host") || len(got) > 0 {
		t.Errorf("%v, %v for a name that is gone", got, err)
	}
	z.set(func() { z.garbage = true })
	if got, err = ask(t, z, name+":7000"); err == nil || len(got) > 0 {
		t.Errorf("%v, %v for garbage", got, err)
	}
}

func TestDNSServices(t *testing.T) {
	z := newZone()
	const name = "_iris._udp.example.net."
	z.srv["_iris._udp.example.net"] = []dnsmessage.SRVResource{target("a.example.net", 7000), target("b.example.net", 7001), target("gone.example.net", 7002), target("a.example.net", 0)}
	z.hosts["a.example.net"] = []string{"10.0.0.1", "fd00::1"}
	z.hosts["b.example.net"] = []string{"10.0.0.2"}
	got, err := ask(t, z, name)
	if want := []string{"10.0.0.1:7000", "10.0.0.2:7001", "[fd00::1]:7000"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	z.set(func() { clear(z.hosts) })
	if got, err = ask(t, z, name); err == nil || len(got) > 0 {
		t.Errorf("%v, %v though no target resolves", got, err)
	}
	if got, err = ask(t, z, "_other._udp.example.net."); err == nil || len(got) > 0 {
		t.Errorf("%v, %v for a service that is not there", got, err)
	}
}

func TestDNSIsBounded(t *testing.T) {
	z := newZone()
	for i := range 300 {
		host := fmt.Sprintf("h%d.example.net", i)
		z.hosts[host] = []string{fmt.Sprintf("10.1.%d.%d", i/256, i%256)}
		z.srv["_many._udp.example.net"] = append(z.srv["_many._udp.example.net"], target(host, 7000))
	}
	for i := range 1500 {
		z.hosts["many.example.net"] = append(z.hosts["many.example.net"], fmt.Sprintf("10.2.%d.%d", i/256, i%256))
	}
	got, err := ask(t, z, "_many._udp.example.net.")
	if err != nil || len(got) != maxTargets {
		t.Errorf("%d addresses of 300 targets, %v", len(got), err)
	}
	if n := len(z.asked); n != maxTargets+1 {
		t.Errorf("%d names asked for", n)
	}
	if got, err = ask(t, z, "many.example.net.:7000"); len(got) != MaxAddrs || err != errTooMany {
		t.Errorf("%d of 1500 addresses, %v", len(got), err)
	}
}

func TestDNSNames(t *testing.T) {
	for name, want := range map[string]string{"_iris._udp.example.net": "dns _iris._udp.example.net", "iris:7000": "dns iris:7000", "iris": ""} {
		d, err := NewDNS(name, nil)
		if (err != nil) != (want == "") || err == nil && d.Name() != want {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
}
