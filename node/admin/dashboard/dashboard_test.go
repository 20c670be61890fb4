package dashboard

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestServesThePage(t *testing.T) {
	for path, want := range map[string]string{
		"/": "text/html", "/index.html": "text/html", "/app.js": "text/javascript", "/views/actors.js": "text/javascript", "/style.css": "text/css", "/favicon.svg": "image/svg+xml",
	} {
		w := get(t, http.MethodGet, path)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %d %q, want 200 %q", path, w.Code, got, want)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != Policy {
			t.Errorf("%s: policy %q", path, got)
		}
		if again := get(t, http.MethodGet, path, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d, want 304", path, again.Code)
		}
	}
}

func TestServesNothingElse(t *testing.T) {
	for _, path := range []string{"/nothing", "/page/app.js", "/dashboard.go", "/../doc.go", "/views", "/views/"} {
		if w := get(t, http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
	if w := get(t, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d, Allow %q, want 405", w.Code, w.Header().Get("Allow"))
	}
}

// The page puts text from the network into the document as text only, and needs
// no other host. The browser tests try it; this says which ways there must not be.
func TestNoWayAroundTheRules(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|\bstyle="|\bon[a-z]+="|<style|<script>`)
	elsewhere := regexp.MustCompile(`https?://[^\s"'` + "`" + `)]*`)
	imports := regexp.MustCompile(`from "(\.[^"]+)"`)
	all := load()
	err := fs.WalkDir(files, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if bad := forbidden.Find(text); bad != nil {
			t.Errorf("%s: %s", name, bad)
		}
		for _, url := range elsewhere.FindAll(text, -1) {
			if string(url) != "http://www.w3.org/2000/svg" { // a name, not a place
				t.Errorf("%s: %s", name, url)
			}
		}
		for _, m := range imports.FindAllSubmatch(text, -1) {
			target := strings.TrimPrefix(string(m[1]), "./")
			if strings.HasPrefix(name, "page/views/") {
				target = strings.TrimPrefix(string(m[1]), "../")
			}
			if all[target] == nil {
				t.Errorf("%s imports %s, which is not there", name, m[1])
			}
		}
		if strings.Count(string(text), "\n") > 400 {
			t.Errorf("%s: more than 400 lines", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
