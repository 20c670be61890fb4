package lookup

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"iris/internal/id"
)

// EtcdConfig of NewEtcd.
type EtcdConfig struct {
	Endpoints []string      // URLs of the members of one etcd; any of them is asked
	Prefix    string        // of the keys, without a slash at the end
	TTL       time.Duration // of the lease, whole seconds
	Username  string        // empty: no authentication
	Password  func() string // asked at each authentication; a function, so that no printer finds it
	TLS       *tls.Config   // for https endpoints; nil is the host's trust

	ID    id.ID           // of this node
	Keys  [][]byte        // beacon keys of the network, primary first
	Addrs func() []string // where this node listens, host:port; loopback last. Must not block
}

// listing is the most entries that one lookup asks for, of each key.
const listing = 256

// Etcd enters this node in an etcd and lists the others there. It speaks the JSON
// gateway of etcd 3.4 and later.
//
//	key    PREFIX/TAG/NODE-ID        value    host:port, one per line
//
// The tag is derived from the network's key and tells nothing of it. A lease
// removes the entry when this node no longer renews it.
type Etcd struct {
	cfg     EtcdConfig
	gateway *gateway
	tags    []string // primary first

	// Used by one goroutine at a time, as Provider and registrar say.
	lease   string // empty: none
	entered string // the value there
}

// NewEtcd returns the provider. It opens nothing.
func NewEtcd(cfg EtcdConfig) (*Etcd, error) {
	if len(cfg.Endpoints) == 0 || len(cfg.Keys) == 0 || cfg.Addrs == nil || cfg.TTL < time.Second {
		return nil, errors.New("etcd: endpoints, keys, addresses and a TTL are needed")
	}
	e := &Etcd{cfg: cfg, gateway: newGateway(cfg)}
	for _, k := range cfg.Keys {
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte("iris/v1/etcd-tag"))
		e.tags = append(e.tags, hex.EncodeToString(mac.Sum(nil)[:16]))
	}
	return e, nil
}

// Name returns "etcd".
func (e *Etcd) Name() string { return "etcd" }

func (e *Etcd) folder(tag string) string { return e.cfg.Prefix + "/" + tag + "/" }

func (e *Etcd) key() string { return e.folder(e.tags[0]) + e.cfg.ID.String() }

// register renews the lease, or takes a new one and writes the entry.
func (e *Etcd) register(ctx context.Context) (pace, error) {
	again := pace{slow: e.cfg.TTL / 3}
	value := strings.Join(public(e.cfg.Addrs()), "\n")
	if e.lease != "" {
		alive, err := e.gateway.keepAlive(ctx, e.lease)
		if err != nil {
			return again, err
		}
		if !alive {
			e.lease, e.entered = "", ""
		}
	}
	if e.lease == "" {
		lease, err := e.gateway.grant(ctx, int(e.cfg.TTL/time.Second))
		if err != nil {
			return again, err
		}
		e.lease, e.entered = lease, ""
	}
	if e.entered == value {
		return again, nil
	}
	if err := e.gateway.put(ctx, e.key(), value, e.lease); err != nil {
		e.entered = "" // perhaps written, perhaps not
		return again, err
	}
	e.entered = value
	return again, nil
}

// withdraw ends the lease, and the entry with it.
func (e *Etcd) withdraw(ctx context.Context) error {
	defer e.gateway.close()
	if e.lease == "" {
		return nil
	}
	lease := e.lease
	e.lease, e.entered = "", ""
	return e.gateway.revoke(ctx, lease)
}

// Lookup lists the other nodes: for each key of the network at most 256, those
// whose ids follow a random one.
func (e *Etcd) Lookup(ctx context.Context) ([]string, error) {
	var addrs []string
	var errs []error
	for _, tag := range e.tags {
		entries, err := e.list(ctx, e.folder(tag))
		if err != nil {
			return addrs, err
		}
		bad, own := 0, false
		for _, kv := range entries {
			if kv.key == e.key() {
				own = true
				continue
			}
			found, err := parseLines(kv.value)
			if err != nil {
				bad++
			}
			addrs = append(addrs, found[:min(len(found), maxEntry)]...)
		}
		if tag == e.tags[0] && !own && len(entries) < listing {
			e.entered = "" // somebody removed our entry: write it again
		}
		if bad > 0 {
			errs = append(errs, fmt.Errorf("%d of %d entries below %s are not lists of addresses", bad, len(entries), e.folder(tag)))
		}
	}
	addrs, err := bounded(addrs)
	return addrs, errors.Join(append(errs, err)...)
}

// maxEntry is how many addresses of one entry are used.
const maxEntry = 4

// list returns entries of a folder from a random place on, and on from its start.
func (e *Etcd) list(ctx context.Context, folder string) ([]entry, error) {
	middle := folder + id.ID{Hi: rand.Uint64(), Lo: rand.Uint64()}.String()
	entries, err := e.gateway.list(ctx, middle, after(folder), listing)
	if err != nil || len(entries) == listing {
		return entries, err
	}
	more, err := e.gateway.list(ctx, folder, middle, listing-len(entries))
	return append(entries, more...), err
}

// after returns the first key behind all that begin with folder, which ends in a
// slash.
func after(folder string) string { return folder[:len(folder)-1] + string(rune('/'+1)) }

// public returns the addresses that other hosts can dial, or if there are none all:
// then there may be other nodes on this host.
func public(addrs []string) []string {
	var out []string
	for _, a := range addrs {
		if !loopback(a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = addrs
	}
	return out[:min(len(out), maxEntry)]
}

func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}
