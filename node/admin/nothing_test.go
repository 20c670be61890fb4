package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Whatever is not there below /api is so in the form of the API, also where the dashboard answers everything else.
func TestWhatIsNotThereBelowTheAPI(t *testing.T) {
	paths := []string{
		"/api", "/api/", "/api?x=y", "/api/v1", "/api/v1/", "/api/v2/node", "/api/v1/nothing", "/api/v1/node/", "/api/v1/nodes", "/api/v1/nodes/",
		"/api/v1/nodes/" + other, "/api/v1/nodes/" + other + "/", "/api/v1/nodes/" + other + "/nothing", "/api/v1/nodes/" + other + "/node/x",
		"/api/index.html", "/%61pi/nothing", "/api/%2e%2e/nothing", "/api/v1%2Fnode",
	}
	e := open(t, func(c *Config) { c.Page = http.NotFoundHandler() })
	e.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, method := range []string{"GET", "POST", "DELETE"} {
		for _, path := range paths {
			status, text, h := e.ask(method, path, "", "X-Iris-Admin", "1", "Content-Type", "application/json")
			var said struct{ Error string }
			err := json.Unmarshal([]byte(text), &said)
			if status != http.StatusNotFound || h.Get("Location") != "" || err != nil || said.Error == "" || !strings.HasPrefix(h.Get("Content-Type"), "application/json") {
				t.Errorf("%s %s: %d %q %v", method, path, status, text, h)
			}
		}
	}
}
