// Package bounds checks that a msgpack value from another process is safe to
// decode.
//
// A general msgpack decoder trusts what a value claims about itself: six bytes
// that claim an array of four thousand million elements make it allocate tens
// of gigabytes, and a megabyte of nested arrays overflows its stack. Neither
// can be recovered from. So every payload passes Check before a decoder sees
// its first byte:
//
//	payload ──► bounds.Check ──► msgpack decoder ──► Go value
//	                 │
//	                 └─ *Error: which rule, at which offset
//
// Check walks the value once, without recursion and without allocating. It
// verifies shape only; whether the value fits a Go type is the decoder's
// business. What it promises about an accepted value: exactly one value and no
// byte after it, nested at most MaxDepth deep, at most MaxElements values in
// all, every claimed length backed by bytes that are really there, every str
// valid UTF-8, and no byte 0xc1, which msgpack reserves.
//
// The package is pure and holds no state; Check is safe for concurrent use. It
// only reads msg.
package bounds
