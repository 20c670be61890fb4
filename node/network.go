package node

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"iris/node/config"
	"iris/transport/identity"
)

// keyring returns the keys of the configured network. What the configuration
// leaves open is made up: the node then has a network of its own.
func keyring(n config.Network) (*identity.Keyring, string, error) {
	material := n.Secret
	switch {
	case len(n.Secret) > 0 && n.Key != "":
		return nil, "", fmt.Errorf("network: both a key file and a secret are given")
	case n.Key != "":
		data, err := config.ReadKey(n.Key)
		if err != nil {
			return nil, "", err
		}
		material = data
	case len(n.Secret) == 0:
		material = make([]byte, 32)
		rand.Read(material) // never fails
	}
	secret, err := identity.Parse(material)
	if err != nil {
		return nil, "", fmt.Errorf("network key: %w", err)
	}
	name := n.Name
	if name == "" {
		var b [8]byte
		rand.Read(b[:])
		name = "developer-" + hex.EncodeToString(b[:])
	}
	k, err := identity.NewKeyring(name, secret)
	if err != nil {
		return nil, "", fmt.Errorf("network %q: %w", name, err)
	}
	return k, name, nil
}
