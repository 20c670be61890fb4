package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"iris/internal/printable"
	"iris/transport/identity"
)

// ReadKey returns the content of a network key file, which identity.Parse
// understands, after checking that nobody but the owner can read the file, that
// not everybody can put another in its place, and that the key is usable. The
// caller owns the bytes. Blocks for the time of reading. The error is an
// [Errors] and says what to do.
func ReadKey(path string) ([]byte, error) {
	data, err := readKey(path)
	if err != nil {
		return nil, Errors{problemOf("", "network.key", err)}
	}
	return data, nil
}

func readKey(path string) ([]byte, error) {
	data, info, err := readRegular(path, identity.MaxInput)
	if err != nil {
		return nil, keyProblem(path, err)
	}
	if err := onlyOwner("key file", path, info); err != nil {
		return nil, err
	}
	if _, err := identity.Parse(data); err != nil {
		return nil, bad("iris keygen makes a good one", "key file %s: %s", path, err)
	}
	return data, nil
}

func keyProblem(path string, err error) error {
	shown := path
	if decodes(filepath.Base(path)) || decodes(path) {
		shown = hidden // a key given in the place of a path
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // its text without the path
	}
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "iris keygen makes one; the same file must be on every node of the network"
	}
	return &valueError{message: fmt.Sprintf("cannot read key file %s: %s", shown, err), hint: hint, cause: err}
}

// readRegular reads a file of at most limit bytes and returns what was opened,
// behind symbolic links.
func readRegular(path string, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path) // before opening: opening a pipe would block
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(data)) > limit {
		return nil, nil, fmt.Errorf("is larger than %d bytes", limit)
	}
	return data, info, nil
}

// onlyOwner reports an error unless a file with a secret, as it was opened, is
// readable by its owner alone, or by a group that root has chosen, and cannot be
// swapped for another by everybody. What a symbolic link points to counts, as the link has no mode of
// its own. Windows keeps access lists instead of modes; there nothing is checked.
func onlyOwner(what, path string, opened fs.FileInfo) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	shown := path
	if abs, err := filepath.Abs(path); err == nil && abs != real && filepath.Clean(path) != real {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			shown += " (link to " + real + ")"
		}
	}
	if perm := opened.Mode().Perm(); perm&0o077 != 0 && !sharedByRoot(opened) {
		return bad("chmod 600 "+printable.Word(real), "%s %s has mode %04o: others than its owner can read or change it", what, shown, perm)
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(real)} {
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return bad("chmod o-w "+printable.Word(dir), "%s %s lies in %s, mode %04o: everybody can put another file in its place",
				what, shown, dir, info.Mode().Perm())
		}
	}
	return nil
}
