package packet

import "fmt"

// Violation is something that no honest peer sends. The connection is to be
// dropped.
type Violation struct {
	Side Side   // who sent it
	Op   Op     // of the packet
	What string // constant text
	Have uint64 // what came, where that is a number
	Max  uint64 // the limit that it broke, 0 if none
}

// Error implements error.
func (v *Violation) Error() string {
	if v.Max > 0 {
		return fmt.Sprintf("%s of the %s: %s: %d, at most %d", v.Op, v.Side, v.What, v.Have, v.Max)
	}
	return fmt.Sprintf("%s of the %s: %s", v.Op, v.Side, v.What)
}
