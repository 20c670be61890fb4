// Package actor runs handlers: one goroutine-free object per actor with a bounded mailbox, supervised by a tree
// that never takes the process down. It is the only package that knows protoactor-go; nothing it exports depends on
// the parts of that library which are known to be broken.
package actor
