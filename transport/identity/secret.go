package identity

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every formatting of a secret prints.
const redacted = "[redacted]"

// sealed holds key material where no printer finds it. Package fmt does not call
// the methods of unexported fields, so a struct that holds a Secret in one would
// print its bytes; a function prints as an address, whoever prints it.
type sealed func() []byte

// seal takes ownership of b.
func seal(b []byte) sealed { return func() []byte { return b } }

// Secret is the key of a network in canonical form, as Parse returns it. It never
// shows its bytes: String, every verb of package fmt, JSON, text and slog print
// "[redacted]". The zero Secret is empty and refused by NewKeyring.
type Secret struct{ key sealed }

// IsZero reports whether s holds no key.
func (s Secret) IsZero() bool { return s.key == nil }

// Equal reports whether s and o are the same key, in time that does not depend
// on the bytes.
func (s Secret) Equal(o Secret) bool {
	if s.IsZero() || o.IsZero() {
		return s.IsZero() && o.IsZero()
	}
	return subtle.ConstantTimeCompare(s.key(), o.key()) == 1
}

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]". There is no way back: a Secret cannot be
// stored through an encoder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns the string "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
