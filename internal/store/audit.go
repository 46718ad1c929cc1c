package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type auditRow struct {
	bun.BaseModel `bun:"table:audits"`

	ID        string  `bun:"id,pk"`
	Account   account `bun:"account"`
	At        int64   `bun:"at"`
	Action    string  `bun:"action"`
	ObjectID  string  `bun:"object_id"`
	Detail    string  `bun:"detail"`
	KeyID     string  `bun:"key_id"`
	KeyName   string  `bun:"key_name"`
	MemberID  string  `bun:"member_id"`
	Member    string  `bun:"member_name"`
	Address   string  `bun:"address"`
	UserAgent string  `bun:"user_agent"`
	RequestID string  `bun:"request_id"`
}

func (r auditRow) entry(of video.AccountID) video.AuditEntry {
	return video.AuditEntry{
		ID: r.ID, AccountID: of, At: moment(r.At), Action: r.Action, ObjectID: r.ObjectID, Detail: r.Detail,
		Actor: video.Actor{
			KeyID: r.KeyID, KeyName: r.KeyName, MemberID: r.MemberID, MemberName: r.Member,
			Address: r.Address, UserAgent: r.UserAgent, RequestID: r.RequestID,
		},
	}
}

// Audit writes that the actor in ctx changed something that is not kept here; changes that are write their entry in their own
// transaction. Without an actor nothing is written.
func (s *Store) Audit(ctx context.Context, account video.AccountID, action, objectID, detail string) error {
	if _, acts := video.ActorOf(ctx); !acts {
		return nil
	}
	number, err := s.existing(ctx, account)
	if err != nil {
		return err
	}
	return s.write(ctx, "audit", func(ctx context.Context, tx bun.Tx) error {
		return s.auditTx(ctx, tx, number, action, objectID, detail)
	})
}

// auditTx is Audit within the transaction of the change.
func (s *Store) auditTx(ctx context.Context, tx bun.Tx, number account, action, objectID, detail string) error {
	actor, acts := video.ActorOf(ctx)
	if !acts {
		return nil
	}
	row := auditRow{
		ID: video.NewUUID(), Account: number, At: s.now().UnixMicro(), Action: action, ObjectID: objectID, Detail: detail,
		KeyID: actor.KeyID, KeyName: actor.KeyName, MemberID: actor.MemberID, Member: actor.MemberName, Address: actor.Address, UserAgent: actor.UserAgent, RequestID: actor.RequestID,
	}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return err
	}
	return addTotal(ctx, tx, number, "audits", 1)
}

// Audits returns one page of the account's audit log, newest first.
func (s *Store) Audits(ctx context.Context, query video.AuditQuery) (video.List[video.AuditEntry], error) {
	none := video.List[video.AuditEntry]{Items: []video.AuditEntry{}}
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return none, err
	}
	l := listing{table: "audits", start: "at", account: number, total: "audits"}
	for _, filter := range []struct{ column, value string }{{"action", query.Action}, {"object_id", query.ObjectID}} {
		if !isText(filter.value) {
			return none, nil
		}
		if filter.value != "" {
			l.is(filter.column, "= ?", filter.value)
		}
	}
	l.during("at", query.At)
	var rows []auditRow
	total, err := s.list(ctx, l, query.Page, &rows)
	if err != nil {
		return none, err
	}
	entries := make([]video.AuditEntry, len(rows))
	for i, row := range rows {
		entries[i] = row.entry(query.AccountID)
	}
	slices.SortFunc(entries, func(a, b video.AuditEntry) int { return newestFirst(a.At, b.At, a.ID, b.ID) })
	return video.List[video.AuditEntry]{Items: entries, Total: total}, nil
}
