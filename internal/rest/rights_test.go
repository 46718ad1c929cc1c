package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestRights tries every operation of the document with every kind of key. What the document says is what holds: a key that
// lacks the right is told so, before anything else is looked at; one that has it gets past that.
func TestRights(t *testing.T) {
	h := newHouse(t)
	has := map[video.Rights]map[string]bool{
		video.RightsAdmin:      {"read": true, "moderate": true, "tokens": true, "write": true, "administer": true},
		video.RightsReadOnly:   {"read": true},
		video.RightsTokensOnly: {"tokens": true},
	}
	needed := map[string]int{}
	for _, rights := range video.AllRights {
		key := h.key(rights)
		for path, item := range contract().doc.Paths.Map() {
			path := strings.NewReplacer("{", "", "}", "").Replace(path) // an id that is none, refused only after the right
			for method, op := range item.Operations() {
				need, _ := op.Extensions["x-right"].(string)
				needed[need]++
				r := h.call(method, path, "{", "Authorization", "Bearer "+key)
				switch public := op.Security != nil; {
				case public == (need != ""):
					t.Errorf("%s %s needs %q, and public is %t", method, path, need, public)
				case public, has[rights][need]:
					if r.status == http.StatusForbidden {
						t.Errorf("%s %s with a key that is %s: %s", method, path, rights, r.raw)
					}
				default:
					r.wantFaults(http.StatusForbidden, "10010")
					if !strings.Contains(string(r.raw), string(rights)) || !strings.Contains(string(r.raw), need) {
						t.Errorf("%s %s with a key that is %s: %s", method, path, rights, r.raw)
					}
				}
			}
		}
	}
	for _, need := range []string{"", "read", "moderate", "tokens", "write", "administer"} {
		if needed[need] == 0 {
			t.Errorf("no operation needs %q", need)
		}
	}
	if len(has) != len(rightsOf) {
		t.Errorf("the server knows %d kinds of key", len(rightsOf))
	}
}

func TestKeyWithoutKnownRightsMayDoNothing(t *testing.T) {
	for _, needed := range append([]right{""}, allRights...) {
		for _, rights := range []video.Rights{"", "root"} {
			if entitle(keyCaller(video.APIKey{Rights: rights}), needed) == nil {
				t.Errorf("a key with the rights %q has %q", rights, needed)
			}
		}
	}
}
