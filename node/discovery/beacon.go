package discovery

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"iris/internal/id"
)

const (
	maxDatagram = 1200 // bytes; passes every path unfragmented
	maxAddrs    = 16   // per beacon

	version    = 1
	tagSize    = 6
	macSize    = 16
	headerSize = 52
)

const (
	flagQuery = 1 << iota // answer, please
	flagReply             // this is an answer
)

var magic = [4]byte{'I', 'R', 'B', version}

// beacon is the content of one datagram. The layout is in the package comment.
type beacon struct {
	Query, Reply bool
	ID           id.ID
	Incarnation  uint64
	Seq          uint64
	Wall         time.Time // to the millisecond
	Addrs        []netip.AddrPort
}

var (
	errMalformed = errors.New("malformed beacon")
	errVersion   = errors.New("beacon of another version")
	errForeign   = errors.New("beacon of another network")
	errForged    = errors.New("beacon with a wrong MAC")
)

// append writes b under k. It takes the first 16 usable addresses and reports
// false, leaving dst alone, if there are none: nobody could do anything with it.
func (b *beacon) append(dst []byte, k *key) ([]byte, bool) {
	start := len(dst)
	out := append(dst, magic[:]...)
	var flags byte
	if b.Query {
		flags |= flagQuery
	}
	if b.Reply {
		flags |= flagReply
	}
	out = append(out, flags, 0)
	out = append(out, k.tag[:]...)
	node := b.ID.Bytes()
	out = append(out, node[:]...)
	out = binary.BigEndian.AppendUint64(out, b.Incarnation)
	out = binary.BigEndian.AppendUint64(out, b.Seq)
	out = binary.BigEndian.AppendUint64(out, uint64(b.Wall.UnixMilli()))
	n := byte(0)
	for _, a := range b.Addrs {
		if n < maxAddrs && usable(a) {
			ip := a.Addr().AsSlice()
			out = append(out, byte(len(ip)))
			out = append(out, ip...)
			out = binary.BigEndian.AppendUint16(out, a.Port())
			n++
		}
	}
	if n == 0 {
		return dst, false
	}
	out[start+5] = n
	mac := k.mac(out[start:])
	return append(out, mac[:]...), true
}

// decode reads a datagram made with any key of ks. It allocates at most the
// slice of addresses, and that only after the MAC was found right.
func decode(data []byte, ks keyset) (beacon, error) {
	if len(data) < headerSize+macSize || len(data) > maxDatagram || [3]byte(data[:3]) != [3]byte(magic[:3]) {
		return beacon{}, errMalformed
	}
	if data[3] != version {
		return beacon{}, errVersion
	}
	k := ks.find([tagSize]byte(data[6:12]))
	if k == nil {
		return beacon{}, errForeign
	}
	body := data[:len(data)-macSize]
	if !k.verify(body, data[len(body):]) {
		return beacon{}, errForged
	}
	b := beacon{
		Query:       data[4]&flagQuery != 0,
		Reply:       data[4]&flagReply != 0,
		ID:          id.FromBytes([id.Size]byte(data[12:28])),
		Incarnation: binary.BigEndian.Uint64(data[28:]),
		Seq:         binary.BigEndian.Uint64(data[36:]),
		Wall:        time.UnixMilli(int64(binary.BigEndian.Uint64(data[44:]))),
	}
	count := int(data[5])
	if b.ID.IsZero() || count == 0 || count > maxAddrs {
		return beacon{}, errMalformed
	}
	b.Addrs = make([]netip.AddrPort, 0, count)
	rest := body[headerSize:]
	for range count {
		a, n := parseAddr(rest)
		if n == 0 {
			return beacon{}, errMalformed
		}
		b.Addrs = append(b.Addrs, a)
		rest = rest[n:]
	}
	if len(rest) > 0 {
		return beacon{}, errMalformed
	}
	return b, nil
}

// parseAddr reads one address and returns its length, 0 if it is not usable.
func parseAddr(p []byte) (netip.AddrPort, int) {
	if len(p) == 0 || (p[0] != 4 && p[0] != 16) || len(p) < int(p[0])+3 {
		return netip.AddrPort{}, 0
	}
	n := int(p[0])
	ip, _ := netip.AddrFromSlice(p[1 : 1+n])
	a := netip.AddrPortFrom(ip, binary.BigEndian.Uint16(p[1+n:]))
	if !usable(a) {
		return netip.AddrPort{}, 0
	}
	return a, n + 3
}

// usable reports whether a is something to dial, in its one proper form. Link
// local IPv6 needs a zone, which means nothing to another host.
func usable(a netip.AddrPort) bool {
	ip := a.Addr()
	return a.Port() != 0 && ip.IsValid() && !ip.Is4In6() && ip.Zone() == "" && !ip.IsUnspecified() &&
		!ip.IsMulticast() && (ip.Is4() || !ip.IsLinkLocalUnicast())
}
