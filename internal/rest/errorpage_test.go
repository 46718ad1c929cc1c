package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestErrorPages(t *testing.T) {
	for _, k := range kinds {
		w := httptest.NewRecorder()
		ErrorPage(w, httptest.NewRequest(http.MethodGet, ErrorPages+k.code, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), k.title) || k.help == "" ||
			!strings.Contains(w.Body.String(), `href="/docs"`) {
			t.Errorf("%s: %d %s", k.code, w.Code, w.Body)
		}
	}
	for _, row := range byCode {
		if row.kind.code == "" {
			t.Error("an error without a code")
		}
	}
	w := httptest.NewRecorder()
	ErrorPage(w, httptest.NewRequest(http.MethodGet, ErrorPages+"<script>", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("an unknown code: %d", w.Code)
	}
}
