package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type webhookSettingsRow struct {
	bun.BaseModel `bun:"table:webhook_settings"`

	Account         account `bun:"account,pk"`
	URL             string  `bun:"url"`
	FailoverURL     string  `bun:"failover_url"`
	TimeoutSecs     *int    `bun:"timeout_secs"`
	Secret          []byte  `bun:"secret"`
	OldSecret       []byte  `bun:"old_secret"`
	OldSecretUntil  *int64  `bun:"old_secret_until"`
	ExtraEventTypes string  `bun:"extra_event_types"`
	UpdatedAt       int64   `bun:"updated_at"`
}

func (r webhookSettingsRow) settings() video.WebhookSettings {
	s := video.WebhookSettings{
		URL: r.URL, FailoverURL: r.FailoverURL, TimeoutSecs: r.TimeoutSecs,
		Secret: r.Secret, OldSecret: r.OldSecret, OldSecretUntil: momentOrNil(r.OldSecretUntil), UpdatedAt: moment(r.UpdatedAt),
	}
	for _, eventType := range strings.FieldsFunc(r.ExtraEventTypes, func(c rune) bool { return c == ',' }) {
		s.ExtraEventTypes = append(s.ExtraEventTypes, video.EventType(eventType))
	}
	return s
}

func newWebhookSettingsRow(number account, s video.WebhookSettings) webhookSettingsRow {
	types := make([]string, len(s.ExtraEventTypes))
	for i, eventType := range s.ExtraEventTypes {
		types[i] = string(eventType)
	}
	return webhookSettingsRow{
		Account: number, URL: s.URL, FailoverURL: s.FailoverURL, TimeoutSecs: s.TimeoutSecs,
		Secret: filled(s.Secret), OldSecret: filled(s.OldSecret), OldSecretUntil: microsOrNil(s.OldSecretUntil),
		ExtraEventTypes: strings.Join(types, ","), UpdatedAt: s.UpdatedAt.UnixMicro(),
	}
}

// filled is b, or no bytes instead of nil, which would be NULL.
func filled(b []byte) []byte { return append([]byte{}, b...) }

func (r webhookSettingsRow) storable() error {
	for _, f := range []struct{ value, field string }{
		{r.URL, "/webhook_event_url"}, {r.FailoverURL, "/webhook_event_failover_url"}, {r.ExtraEventTypes, "/extra_event_types"},
	} {
		if !isText(f.value) {
			return video.Errorf(video.CodeInvalid, "text must be UTF-8 without NUL characters").WithField(f.field)
		}
	}
	return nil
}

// WebhookSettings returns the account's settings; they are zero before the first change.
func (s *Store) WebhookSettings(ctx context.Context, account video.AccountID) (video.WebhookSettings, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.WebhookSettings{}, err
	}
	settings, err := findWebhookSettings(ctx, s.reads, number)
	if err != nil {
		return video.WebhookSettings{}, failed("find webhook settings", err)
	}
	return settings, nil
}

func findWebhookSettings(ctx context.Context, db bun.IDB, number account) (video.WebhookSettings, error) {
	var row webhookSettingsRow
	err := db.NewSelect().Model(&row).Where("account = ?", number).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return video.WebhookSettings{}, nil
	}
	if err != nil {
		return video.WebhookSettings{}, err
	}
	return row.settings(), nil
}

// ChangeWebhookSettings lets change work on the account's settings as they are and keeps the result, which it returns as kept. No
// other change comes in between. UpdatedAt is now. An error of change is returned, and nothing is changed then.
func (s *Store) ChangeWebhookSettings(
	ctx context.Context, account video.AccountID, change func(*video.WebhookSettings) error,
) (video.WebhookSettings, error) {
	number, err := s.existing(ctx, account)
	if err != nil {
		return video.WebhookSettings{}, err
	}
	var row webhookSettingsRow
	err = s.write(ctx, "change webhook settings", func(ctx context.Context, tx bun.Tx) error {
		before, err := findWebhookSettings(ctx, tx, number)
		if err != nil {
			return err
		}
		after := before
		if err := change(&after); err != nil {
			return err
		}
		after.UpdatedAt = s.stamp()
		row = newWebhookSettingsRow(number, after)
		if err := row.storable(); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		was := newWebhookSettingsRow(number, before)
		return s.auditTx(ctx, tx, number, "webhook_settings.update", string(account), row.differences(was))
	})
	if err != nil {
		return video.WebhookSettings{}, err
	}
	return row.settings(), nil
}

// differences names the fields that are not as they were, for the audit log.
func (r webhookSettingsRow) differences(was webhookSettingsRow) string {
	var names []string
	for _, field := range []struct {
		name string
		same bool
	}{
		{"webhook_event_url", r.URL == was.URL},
		{"webhook_event_failover_url", r.FailoverURL == was.FailoverURL},
		{"webhook_timeout_secs", equal(r.TimeoutSecs, was.TimeoutSecs)},
		{"secret", string(r.Secret) == string(was.Secret)},
		{"extra_event_types", r.ExtraEventTypes == was.ExtraEventTypes},
	} {
		if !field.same {
			names = append(names, field.name)
		}
	}
	return strings.Join(names, ", ")
}

func equal(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }
