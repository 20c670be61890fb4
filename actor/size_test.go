package actor

import (
	"testing"
	"unsafe"
)

// A cell stays within a size class of the allocator: there may be 100 000 that do nothing.
func TestCellsAreSmall(t *testing.T) {
	if n := unsafe.Sizeof(cell{}); n > 512 {
		t.Errorf("a cell has %d bytes, want at most 512", n)
	}
}
