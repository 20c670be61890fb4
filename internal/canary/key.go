package canary

import "crypto/rand"

// known is what all keys of tests have in common.
const known = "the key of a test, told nowhere: "

// Key returns a network key for a test, of plain letters: like no other, but with a part that is
// known, so that it can be looked for in what all tests of the project print.
func Key() []byte { return []byte(known + rand.Text()) }
