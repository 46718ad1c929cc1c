package rest

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Audits keeps the audit log. Changes of records write their own entries, in their own transactions; Audit is for all others.
// Both take who acts from the context.
type Audits interface {
	Audit(ctx context.Context, account video.AccountID, action, objectID, detail string) error
	Audits(ctx context.Context, query video.AuditQuery) (video.List[video.AuditEntry], error)
}

// audited is the action of operations whose changes write their own entries in the audit log.
const audited = "audited with the change"

// maxAgentBytes is how much of a User-Agent is kept.
const maxAgentBytes = 256

// actor is who sends a request, as far as that is known without a key.
func (e *entrance) actor(w http.ResponseWriter, r *http.Request) video.Actor {
	actor := video.Actor{UserAgent: agent(r.UserAgent()), RequestID: w.Header().Get("X-Request-Id")}
	if address := e.Proxies.Client(r); address.IsValid() {
		actor.Address = address.String()
	}
	return actor
}

// agent is a User-Agent as text that any database takes.
func agent(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	if len(s) <= maxAgentBytes {
		return s
	}
	end := maxAgentBytes
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// note says for the audit log what an operation changed, where that is not the id in its path, and more about it.
func (r *request) note(objectID, detail string) {
	r.objectID, r.detail = objectID, detail
}

// do carries out an operation and leaves an entry in the audit log. What was done cannot be taken back if that fails, so then
// the log of the server has the entry.
func (e *entrance) do(r *request, op *operation) (answer, error) {
	r.objectID = r.id
	result, err := op.do(r)
	if err != nil || op.action == "" || op.action == audited {
		return result, err
	}
	ctx := context.WithoutCancel(r.Context())
	if err := e.Audits.Audit(ctx, r.account, op.action, r.objectID, r.detail); err != nil {
		actor, _ := video.ActorOf(ctx)
		e.Log.ErrorContext(ctx, "change is not in the audit log", "request", actor.RequestID, "action", op.action,
			"object", r.objectID, "key", actor.KeyID, "address", actor.Address, "error", withCause(err))
	}
	return result, nil
}

func (e *entrance) listAudits(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.AuditQuery{
		AccountID: r.account,
		Action:    q.name("filter[action]"),
		ObjectID:  q.name("filter[object_id]"),
		At:        q.span("date_at"),
		Page:      q.page(),
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	entries, err := e.Audits.Audits(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	return list(entries, query.Page, renderAudit), nil
}

type (
	auditJSON struct {
		RecordType string    `json:"record_type"`
		ID         string    `json:"id"`
		At         timestamp `json:"at"`
		Action     string    `json:"action"`
		ObjectID   *string   `json:"object_id"`
		Detail     *string   `json:"detail"`
		Actor      actorJSON `json:"actor"`
	}
	actorJSON struct {
		APIKeyID   *string `json:"api_key_id"`
		APIKeyName *string `json:"api_key_name"`
		MemberID   *string `json:"member_id"`
		MemberName *string `json:"member_name"`
		Address    *string `json:"address"`
		UserAgent  *string `json:"user_agent"`
		RequestID  *string `json:"request_id"`
	}
)

func renderAudit(a video.AuditEntry) auditJSON {
	return auditJSON{
		RecordType: "audit_event",
		ID:         a.ID,
		At:         timestamp(a.At),
		Action:     a.Action,
		ObjectID:   optional(a.ObjectID),
		Detail:     optional(a.Detail),
		Actor: actorJSON{
			APIKeyID: optional(a.Actor.KeyID), APIKeyName: optional(a.Actor.KeyName),
			MemberID: optional(a.Actor.MemberID), MemberName: optional(a.Actor.MemberName), Address: optional(a.Actor.Address),
			UserAgent: optional(a.Actor.UserAgent), RequestID: optional(a.Actor.RequestID),
		},
	}
}
