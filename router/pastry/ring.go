package pastry

import (
	"math"
	"math/bits"

	"iris/internal/id"
)

// digits is the number of base 16 digits of an id, and so of table rows.
const digits = 32

// clockwise returns how far b lies clockwise of a on the ring.
func clockwise(a, b id.ID) id.ID {
	lo, borrow := bits.Sub64(b.Lo, a.Lo, 0)
	hi, _ := bits.Sub64(b.Hi, a.Hi, borrow)
	return id.ID{Hi: hi, Lo: lo}
}

// apart returns how far a and b lie apart, the shorter way round.
func apart(a, b id.ID) id.ID {
	d, e := clockwise(a, b), clockwise(b, a)
	if less(e, d) {
		return e
	}
	return d
}

// less orders distances.
func less(a, b id.ID) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

// behind reports whether a clockwise distance is the long way round.
func behind(d id.ID) bool { return d.Hi>>63 != 0 }

// shared returns how many leading digits a and b have in common.
func shared(a, b id.ID) int {
	if x := a.Hi ^ b.Hi; x != 0 {
		return bits.LeadingZeros64(x) / 4
	}
	return 16 + bits.LeadingZeros64(a.Lo^b.Lo)/4
}

// share returns a clockwise distance as a part of the ring.
func share(d id.ID) float64 { return (float64(d.Hi) + 1) / math.MaxUint64 }
