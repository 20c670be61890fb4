package forms

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// Window is how many bytes in a row tell a secret.
const Window = 12

// Windows yields every [Window] bytes in a row of a secret; a shorter one as a
// whole, an empty one not at all. What is yielded aliases the secret.
func Windows(secret []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := 0; i < len(secret) && (i == 0 || i+Window <= len(secret)); i++ {
			if !yield(secret[i:min(i+Window, len(secret))]) {
				return
			}
		}
	}
}

// Form is one way to write some bytes.
type Form struct {
	Name, Text string
	Fold       bool // counts in either case; Text is in lower case
}

// Of writes bytes in every way. Base64 needs one alignment only: of the windows of a
// secret one in three begins where a group of three does.
func Of(b []byte) []Form {
	whole := b[:len(b)/3*3]
	list := []Form{
		{"as it is", string(b), false},
		{"in hexadecimal", hex.EncodeToString(b), true},
	}
	if quoted := inner(strconv.Quote(string(b))); quoted != string(b) {
		list = append(list, Form{"quoted", quoted, false}, Form{"quoted in ASCII", inner(strconv.QuoteToASCII(string(b))), false})
	}
	if quoted, err := json.Marshal(string(b)); err == nil && utf8.Valid(b) && inner(string(quoted)) != string(b) {
		list = append(list, Form{"in JSON", inner(string(quoted)), false})
	}
	if len(whole) > 0 {
		list = append(list, Form{"in base64", base64.StdEncoding.EncodeToString(whole), false}, Form{"in base64 for URLs", base64.URLEncoding.EncodeToString(whole), false})
	}
	for _, sep := range []string{" ", ",", ", "} {
		list = append(list, Form{"as numbers", joined(b, sep, decimal), false}, Form{"as hexadecimal numbers", joined(b, sep, hexNumber), true}, Form{"as hexadecimal numbers", joined(b, sep, hexNumber2), true})
	}
	for _, sep := range []string{" ", ":", "-"} {
		list = append(list, Form{"in hexadecimal, separated", joined(b, sep, hexDigits), true})
	}
	return list
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func joined(b []byte, sep string, number func([]byte, byte) []byte) string {
	out := make([]byte, 0, len(b)*(4+len(sep)))
	for i, c := range b {
		if i > 0 {
			out = append(out, sep...)
		}
		out = number(out, c)
	}
	return string(out)
}

func decimal(out []byte, c byte) []byte { return strconv.AppendUint(out, uint64(c), 10) }

func hexNumber(out []byte, c byte) []byte {
	return strconv.AppendUint(append(out, "0x"...), uint64(c), 16)
}

func hexNumber2(out []byte, c byte) []byte { return hexDigits(append(out, "0x"...), c) }

func hexDigits(out []byte, c byte) []byte { return hex.AppendEncode(out, []byte{c}) }
