package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readme says what is in an archive.
func readme() []byte {
	var b strings.Builder
	b.WriteString(`An archive of iris bundle, to attach to the report of a problem.

In the place of these stands ` + hidden + `:

- 12 bytes in a row of a secret that is known (all of it, if it has 8 to 11; a
  shorter one is not looked for): as they are, quoted, in hexadecimal, in base64, and
  as lists of numbers. Known are, if the archive was made with a config file,
  network.secret and what is in the files that it names: network.key,
  relay.token_file, admin.token_file, admin.tls_key, and of discovery.etcd tls_key and
  password_file; also if the file has mistakes. Known is the token, too, that the
  admin endpoint was shown.
- In JSON, values whose name ends in token, secret, password, passwd, passphrase,
  credential, authorization, cookie or key.
- In other text and in the strings of JSON, what follows one of these names (instead
  of key: API key, access key, private key) and a colon or equals sign, or bearer, to
  the end of the line and in the lines below that are further indented.
- Private keys in PEM; user and password in URLs; 48 hexadecimal digits and more;
  43 and more letters of both cases and digits without a gap, as base64 has.

Anything else is as it was: secrets of your own in names and labels that look like
none of these, and names of nodes, hosts, clusters and topics, and addresses. Look
through it before you give it away.

`)
	contents := Contents()
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		fmt.Fprintf(&b, "%-20s %s\n", name, contents[name])
	}
	return []byte(b.String())
}

func errorsText(errs []error) string {
	if len(errs) == 0 {
		return "Nothing is missing.\n"
	}
	var b strings.Builder
	for _, err := range errs {
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}
