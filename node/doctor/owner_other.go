//go:build !unix

package doctor

import "errors"

// owner fails: there are access lists instead.
func owner(string) (Owner, error) { return Owner{}, errors.ErrUnsupported }
