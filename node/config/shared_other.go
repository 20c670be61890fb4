//go:build !unix

package config

import "io/fs"

// sharedByRoot reports false: there is no root.
func sharedByRoot(string, fs.FileMode) bool { return false }
