package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOneKeyManyForms holds that the wrapping of a key does not matter.
func TestOneKeyManyForms(t *testing.T) {
	raw := []byte("\x8f" + strings.Repeat("0123456789abcdefghijk", 2)[:36] + "\n \n")
	groups := map[string][][]byte{
		"RSA": {
			file(t, "rsa-pkcs1.pem"), file(t, "rsa-pkcs8.pem"),
			bytes.ReplaceAll(file(t, "rsa-pkcs1.pem"), []byte("\n"), []byte("\r\n")),
			append([]byte("\xef\xbb\xbf"), file(t, "rsa-pkcs1.pem")...),
			append([]byte("Bag Attributes: none\n"), file(t, "rsa-pkcs8.pem")...),
		},
		"EC": {
			file(t, "ec-sec1.pem"), file(t, "ec-pkcs8.pem"),
			append(file(t, "certificate.pem"), file(t, "ec-pkcs8.pem")...),
		},
		"Ed25519": {file(t, "ed25519.pem"), append(file(t, "ed25519.pem"), "\n\ntrailing words\n"...)},
		"raw": {
			raw,
			[]byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw)) + "\r\n"),
			[]byte("  " + hex.EncodeToString(raw)[:20] + "\n" + hex.EncodeToString(raw)[20:] + "\n"),
			[]byte(base64.StdEncoding.EncodeToString(raw)), []byte(base64.RawURLEncoding.EncodeToString(raw) + "\n"),
		},
	}
	var all []Secret
	for name, forms := range groups {
		first, err := Parse(forms[0])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n, form := range forms {
			s, err := Parse(form)
			if err != nil {
				t.Errorf("%s form %d: %v", name, n, err)
			} else if !s.Equal(first) || keyring(t, "net", s).Tags()[0] != keyring(t, "net", first).Tags()[0] {
				t.Errorf("%s form %d is another key", name, n)
			}
		}
		for _, other := range all {
			if first.Equal(other) {
				t.Errorf("%s equals another kind of key", name)
			}
		}
		all = append(all, first)
	}
}

func TestParseRefuses(t *testing.T) {
	ed := file(t, "ed25519.pem")
	block, _ := pem.Decode(ed)
	public, _ := pem.Decode(file(t, "ec-public.pem"))
	for _, c := range []struct {
		name string
		data []byte
		kind error
		want string // in the message
	}{
		{"nothing", nil, ErrWeak, "0 bytes"},
		{"31 bytes", bytes.Repeat([]byte("\x80abcdefg"), 4)[:31], ErrWeak, "31 bytes"},
		{"passphrase", []byte("correct horse battery staple"), ErrWeak, "28 bytes (read as plain text)"},
		{"30 bytes in hexadecimal", []byte(strings.Repeat("0f1e2d3c4b5a", 5)), ErrWeak, "30 bytes (read as hexadecimal)"},
		{"short base64", []byte("SGVsbG8gd29ybGQhIFRoaXMgaXMgc2hvcnQ="), ErrWeak, "bytes (read as base64)"},
		{"zeros", make([]byte, 32), ErrWeak, "repeat"},
		{"hexadecimal zeros", []byte(strings.Repeat("00", 32)), ErrWeak, "repeat"},
		{"one letter", bytes.Repeat([]byte("a"), 64), ErrWeak, "repeat"},
		{"few letters", []byte(strings.Repeat("abc!", 7) + "aabb cc!"), ErrWeak, "repeat"},
		{"a word again and again", []byte(strings.Repeat("pass word! ", 5)), ErrWeak, "repeat"},
		{"too long", bytes.Repeat([]byte("0123456789abcdef"), MaxInput), ErrFormat, "at most"},
		{"too long PEM", append([]byte("-----BEGIN X"), make([]byte, MaxInput)...), ErrFormat, "at most"},
		{"RSA 1024", file(t, "rsa-1024.pem"), ErrWeak, "1024 bits, want at least 2048"},
		{"encrypted PKCS#1", file(t, "rsa-encrypted.pem"), ErrFormat, "encrypted with a passphrase"},
		{"encrypted PKCS#8", file(t, "ec-encrypted.pem"), ErrFormat, "encrypted with a passphrase"},
		{"public key", file(t, "ec-public.pem"), ErrFormat, "public key is known to everybody"},
		{"certificate", file(t, "certificate.pem"), ErrFormat, "certificate is public"},
		{"request", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST"}), ErrFormat, "request is public"},
		{"parameters", pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS"}), ErrFormat, "no private key"},
		{"OpenSSH", file(t, "openssh.pem"), ErrFormat, "ssh-keygen"},
		{"X25519", file(t, "x25519.pem"), ErrFormat, "want RSA, EC or Ed25519"},
		{"DSA", pem.EncodeToMemory(&pem.Block{Type: "DSA PRIVATE KEY"}), ErrFormat, "want RSA, EC or Ed25519"},
		{"two keys", append(ed[:len(ed):len(ed)], file(t, "ec-pkcs8.pem")...), ErrFormat, "2 private keys"},
		{"cut PEM", ed[:len(ed)-10], ErrFormat, "no complete block"},
		{"wrong label", bytes.ReplaceAll(ed, []byte("PRIVATE KEY"), []byte("RSA PRIVATE KEY")), ErrFormat, "RSA PRIVATE KEY"},
		{"rubbish inside", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("rubbish")}), ErrFormat, "PRIVATE KEY"},
		{"private key in DER", block.Bytes, ErrFormat, "DER"},
		{"public key in DER", public.Bytes, ErrFormat, "DER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse(c.data)
			if err == nil || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %v with %q", err, c.kind, c.want)
			}
			if !s.IsZero() {
				t.Error("a secret came with the error")
			}
		})
	}
}

func TestGeneratePEM(t *testing.T) {
	a, b := must(GeneratePEM(nil)), must(GeneratePEM(nil))
	if must(Parse(a)).Equal(must(Parse(b))) {
		t.Error("generated the same key twice")
	}
	if c := must(GeneratePEM(constant(3))); !bytes.Equal(c, must(GeneratePEM(constant(3)))) {
		t.Error("the reader does not decide the key")
	}
	if _, err := GeneratePEM(strings.NewReader("short")); err == nil {
		t.Error("generated from too little randomness")
	}
}

// FuzzParse holds that no input panics, that errors are of the two kinds and do
// not quote the input, and that an accepted key makes a keyring.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
			if b, _ := pem.Decode(data); b != nil {
				f.Add(b.Bytes)
			}
		}
	}
	f.Add([]byte("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"))
	f.Add([]byte("q83vEjRWeJq83vASNFZ4mrze8BI0VniavN7wEjRWeJo=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		s, err := Parse(data)
		if !bytes.Equal(before, data) {
			t.Fatal("Parse changed its input")
		}
		if err != nil {
			if !errors.Is(err, ErrWeak) && !errors.Is(err, ErrFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if len(s.key()) < MinRaw {
			t.Fatalf("accepted a key of %d bytes", len(s.key()))
		}
		clear(data) // not kept
		again, err := Parse(before)
		if err != nil || !again.Equal(s) {
			t.Fatalf("the same data is another key: %v", err)
		}
		k, err := NewKeyring("fuzz", s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(k, Options{Now: func() time.Time { return clock0 }}); err != nil {
			t.Fatal(err)
		}
	})
}
