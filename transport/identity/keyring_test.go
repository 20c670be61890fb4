package identity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldenID is the id of the leaf key with seed 0303...03.
const goldenID = "8cef065b7af83669150b7d32704d3d3e"

// TestVectors compares with values computed by another implementation. Nodes of
// different versions must agree on them for ever.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		File, Raw, Network, CA, Tag, Beacon, Derived string
		CAName                                       string `json:"ca_name"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.File+v.Network, func(t *testing.T) {
			key := []byte(v.Raw)
			if v.File != "" {
				if key, err = os.ReadFile(filepath.Join("testdata", v.File)); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Parse(key)
			if err != nil {
				t.Fatal(err)
			}
			k := keyring(t, v.Network, s)
			i := node(t, k, clock0)
			ca := k.keys[0].ca
			for _, c := range []struct{ what, got, want string }{
				{"CA key", hex.EncodeToString(ca.PublicKey.(ed25519.PublicKey)), v.CA},
				{"CA name", ca.Subject.CommonName, v.CAName},
				{"tag", i.Tag(), v.Tag},
				{"beacon key", hex.EncodeToString(k.BeaconKeys()[0]), v.Beacon},
				{"derived", hex.EncodeToString(i.Derive("reset", 48)), v.Derived},
			} {
				if c.got != c.want {
					t.Errorf("%s %s, want %s", c.what, c.got, c.want)
				}
			}
		})
	}
}

func TestCAIsTheSameEverywhere(t *testing.T) {
	s := rawKey(t, 1)
	a, b := keyring(t, "net", s), keyring(t, "net", rawKey(t, 2), s)
	if !bytes.Equal(a.keys[0].ca.Raw, b.keys[1].ca.Raw) {
		t.Error("two nodes derived different certificates from one key")
	}
	ca := a.keys[0].ca
	if !ca.NotBefore.Before(clock0) || ca.NotAfter.Year() < 9000 || !ca.IsCA || !ca.MaxPathLenZero {
		t.Errorf("CA from %v until %v, CA %v", ca.NotBefore, ca.NotAfter, ca.IsCA)
	}
}

func TestEverythingDependsOnKeyAndName(t *testing.T) {
	seen := map[string]string{}
	for _, c := range []struct {
		name string
		ring *Keyring
	}{
		{"net/1", keyring(t, "net", rawKey(t, 1))},
		{"net/2", keyring(t, "net", rawKey(t, 2))},
		{"Net/1", keyring(t, "Net", rawKey(t, 1))},
	} {
		i := node(t, c.ring, clock0)
		for what, v := range map[string]string{
			"tag": i.Tag(), "ca": c.ring.keys[0].ca.Subject.String(), "beacon": string(c.ring.BeaconKeys()[0]),
			"reset": string(i.Derive("reset", 32)), "leaf id": i.ID().String(), "ca seed": string(c.ring.keys[0].expand("ca", 32)),
			"derive ca": string(i.Derive("ca", 32)), "derive alpn": string(i.Derive("alpn", 6)),
		} {
			if before, dup := seen[v]; dup {
				t.Errorf("%s of %s equals %s", what, c.name, before)
			}
			seen[v] = what + " of " + c.name
		}
	}
}

func TestKeyringRefuses(t *testing.T) {
	s := rawKey(t, 1)
	for _, c := range []struct {
		name, network string
		keys          []Secret
		want          string
	}{
		{"no name", "", []Secret{s}, "0 bytes"},
		{"long name", strings.Repeat("x", 256), []Secret{s}, "256 bytes"},
		{"control character", "a\nb", []Secret{s}, "control character"},
		{"not UTF-8", "a\xff", []Secret{s}, "UTF-8"},
		{"no key", "net", nil, "0 keys"},
		{"too many", "net", make([]Secret, MaxKeys+1), "9 keys"},
		{"empty key", "net", []Secret{s, {}}, "key 1 of the keyring is empty"},
		{"twice the same", "net", []Secret{s, rawKey(t, 2), s}, "keys 0 and 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewKeyring(c.network, c.keys...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, err := NewKeyring(strings.Repeat("x", 255), s); err != nil {
		t.Errorf("name of 255 bytes: %v", err)
	}
	if _, err := New(nil, Options{}); err == nil {
		t.Error("identity without keyring made")
	}
	if _, err := New(keyring(t, "net", s), Options{Rand: strings.NewReader("short")}); err == nil {
		t.Error("identity made from too little randomness")
	}
}

func TestBeaconKeysAreCopies(t *testing.T) {
	k := keyring(t, "net", rawKey(t, 1), rawKey(t, 2))
	a := k.BeaconKeys()
	if len(a) != 2 || len(a[0]) != 32 || bytes.Equal(a[0], a[1]) {
		t.Fatalf("%d keys", len(a))
	}
	clear(a[0])
	if bytes.Equal(a[0], k.BeaconKeys()[0]) {
		t.Error("the caller changed the keyring")
	}
}
