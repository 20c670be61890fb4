package admin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	era atomic.Pointer[era] // cookies of another one are worth nothing
}

// era is the time between two logouts.
type era struct {
	number uint64
	life   context.Context // of what a login of that time let in
	end    context.CancelCauseFunc
}

func newEra(number uint64) *era {
	e := &era{number: number}
	e.life, e.end = context.WithCancelCause(context.Background())
	return e
}

func newSessions() *sessions {
	s := &sessions{}
	_, _ = rand.Read(s.key[:]) // never fails
	s.era.Store(newEra(0))
	return s
}

func (s *sessions) proof(e *era, end string) string {
	m := hmac.New(sha256.New, s.key[:])
	m.Write(binary.BigEndian.AppendUint64(nil, e.number))
	m.Write([]byte(end))
	return hex.EncodeToString(m.Sum(nil))
}

// issue returns the value of a cookie that is good until end.
func (s *sessions) issue(end time.Time) string {
	text := strconv.FormatInt(end.Unix(), 10)
	return text + "." + s.proof(s.era.Load(), text)
}

// read returns when the cookie with that value ends, and the era that ends it before
// that. It reports false if it is none, or its end has come.
func (s *sessions) read(value string, now time.Time) (end time.Time, of *era, ok bool) {
	of = s.era.Load()
	text, proof, _ := strings.Cut(value, ".")
	seconds, err := strconv.ParseInt(text, 10, 64)
	ok = err == nil && hmac.Equal([]byte(proof), []byte(s.proof(of, text))) && now.Unix() < seconds
	return time.Unix(seconds, 0), of, ok
}

// revoke ends all cookies, wherever there are copies of them, and what was begun with one.
func (s *sessions) revoke() {
	old := s.era.Load()
	s.era.CompareAndSwap(old, newEra(old.number+1)) // else it has been revoked meanwhile
	old.end(errLogin)
}

// cookieName is the node's own: cookies know no ports, and a host may have many nodes.
func (s *Server) cookieName() string { return "iris_admin_" + s.self[:8] }

// session returns what a request's cookie is good for, see sessions.read.
func (s *Server) session(r *http.Request) (end time.Time, of *era, ok bool) {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return end, nil, false
	}
	return s.sessions.read(c.Value, time.Now())
}

// errLogin is why a request ends with the login that it was let in by.
var errLogin = errors.New("the login has ended")

// lasting returns the context of a request that goes on for longer than to answer it takes:
// if a login let it in, it ends with that, because of errLogin. When a logout has been
// answered it has ended.
func (s *Server) lasting(r *http.Request) (context.Context, context.CancelFunc) {
	if by := s.identify(r); by == local || by == bearer {
		return context.WithCancel(r.Context())
	}
	until, of, ok := s.session(r)
	if !ok { // there was one a moment ago
		until, of = time.Time{}, s.sessions.era.Load()
	}
	ctx, cancel := context.WithDeadlineCause(of.life, until, errLogin) // not the other way round: its end would take a goroutine
	stop := context.AfterFunc(r.Context(), cancel)
	return ctx, func() { stop(); cancel() }
}

// login gives a browser a cookie for the token.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var form struct{ Token string }
	if err := json.NewDecoder(r.Body).Decode(&form); err != nil {
		s.refuse(w, malformed, http.StatusBadRequest, `the body must be {"token":"…"}`)
		return
	}
	if len(s.cfg.Token) > 0 && !s.isToken(strings.TrimSpace(form.Token)) {
		s.wrongToken(r)
		s.refuse(w, notAllowed, http.StatusUnauthorized, "this is not the token")
		return
	}
	if len(s.cfg.Token) > 0 { // else everybody is let in
		s.log.Info("admin login", "addr", r.RemoteAddr)
	}
	s.setCookie(w, s.sessions.issue(time.Now().Add(loginTime)), int(loginTime/time.Second))
}

// logout ends all logins of the node if it comes with one, or with the token, the event
// streams with them, and takes the cookie back from the browser.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if s.identify(r) != stranger {
		s.sessions.revoke()
		if len(s.cfg.Token) > 0 {
			s.log.Info("admin logout", "addr", r.RemoteAddr)
		}
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
