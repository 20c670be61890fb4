package identity_test

import (
	"fmt"

	"iris/transport/identity"
)

// Two processes that know a network's name and key admit each other. A third
// that knows another name is told apart before a certificate is shown.
func Example() {
	secret, err := identity.Parse([]byte("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(secret) // never shows itself
	for _, network := range []string{"orders", "orders", "billing"} {
		ring, err := identity.NewKeyring(network, secret)
		if err != nil {
			fmt.Println(err)
			return
		}
		self, err := identity.New(ring, identity.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(network, self.ServerTLS().NextProtos)
	}
	// Output:
	// [redacted]
	// orders [iris/1.mnxcuVWv]
	// orders [iris/1.mnxcuVWv]
	// billing [iris/1.MZvLSazT]
}
