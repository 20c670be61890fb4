package canary

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	var binary []byte
	for i := range 32 {
		binary = append(binary, byte(i*37+130))
	}
	for _, secret := range [][]byte{binary, []byte("a secret of letters, 0123456789"), []byte("short!!")} {
		for _, text := range Texts(secret) {
			if len(Find([]byte("before "+text+" after"), secret)) == 0 {
				t.Errorf("not found in %q", text)
			}
		}
		for _, text := range []string{"", "nothing of it", "[redacted]", string(secret[:len(secret)/4]), strings.Repeat("0123 45 67 89 ab cd ef ", 100)} {
			if f := Find([]byte(text), secret); len(f) > 0 {
				t.Errorf("found %v in %q", f, text)
			}
		}
	}
	if Find([]byte("x"), nil) != nil {
		t.Error("found nothing")
	}
}

// stub is a test that may fail.
type stub struct {
	testing.TB
	failed int
}

func (s *stub) Helper()               {}
func (s *stub) Errorf(string, ...any) { s.failed++ }

func TestCheck(t *testing.T) {
	secret := []byte("a secret of letters")
	for text, want := range map[string]int{"": 1, "fine": 0, "x a secret of letters": 1, "61207365637265742" + "06f66206c657474657273": 1} {
		s := &stub{}
		Check(s, "it", []byte(text), secret)
		if s.failed != want {
			t.Errorf("%q: %d failures, want %d", text, s.failed, want)
		}
	}
}
