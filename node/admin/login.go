package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// loginTime is for how long a browser stays logged in.
const loginTime = 12 * time.Hour

// sessions makes cookies that it need not remember: when they end, and a proof
// that this process wrote so. They are those of one user: there is one token.
type sessions struct {
	key [32]byte
	era atomic.Uint64 // cookies of another one are worth nothing
}

func (s *sessions) proof(end string) string {
	m := hmac.New(sha256.New, s.key[:])
	m.Write(binary.BigEndian.AppendUint64(nil, s.era.Load()))
	m.Write([]byte(end))
	return hex.EncodeToString(m.Sum(nil))
}

// issue returns the value of a cookie that is good until end.
func (s *sessions) issue(end time.Time) string {
	text := strconv.FormatInt(end.Unix(), 10)
	return text + "." + s.proof(text)
}

// valid reports whether value is such a cookie, and its end has not come.
func (s *sessions) valid(value string, now time.Time) bool {
	text, proof, _ := strings.Cut(value, ".")
	end, err := strconv.ParseInt(text, 10, 64)
	return err == nil && hmac.Equal([]byte(proof), []byte(s.proof(text))) && now.Unix() < end
}

// revoke ends all cookies, wherever there are copies of them.
func (s *sessions) revoke() { s.era.Add(1) }

// cookieName is the node's own: cookies know no ports, and a host may have many nodes.
func (s *Server) cookieName() string { return "iris_admin_" + s.self[:8] }

func (s *Server) loggedIn(r *http.Request) bool {
	c, err := r.Cookie(s.cookieName())
	return err == nil && s.sessions.valid(c.Value, time.Now())
}

// login gives a browser a cookie for the token.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var form struct{ Token string }
	if err := json.NewDecoder(r.Body).Decode(&form); err != nil {
		s.refuse(w, malformed, http.StatusBadRequest, `the body must be {"token":"…"}`)
		return
	}
	if len(s.cfg.Token) > 0 && !s.isToken(strings.TrimSpace(form.Token)) {
		s.refuse(w, notAllowed, http.StatusUnauthorized, "this is not the token")
		return
	}
	s.setCookie(w, s.sessions.issue(time.Now().Add(loginTime)), int(loginTime/time.Second))
}

// logout ends all logins of the node if it comes with one, or with the token, and takes
// the cookie back from the browser.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if s.identify(r) != stranger {
		s.sessions.revoke()
	}
	s.setCookie(w, "", -1)
}

func (s *Server) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.cfg.Certificate != nil,
	})
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}
