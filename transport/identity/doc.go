// Package identity turns the network key into everything that admits a node to
// a network: certificate authority, leaf certificates, node id, TLS
// configurations and the keys of discovery beacons.
//
//	PEM key or >= 32 random bytes          Parse: canonical, weak keys refused
//	        |
//	        v
//	     Secret ----- network name         NewKeyring: HKDF-SHA256 (RFC 5869)
//	                     |
//	      .--------------+-----------.----------------.
//	      v              v           v                v
//	  Ed25519 CA     ALPN tag    beacon keys     Derive(label)
//	  (same on       iris/1.tag
//	  every node,        |
//	  never sent)        |
//	      |              |
//	      v              v
//	  leaf, per process --> ServerTLS, ClientTLS  (TLS 1.3, mutual)
//	      |
//	      v
//	  node id = first 128 bits of SHA-256(public key of the leaf)
//
// # Derivation
//
// Every PEM wrapping of one key has one canonical form, so a network does not
// care whether its RSA key is stored as PKCS#1 or PKCS#8:
//
//	RSA       "rsa\0"     E, then the primes in descending order, each as uint32 length and big endian bytes
//	EC        "ec\0"      curve name, "\0", scalar in the fixed length of the curve
//	Ed25519   "ed25519\0" seed
//	raw       "raw\0"     bytes
//
// The canonical form is the input key material, SHA-256 of the network name the
// salt, and "iris/v1/" + label the info of HKDF. Labels: "ca" (seed of the CA),
// "alpn" (6 bytes, the tag in base64url) and "sub/" + name (Derive).
//
// # What a handshake proves
//
// Both sides show exactly one certificate, over an Ed25519 key they own, signed
// by a CA of the other's keyring. So each knows the other's id and that it holds
// the network key; it knows nothing else. Any holder of the key may invent as
// many ids as it likes, but nobody can take the id of a running node, because
// the id is a hash of a key that never leaves its process.
//
// A weak network key is attackable offline by anybody who can reach the port,
// because a server shows a certificate signed by the derived CA before the
// client authenticates itself. Hence weak keys are refused when parsed.
//
// # Rotation
//
// A keyring holds several keys, the first is the primary. Nodes whose keyrings
// share any key talk to each other. To rotate A to B without downtime: add B
// everywhere (A,B), promote it (B,A), remove A (B). The id of a node belongs to
// its process, not to a key, so it survives. See Keyring.
//
// # Time
//
// The CA is valid from 1970 for ever, a leaf from 48 hours before it was made
// to 30 days after. A leaf is made anew, for the same key, after a third of its
// life or when the clock was set back. So clocks of nodes may differ by up to
// 48 hours without harm.
//
// # Concurrency
//
// Secret and Keyring are immutable. An Identity may be used by any number of
// goroutines. The package starts no goroutine and does no I/O.
//
// # Errors
//
// Parse and NewKeyring say what is wrong with a key and never quote it;
// errors.Is with ErrWeak, ErrFormat. Handshakes end with ErrIdentity when the
// certificate is good but the peer is not the one wanted.
package identity
