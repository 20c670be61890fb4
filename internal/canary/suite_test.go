package canary

import (
	"flag"
	"os"
	"testing"
)

var text = flag.String("text", "", "file with all that the tests of the project printed")

// TestSuite looks for the keys of all tests in what they printed:
//
//	go test -v ./... >/tmp/suite 2>&1; go test ./internal/canary -args -text /tmp/suite
func TestSuite(t *testing.T) {
	if *text == "" {
		t.Skip("no -text")
	}
	printed, err := os.ReadFile(*text)
	if err != nil {
		t.Fatal(err)
	}
	Check(t, *text, printed, []byte(known))
}

func TestKeysAreFound(t *testing.T) {
	a, b := Key(), Key()
	if string(a) == string(b) {
		t.Error("two keys are the same")
	}
	if len(Find(a, []byte(known))) == 0 || len(Find(b[:len(known)], a)) == 0 {
		t.Error("a key of a test is not known")
	}
}
