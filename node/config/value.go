package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"iris/transport/identity"
)

const (
	maxName   = 255 // bytes of a name, as on the wire
	maxSeeds  = 1024
	maxLabels = 64
)

// valueError is a value that cannot be taken: what is wrong and what would do.
type valueError struct {
	message, hint string
	cause         error // may be nil
}

func (e *valueError) Error() string { return e.message }
func (e *valueError) Unwrap() error { return e.cause }

func bad(hint, format string, args ...any) error {
	return &valueError{message: fmt.Sprintf(format, args...), hint: hint}
}

// set parses the text of a scalar into the field that dst points to. It does not
// check ranges; see check.
func (k *key) set(dst any, text string) (err error) {
	switch dst := dst.(type) {
	case *string:
		*dst = text
	case *Secret:
		*dst = Secret(text)
	case *bool:
		switch text {
		case "true", "false":
			*dst = text == "true"
		default:
			return bad("write true or false", "%q is not true or false", text)
		}
	case *int:
		if k.kind == size {
			*dst, err = parseSize(text)
		} else {
			*dst, err = parseCount(text)
		}
	case *time.Duration:
		*dst, err = parseDuration(text)
	case *slog.Level:
		*dst, err = ParseLevel(text)
	default:
		panic(fmt.Sprintf("config: key %s has a field of type %T", k.path, dst))
	}
	return err
}

// check reports what is wrong with the value that dst points to.
func (k *key) check(dst any) error {
	switch k.kind {
	case name:
		return checkName(*dst.(*string))
	case path:
		return checkPath(*dst.(*string))
	case secret:
		if _, err := identity.Parse(*dst.(*Secret)); err != nil {
			return bad("iris keygen makes a strong key", "%s", err)
		}
	case address:
		return checkAddress(*dst.(*string), true)
	case endpoint:
		return checkEndpoint(*dst.(*string), k.port)
	case udpPort:
		return checkPort(*dst.(*string))
	case seeds, services, command, urls:
		return k.checkList(*dst.(*[]string))
	case prefix:
		return checkPrefix(*dst.(*string))
	case labels:
		return checkLabels(*dst.(*map[string]string))
	case levels:
		return checkLevels(*dst.(*map[string]string))
	case count:
		n := *dst.(*int)
		if err := k.within(int64(n)); err != nil {
			return err
		}
		if k.even && n%2 != 0 {
			return bad("write "+strconv.Itoa(n+1), "%d is odd, an even number is wanted", n)
		}
	case size:
		return k.within(int64(*dst.(*int)))
	case duration:
		return k.within(int64(*dst.(*time.Duration)))
	case choice:
		text := *dst.(*string)
		for _, c := range k.choices {
			if c == text {
				return nil
			}
		}
		return bad(didYouMean(text, k.choices), "%q is not one of %s", text, strings.Join(k.choices, ", "))
	}
	return nil
}

func (k *key) within(v int64) error {
	if v >= k.min && v <= k.max || v == 0 && k.off {
		return nil
	}
	return bad("", "%s is out of range, %s are allowed", k.format(v), k.bounds())
}

// bounds names the range of a count, size or duration.
func (k *key) bounds() string {
	text := k.format(k.min) + " to " + k.format(k.max)
	if k.off {
		text = k.format(0) + " or " + text
	}
	return text
}

// format writes a count, size or duration.
func (k *key) format(v int64) string {
	switch k.kind {
	case size:
		return formatSize(int(v))
	case duration:
		return formatDuration(time.Duration(v))
	}
	return strconv.FormatInt(v, 10)
}

// parseCount takes a decimal number, with _ between digits if wanted. Octal and
// hexadecimal are refused: 010 means ten to one reader and eight to another.
func parseCount(text string) (int, error) {
	const hint = "write a decimal number such as 1024"
	digits := strings.ReplaceAll(text, "_", "")
	plain := strings.TrimPrefix(digits, "-")
	if plain == "" || strings.Trim(plain, "0123456789") != "" || len(plain) > 1 && plain[0] == '0' {
		return 0, bad(hint, "%q is not a whole number", text)
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0, bad("", "%s is out of range", digits)
	}
	return int(n), nil
}

// units of sizes; the powers of 1000 are left out because KB is read as either.
func unit(suffix string) (int64, bool) {
	switch suffix {
	case "", "B":
		return 1, true
	case "KiB":
		return kib, true
	case "MiB":
		return mib, true
	case "GiB":
		return gib, true
	}
	return 0, false
}

// parseSize takes a number of bytes: 4MiB, 512KiB, 1GiB, 65536.
func parseSize(text string) (int, error) {
	const hint = "write a size such as 512KiB, 4MiB or 1GiB"
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '_' && r != '-' })
	if end < 0 {
		end = len(text)
	}
	factor, ok := unit(strings.TrimPrefix(text[end:], " "))
	if !ok || end == 0 {
		return 0, bad(hint, "%q is not a size", text)
	}
	n, err := parseCount(text[:end])
	if err != nil {
		return 0, bad(hint, "%q is not a size", text)
	}
	if v := int64(n) * factor; int64(int(v)) == v {
		return int(v), nil
	}
	return 0, bad("", "%s is out of range", text)
}

func formatSize(n int) string {
	for _, suffix := range []string{"GiB", "MiB", "KiB"} {
		if f, _ := unit(suffix); n != 0 && int64(n)%f == 0 {
			return strconv.FormatInt(int64(n)/f, 10) + suffix
		}
	}
	return strconv.Itoa(n) + "B"
}

func parseDuration(text string) (time.Duration, error) {
	const hint = "write a duration such as 250ms, 10s or 2m"
	d, err := time.ParseDuration(text)
	if err == nil && !(d == 0 && strings.Trim(text, "+-0") == "") {
		return d, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, bad(hint, "%q has no unit", text)
	}
	return 0, bad(hint, "%q is not a duration", text)
}

// formatDuration writes 10s for what time.Duration writes as 10s, and 1m for
// what it writes as 1m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// checkName holds names to what the wire carries: 1..255 bytes of UTF-8, no
// control characters.
func checkName(s string) error {
	switch {
	case s == "":
		return bad("", "must not be empty")
	case len(s) > maxName:
		return bad("", "has %d bytes, at most %d are allowed", len(s), maxName)
	case !utf8.ValidString(s):
		return bad("", "is not valid UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return bad("", "%q contains a control character", s)
	}
	return nil
}

func checkPath(s string) error {
	switch {
	case s == "":
		return bad("", "must not be empty")
	case looksLikeKey(s):
		return bad("network.key is the path of a key file; a key itself goes into network.secret", "holds a key, not a path")
	case strings.ContainsFunc(s, unicode.IsControl):
		return bad("", "contains a control character")
	}
	return nil
}

// checkEndpoint checks what an endpoint for programs of this host may be; port is
// its usual one.
func checkEndpoint(s, port string) error {
	if s == EndpointOff {
		return nil
	}
	if strings.Contains(s, ":") {
		return checkAddress(s, true)
	}
	if _, err := strconv.ParseUint(s, 10, 16); err != nil {
		return bad("write a port such as "+port+", an address such as 127.0.0.1:"+port+", or off", "%q is not a port", s)
	}
	return nil
}

// checkPort checks what the port for tunnels may be.
func checkPort(s string) error {
	if _, err := strconv.ParseUint(s, 10, 16); (err != nil || len(s) > 1 && s[0] == '0') && s != EndpointOff {
		return bad("write a port such as 4001, or off; the host is that of listen", "%q is not a port", s)
	}
	return nil
}

// checkAddress checks host:port. To listen, the host may be empty or an IP
// address only and the port may be 0; to reach, both must be given.
func checkAddress(s string, listen bool) error {
	hint := "write host:port such as 10.0.0.7:4000 or [fd00::7]:4000"
	if listen {
		hint = "write address:port such as 0.0.0.0:4000, [::1]:0 or :4000; port 0 lets the system choose"
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		why := "is not host:port"
		var ae *net.AddrError
		if errors.As(err, &ae) {
			why += " (" + ae.Err + ")"
		}
		return bad(hint, "%q %s", s, why)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listen {
		first := 1
		if listen {
			first = 0
		}
		return bad(hint, "%q: port %q is not a number from %d to 65535", s, port, first)
	}
	if host == "" && listen {
		return nil
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if !hostName(host) {
		return bad(hint, "%q: %q is neither an IP address nor a host name", s, host)
	}
	return nil
}

// hostName reports whether s has the form of a DNS name (RFC 1123, plus the
// underscore that service names use).
func hostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	digits := true
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		digits = strings.Trim(label, "0123456789") == ""
		for _, r := range label {
			if r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
				return false
			}
		}
	}
	return !digits // all digits at the end: a mistyped IP address such as 10.0.0.300
}

func checkLabels(m map[string]string) error {
	if len(m) > maxLabels {
		return bad("", "%d labels, at most %d are allowed", len(m), maxLabels)
	}
	for k, v := range m {
		if err := checkName(k); err != nil {
			return bad("", "label name %s", err)
		}
		if v == "" {
			continue
		}
		if err := checkName(v); err != nil {
			return bad("", "label %q: value %s", k, err)
		}
	}
	return nil
}
