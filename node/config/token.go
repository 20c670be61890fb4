package config

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
)

const (
	minToken = 16   // bytes
	maxToken = 1024 // bytes of the file
)

// ReadToken returns the token in a file of hexadecimal digits, after checking that
// nobody but the owner can read it. The error is an [Errors]. Blocks for the time
// of reading.
func ReadToken(path string) ([]byte, error) {
	token, err := readToken(path)
	if err != nil {
		return nil, Errors{problemOf("", "", err)}
	}
	return token, nil
}

func readToken(path string) ([]byte, error) {
	const hint = "openssl rand -hex 32 makes a good one"
	data, info, err := readRegular(path, maxToken)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // its text without the path
		}
		return nil, &valueError{message: fmt.Sprintf("cannot read token file %s: %s", path, err), hint: hint, cause: err}
	}
	if err := onlyOwner("token file", path, info); err != nil {
		return nil, err
	}
	token, err := hex.DecodeString(string(bytes.TrimSpace(data)))
	if err != nil || len(token) < minToken {
		return nil, bad(hint, "token file %s does not hold %d bytes or more in hexadecimal", path, minToken)
	}
	return token, nil
}
