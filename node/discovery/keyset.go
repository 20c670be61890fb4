package discovery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

const (
	// PortBase and PortSpan bound the ports derived from beacon keys:
	// PortBase <= port < PortBase+PortSpan. They lie below the range from which
	// systems hand out ports (32768 and up on Linux), so that no other program
	// holds one by chance.
	PortBase = 23000
	PortSpan = 2000
)

// key is one beacon key and what is derived from it.
type key struct {
	secret func() []byte // a function, so that no printer finds the bytes
	tag    [tagSize]byte
}

// keyset holds the beacon keys of a keyring, primary first. It is immutable.
type keyset []*key

func newKeyset(secrets [][]byte) keyset {
	ks := make(keyset, len(secrets))
	for i, s := range secrets {
		own := append([]byte(nil), s...)
		k := &key{secret: func() []byte { return own }}
		h := hmac.New(sha256.New, own)
		h.Write([]byte("iris/v1/beacon-tag"))
		k.tag = [tagSize]byte(h.Sum(nil))
		ks[i] = k
	}
	return ks
}

// find returns the key with the tag, nil if there is none.
func (ks keyset) find(tag [tagSize]byte) *key {
	for _, k := range ks {
		if k.tag == tag {
			return k
		}
	}
	return nil
}

// port returns the port that the key's beacons are sent to.
func (k *key) port() uint16 {
	return uint16(PortBase + binary.BigEndian.Uint32(k.tag[:4])%PortSpan)
}

// group returns the multicast group of the key's beacons, of the local scope
// 239.255.0.0/16 (RFC 2365, section 6.1).
func (k *key) group() netip.Addr {
	return netip.AddrFrom4([4]byte{239, 255, k.tag[4], k.tag[5]})
}

func (k *key) mac(body []byte) [macSize]byte {
	h := hmac.New(sha256.New, k.secret())
	h.Write(body)
	return [macSize]byte(h.Sum(nil)[:macSize])
}

func (k *key) verify(body, mac []byte) bool {
	want := k.mac(body)
	return hmac.Equal(want[:], mac)
}
