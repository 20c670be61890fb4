package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is key material that no printer shows: package fmt, slog, JSON and YAML
// write "[redacted]", also where it is a part of something else. It is assigned
// from and converted to []byte freely. Package fmt does not call methods of values
// in unexported fields: there it shows what it is.
type Secret []byte

// String returns "[redacted]", or "" if s is empty.
func (s Secret) String() string {
	if len(s) == 0 {
		return ""
	}
	return hidden
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format prints String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns String. There is no way back.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML returns String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue returns String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
