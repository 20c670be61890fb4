package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// intent is the header by which a program says that it means to change
// something. Pages of other origins cannot set it.
const intent = "X-Iris-Admin"

// policy is what every answer tells a browser: use nothing but what came from here.
var policy = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// guarded is the way every request takes first.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			fail(w, http.StatusServiceUnavailable, "the node is stopping")
			return
		}
		defer s.work.Done()
		for name, value := range policy {
			w.Header().Set(name, value)
		}
		if surplus(r.Context()) {
			w.Header().Set("Connection", "close")
			s.refuse(w, tooMany, http.StatusServiceUnavailable, "too many connections")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// visible lets a request through that does not come from a foreign page. What is
// served behind it and nothing more tells nothing about the node.
func (s *Server) visible(next http.HandlerFunc) http.HandlerFunc { return s.screened(next, false) }

// linked is visible for what a foreign page may have a link to.
func (s *Server) linked(next http.HandlerFunc) http.HandlerFunc { return s.screened(next, true) }

func (s *Server) screened(next http.HandlerFunc, page bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(s.cfg.Token) == 0 && !localName(r.Host):
			s.refuse(w, foreign, http.StatusForbidden, "without a token the endpoint answers to localhost and loopback addresses only, not to the name in the Host header")
		case crossOrigin(r, page):
			s.refuse(w, foreign, http.StatusForbidden, "a page of another origin may not ask")
		default:
			next(w, r)
		}
	}
}

// private lets a request through that shows the token, if there is one.
func (s *Server) private(next http.HandlerFunc) http.HandlerFunc {
	return s.visible(func(w http.ResponseWriter, r *http.Request) {
		if s.identify(r) == stranger {
			if bearerToken(r) != "" {
				s.wrongToken(r)
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="iris"`)
			s.refuse(w, notAllowed, http.StatusUnauthorized, "a token is needed: send Authorization: Bearer and the token in hexadecimal")
			return
		}
		next(w, r)
	})
}

// wrongToken tells the operator that somebody tries tokens, or has an old one.
func (s *Server) wrongToken(r *http.Request) {
	s.log.Warn("wrong admin token", "addr", r.RemoteAddr)
}

// deliberate lets a request through that no foreign page can have caused: with a
// bearer token, or with the header that only programs and the own page can set.
func (s *Server) deliberate(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.identify(r) != bearer && r.Header.Get(intent) != "1" {
			s.refuse(w, foreign, http.StatusForbidden, "send the header "+intent+": 1, which shows that a program means this")
			return
		}
		next(w, r)
	}
}

// identity is by what a request shows that it may ask.
type identity int

const (
	stranger identity = iota
	local             // there is no token, and only this host can ask
	bearer
	cookie
)

func (i identity) String() string {
	return [...]string{"nobody", "no token", "token", "login"}[i]
}

func (s *Server) identify(r *http.Request) identity {
	switch {
	case len(s.cfg.Token) == 0:
		return local
	case s.isToken(bearerToken(r)):
		return bearer
	}
	if _, _, ok := s.session(r); ok {
		return cookie
	}
	return stranger
}

// bearerToken is the token that a request shows, "" if none.
func bearerToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// isToken compares in a time that says nothing about the token.
func (s *Server) isToken(text string) bool {
	token, err := hex.DecodeString(text)
	if err != nil || len(s.cfg.Token) == 0 {
		return false
	}
	got, want := sha256.Sum256(token), sha256.Sum256(s.cfg.Token)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// localName reports whether a Host header names this host in a way that no page
// from elsewhere can: names other than localhost can be made to lead here.
func localName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// crossOrigin reports whether a browser says that the request comes from another
// page than ours. Following a link is no such request where there is a page to see.
func crossOrigin(r *http.Request, page bool) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Host, r.Host) {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return !page || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Method != http.MethodGet
}
