package discovery

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"iris/internal/id"
)

// Computed by another implementation, as is testdata/beacon.hex.
const (
	goldenPort  = 24498
	goldenGroup = "239.255.59.149"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

func equal(a, b any) string {
	return cmp.Diff(a, b, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }))
}

func anyAddr(t *rapid.T) netip.AddrPort {
	port := rapid.Uint16Min(1).Draw(t, "port")
	if rapid.Bool().Draw(t, "v4") {
		b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip"))
		b[0] = b[0]%223 + 1
		return netip.AddrPortFrom(netip.AddrFrom4(b), port)
	}
	b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip"))
	b[0] = 0x20
	return netip.AddrPortFrom(netip.AddrFrom16(b), port)
}

func anyBeacon(t *rapid.T) beacon {
	return beacon{
		Query: rapid.Bool().Draw(t, "query"), Reply: rapid.Bool().Draw(t, "reply"),
		ID:          id.ID{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64Min(1).Draw(t, "lo")},
		Incarnation: rapid.Uint64().Draw(t, "incarnation"), Seq: rapid.Uint64().Draw(t, "seq"),
		Wall:  time.UnixMilli(rapid.Int64().Draw(t, "wall")),
		Addrs: rapid.SliceOfN(rapid.Custom(anyAddr), 1, maxAddrs).Draw(t, "addrs"),
	}
}

func TestBeaconRoundTrip(t *testing.T) {
	ks := newKeyset([][]byte{testKey(0), testKey(1), testKey(2)})
	rapid.Check(t, func(t *rapid.T) {
		b := anyBeacon(t)
		prefix := []byte("prefix")
		data, ok := b.append(prefix, ks[rapid.IntRange(0, 2).Draw(t, "key")])
		if !ok || !bytes.HasPrefix(data, prefix) {
			t.Fatal("not appended")
		}
		data = data[len(prefix):]
		if len(data) > maxDatagram {
			t.Fatalf("%d bytes", len(data))
		}
		got, err := decode(data, ks)
		if err != nil {
			t.Fatal(err)
		}
		if d := equal(b, got); d != "" {
			t.Fatal(d)
		}
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		for i := range data { // cut anywhere, changed anywhere
			if _, err := decode(data[:i], ks); err == nil {
				t.Fatalf("accepted %d of %d bytes", i, len(data))
			}
			data[i] ^= bit
			if _, err := decode(data, ks); err == nil {
				t.Fatalf("accepted with byte %d changed", i)
			}
			data[i] ^= bit
		}
	})
}

func mustAppend(b beacon, ks keyset) []byte {
	data, ok := b.append(nil, ks[0])
	if !ok {
		panic("no usable address")
	}
	return data
}

var golden = beacon{
	Query: true, ID: id.ID{Hi: 0x0102030405060708, Lo: 0x090a0b0c0d0e0f10}, Incarnation: 946684800000, Seq: 7,
	Wall:  time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC),
	Addrs: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:4242"), netip.MustParseAddrPort("[2001:db8::1]:4242")},
}

func TestGoldenBeacon(t *testing.T) {
	const name = "testdata/beacon.hex"
	ks := newKeyset([][]byte{testKey(0)})
	got := hex.EncodeToString(mustAppend(golden, ks)) + "\n"
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the format changed:\ngot  %swant %s", got, want)
	}
}

func TestAppendChoosesAddresses(t *testing.T) {
	ks := newKeyset([][]byte{testKey(0)})
	b := golden
	b.Addrs = nil
	for _, s := range []string{"0.0.0.0:1", "[::]:1", "10.0.0.1:0", "239.1.1.1:1", "[fe80::1%eth0]:1", "[fe80::1]:1", "[::ffff:10.0.0.1]:1", "[ff02::1]:1"} {
		b.Addrs = append(b.Addrs, netip.MustParseAddrPort(s))
	}
	if data, ok := b.append([]byte("x"), ks[0]); ok || string(data) != "x" {
		t.Errorf("a beacon without usable address: %x", data)
	}
	good := netip.MustParseAddrPort("10.0.0.1:1")
	for range 20 {
		b.Addrs = append(b.Addrs, good)
	}
	got, err := decode(mustAppend(b, ks), ks)
	if err != nil || len(got.Addrs) != maxAddrs || got.Addrs[0] != good {
		t.Errorf("%v, %v", got.Addrs, err)
	}
}

// sign puts the right tag and MAC on what is in data.
func sign(data []byte, k *key) []byte {
	out := bytes.Clone(data)
	copy(out[6:], k.tag[:])
	body := out[:len(out)-macSize]
	mac := k.mac(body)
	copy(out[len(body):], mac[:])
	return out
}

func TestDecodeRefuses(t *testing.T) {
	ks := newKeyset([][]byte{testKey(0)})
	k := ks[0]
	change := func(f func(d []byte) []byte) []byte { return sign(f(mustAppend(golden, ks)), k) }
	at := func(i int, v ...byte) []byte {
		return change(func(d []byte) []byte { copy(d[i:], v); return d })
	}
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, errMalformed},
		{"too short", make([]byte, headerSize+macSize-1), errMalformed},
		{"too long", append([]byte("IRB\x01"), make([]byte, maxDatagram)...), errMalformed},
		{"other magic", at(0, 'X'), errMalformed},
		{"version 0", at(3, 0), errVersion},
		{"version 2", at(3, 2), errVersion},
		{"other tag", func() []byte { d := at(0, 'I'); d[6] ^= 1; return d }(), errForeign},
		{"other key", mustAppend(golden, newKeyset([][]byte{testKey(1)})), errForeign},
		{"wrong MAC", func() []byte { d := at(0, 'I'); d[len(d)-1] ^= 1; return d }(), errForged},
		{"no address", at(5, 0), errMalformed},
		{"17 addresses", at(5, 17), errMalformed},
		{"fewer addresses than said", at(5, 3), errMalformed},
		{"more addresses than said", at(5, 1), errMalformed},
		{"node id zero", at(12, make([]byte, 16)...), errMalformed},
		{"address of 5 bytes", at(headerSize, 5), errMalformed},
		{"address of 255 bytes", at(headerSize, 255), errMalformed},
		{"address of 0 bytes", at(headerSize, 0), errMalformed},
		{"unspecified address", at(headerSize+1, 0, 0, 0, 0), errMalformed},
		{"multicast address", at(headerSize+1, 224, 0, 0, 1), errMalformed},
		{"port 0", at(headerSize+5, 0, 0), errMalformed},
		{"IPv4 in IPv6", at(headerSize+8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1), errMalformed},
		{"link local IPv6", at(headerSize+8, 0xfe, 0x80), errMalformed},
		{"something behind", change(func(d []byte) []byte { return append(d, 0) }), errMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := decode(c.data, ks); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	if b, err := decode(at(4, 0xfd), ks); err != nil || !b.Query || b.Reply {
		t.Errorf("unknown flags: %v", err)
	}
}

func TestRefusingDoesNotAllocateForContent(t *testing.T) {
	ks := newKeyset([][]byte{testKey(0)})
	foreign := mustAppend(golden, newKeyset([][]byte{testKey(1)}))
	if n := testing.AllocsPerRun(100, func() { _, _ = decode(foreign, ks) }); n != 0 {
		t.Errorf("%v allocations for a foreign beacon", n)
	}
}

// FuzzDecode gets past the MAC by signing what the fuzzer made, and holds that
// what is accepted is written again byte for byte.
func FuzzDecode(f *testing.F) {
	ks := newKeyset([][]byte{testKey(0), testKey(1)})
	f.Add(mustAppend(golden, ks), true)
	f.Add(mustAppend(golden, ks), false)
	f.Add(bytes.Repeat([]byte{0xff}, maxDatagram+1), true)
	f.Add([]byte("IRB"), false)
	f.Fuzz(func(t *testing.T, data []byte, signed bool) {
		if signed && len(data) >= headerSize+macSize {
			data = sign(data, ks[0])
		}
		before := bytes.Clone(data)
		b, err := decode(data, ks)
		if !bytes.Equal(data, before) {
			t.Fatal("decode changed its input")
		}
		if err != nil {
			return
		}
		if len(b.Addrs) == 0 || len(b.Addrs) > maxAddrs || cap(b.Addrs) > maxAddrs {
			t.Fatalf("%d addresses", len(b.Addrs))
		}
		again := mustAppend(b, ks)
		again[4] = data[4] // flags of later versions
		if again = sign(again, ks[0]); !bytes.Equal(again, data) && data[6] == again[6] {
			t.Fatalf("not the same again:\n%x\n%x", data, again)
		}
	})
}

func TestKeysetPortsAndGroups(t *testing.T) {
	ks := newKeyset([][]byte{testKey(0), testKey(1)})
	for i, c := range ks.channels(0) {
		if c.port < PortBase || c.port >= PortBase+PortSpan || !c.group.IsMulticast() || !strings.HasPrefix(c.group.String(), "239.255.") {
			t.Errorf("channel %d: %v", i, c)
		}
	}
	if a := ks.channels(0); a[0] == a[1] {
		t.Error("two keys share a channel")
	}
	if a := ks.channels(77); a[0].port != 77 || a[1].port != 77 || a[0].group == a[1].group {
		t.Errorf("port override: %v", a)
	}
	if got, want := ks.channels(0)[0], (channel{goldenPort, netip.MustParseAddr(goldenGroup)}); got != want {
		t.Errorf("channel %v, want %v", got, want)
	}
	secret := testKey(0)
	ks = newKeyset([][]byte{secret})
	data := mustAppend(golden, ks)
	clear(secret)
	if _, err := decode(data, ks); err != nil {
		t.Error("the keyset shares memory with its caller")
	}
}
