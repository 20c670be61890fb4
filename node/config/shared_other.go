//go:build !unix

package config

import "io/fs"

// sharedByRoot reports false: there is no root.
func sharedByRoot(fs.FileInfo) bool { return false }
