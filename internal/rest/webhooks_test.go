package rest

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// secrets are what signs webhooks of the account now.
func (h *house) secrets() (written []string) {
	h.Helper()
	secrets, err := h.authority.EventSecrets(h.Context(), h.account)
	h.must(err)
	for _, secret := range secrets {
		written = append(written, secretPrefix+base64.StdEncoding.EncodeToString(secret))
	}
	return written
}

func TestWebhookSettings(t *testing.T) {
	h := newHouse(t)
	get := func() map[string]any {
		t.Helper()
		return h.call("GET", "/webhook_settings", nil).want(http.StatusOK).data()
	}
	for name, value := range get() {
		if empty, list := value.([]any); name != "record_type" && value != nil && (!list || len(empty) > 0) {
			t.Errorf("at first %s is %v", name, value)
		}
	}
	own := secretPrefix + strings.Repeat("abcd", 8)
	changed := h.call("PATCH", "/webhook_settings", map[string]any{
		"webhook_event_url": "https://example.com/hook", "webhook_event_failover_url": "https://example.org", "webhook_timeout_secs": 7,
		"secret": own, "extra_event_types": []string{"video.room.recording.failed", "video.room.composition.failed"},
	}).want(http.StatusOK).data()
	if changed["webhook_event_url"] != "https://example.com/hook" || changed["webhook_timeout_secs"] != 7.0 || changed["secret"] != own ||
		len(changed["extra_event_types"].([]any)) != 2 || changed["old_secret_expires_at"] != nil || changed["updated_at"] == nil {
		t.Errorf("changed to %v", changed)
	}
	h.call("PATCH", "/webhook_settings", `{"webhook_event_failover_url":"","webhook_timeout_secs":null,"extra_event_types":["video.room.recording.failed","video.room.recording.failed"]}`)
	after := get()
	if after["webhook_event_url"] != "https://example.com/hook" || after["webhook_event_failover_url"] != nil || after["webhook_timeout_secs"] != nil ||
		after["secret"] != own || len(after["extra_event_types"].([]any)) != 1 {
		t.Errorf("changed to %v", after)
	}
	if got := h.secrets(); !slices.Equal(got, []string{own}) {
		t.Errorf("secrets %q", got)
	}
	for content, faults := range map[string][]string{
		`{"webhook_event_url":"ftp://x","webhook_timeout_secs":31,"secret":"whsec_x"}`:        {"10025 /secret", "10003 /webhook_event_url", "10033 /webhook_timeout_secs"},
		`{"extra_event_types":["video.room.recording.ended"]}`:                                {"10032 /extra_event_types/0"},
		`{"extra_event_types":null}`:                                                          {"10026 /extra_event_types"},
		`{"secret":"` + secretPrefix + strings.Repeat("abc?", 8) + `"}`:                       {"10015 /secret"},
		`{"secret":"` + secretPrefix + strings.Repeat("abc?", 8) + `","webhook_event_url":1}`: {"10015 /secret", "10026 /webhook_event_url"},
		`{"secret":"` + secretPrefix + strings.Repeat("abcd", 8) + `a"}`:                      {"10015 /secret"},
		`{"secret":"` + secretPrefix + strings.Repeat("abcd", 8) + `\n\n"}`:                   {"10015 /secret"},
		`{"secret":"` + strings.Repeat("abcd", 10) + `"}`:                                     {"10015 /secret"},
		`{"secret":"` + secretPrefix + strings.Repeat("abcd", 22) + `"}`:                      {"10015 /secret"},
	} {
		h.call("PATCH", "/webhook_settings", content).wantFaults(http.StatusUnprocessableEntity, faults...)
	}
	if again := get(); again["updated_at"] != after["updated_at"] {
		t.Errorf("refused changes left %v", again)
	}
	if foreign := h.call("GET", "/webhook_settings", nil, "Authorization", "Bearer "+foreignKey).data(); foreign["webhook_event_url"] != nil {
		t.Errorf("another account sees %v", foreign)
	}
}

func TestWebhookSecretRotates(t *testing.T) {
	h := newHouse(t)
	rotate := func() string {
		t.Helper()
		return h.call("POST", "/webhook_settings/actions/rotate_secret", nil).want(http.StatusOK).data()["secret"].(string)
	}
	first := rotate()
	if got := h.secrets(); !slices.Equal(got, []string{first}) || len(first) != len(secretPrefix)+44 {
		t.Errorf("secrets %q after %s", got, first)
	}
	second := rotate()
	settings := h.call("GET", "/webhook_settings", nil).data()
	if got := h.secrets(); !slices.Equal(got, []string{second, first}) || settings["old_secret_expires_at"] == nil {
		t.Errorf("secrets %q, settings %v", got, settings)
	}
	kept, err := h.store.WebhookSettings(t.Context(), h.account)
	h.must(err)
	if raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(second, secretPrefix)); strings.Contains(string(kept.Secret), string(raw)) {
		t.Error("the secret lies open in the database")
	}
	if cleared := h.call("PATCH", "/webhook_settings", `{"secret":null}`).want(http.StatusOK).data(); cleared["secret"] != nil || h.secrets() != nil {
		t.Errorf("cleared: %v, secrets %q", cleared, h.secrets())
	}
	want := "webhook_settings.update " + string(h.account) + " secret"
	if got := h.entries(); !slices.Equal(got, []string{want, want, want}) {
		t.Errorf("audit log %q", got)
	}
}

func TestPublicKeyRotates(t *testing.T) {
	h := newHouse(t)
	keys := func(method, path string) (now, next string) {
		t.Helper()
		data := h.call(method, "/public_key"+path, nil).want(http.StatusOK).data()
		next, _ = data["next_public_key"].(string)
		return data["public_key"].(string), next
	}
	first, none := keys("GET", "")
	if raw, err := base64.StdEncoding.DecodeString(first); err != nil || len(raw) != 32 || none != "" {
		t.Errorf("at first %q and %q", first, none)
	}
	h.call("POST", "/public_key/actions/activate", nil).wantFaults(http.StatusUnprocessableEntity, "10027")
	now, second := keys("POST", "/actions/prepare")
	if now != first || second == "" || second == first {
		t.Errorf("prepared %q, %q signs", second, now)
	}
	if again, same := keys("POST", "/actions/prepare"); again != first || same != second {
		t.Errorf("prepared %q again, %q signs", same, again)
	}
	if now, next := keys("POST", "/actions/activate"); now != second || next != "" {
		t.Errorf("activated %q, then %q", now, next)
	}
	if now, _ := keys("GET", ""); now != second {
		t.Errorf("%q signs", now)
	}
	h.call("GET", "/public_key", nil, "Authorization", "Bearer "+h.key(video.RightsReadOnly)).want(http.StatusOK)
	foreign := h.call("GET", "/public_key", nil, "Authorization", "Bearer "+foreignKey).want(http.StatusOK).data()["public_key"]
	if foreign == second || foreign == first {
		t.Error("two accounts share a key")
	}
	keysNow, err := h.store.EventKeys(t.Context(), h.account)
	h.must(err)
	want := []string{"webhook_key.prepare " + keysNow[0].ID, "webhook_key.activate " + keysNow[0].ID}
	if got := h.entries(); len(got) != 3 || !slices.Equal(got[1:], want) {
		t.Errorf("audit log %q, want %q after the first key", got, want)
	}
}
