package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Roster keeps the records of members. What belongs to another account is not found; the account's only owner can be neither
// removed nor made anything else, which is video.CodeState.
type Roster interface {
	AddMember(ctx context.Context, member video.Member) (video.Member, error)
	Members(ctx context.Context, account video.AccountID) ([]video.Member, error)
	UpdateMember(ctx context.Context, account video.AccountID, id string, change video.MemberChange) (video.Member, error)
	RemoveMember(ctx context.Context, account video.AccountID, id string) error
}

func (e *entrance) listMembers(r *request) (answer, error) {
	page, err := onlyPage(r)
	if err != nil {
		return answer{}, err
	}
	members, err := e.Roster.Members(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	return list(pageOf(members, page), page, renderMember), nil
}

// onlyPage reads the query of a list without filters.
func onlyPage(r *request) (video.Page, error) {
	q, err := readQuery(r)
	if err != nil {
		return video.Page{}, err
	}
	page := q.page()
	return page, q.refuse()
}

// pageOf cuts a page out of a list that is short enough to be read whole.
func pageOf[T any](all []T, page video.Page) video.List[T] {
	from := min(len(all), (page.Number-1)*page.Size)
	return video.List[T]{Items: all[from:min(len(all), from+page.Size)], Total: len(all)}
}

// inviteMember makes a member, and the link by which they choose a password. The link is only in this answer.
func (e *entrance) inviteMember(r *request) (answer, error) {
	ctx := context.WithoutCancel(r.Context())
	member, err := e.Roster.AddMember(ctx, video.Member{
		ID: r.newID(), AccountID: r.account, Email: r.body.text("email"),
		Name: r.body.text("name"), Role: video.Role(r.body.text("role")),
	})
	if err != nil {
		return answer{}, err
	}
	// The link belongs to making the member: the audit log has one entry for both.
	secret, expires, err := e.Members.PasswordLink(video.WithoutActor(ctx), r.account, member.ID)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, e.renderInvitation(r, member, secret, expires)), nil
}

func (e *entrance) updateMember(r *request) (answer, error) {
	var change video.MemberChange
	if name := r.body.text("name"); name != "" {
		change.Name = &name
	}
	if role := video.Role(r.body.text("role")); role != "" {
		change.Role = &role
	}
	member, err := e.Roster.UpdateMember(r.Context(), r.account, r.id, change)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderMember(member)), nil
}

func (e *entrance) removeMember(r *request) (answer, error) {
	return answer{status: http.StatusNoContent}, e.Roster.RemoveMember(r.Context(), r.account, r.id)
}

func (e *entrance) resetPassword(r *request) (answer, error) {
	secret, expires, err := e.Members.PasswordLink(r.Context(), r.account, r.id)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, e.renderLink(r, secret, expires)), nil
}

type (
	memberJSON struct {
		RecordType  string     `json:"record_type"`
		ID          string     `json:"id"`
		Email       string     `json:"email"`
		Name        string     `json:"name"`
		Role        video.Role `json:"role"`
		HasPassword bool       `json:"has_password"`
		OIDC        bool       `json:"oidc"`
		CreatedAt   timestamp  `json:"created_at"`
		UpdatedAt   timestamp  `json:"updated_at"`
		LastLoginAt *timestamp `json:"last_login_at"`
	}
	linkJSON struct {
		URL       string    `json:"link_url"`
		ExpiresAt timestamp `json:"link_expires_at"`
	}
	invitationJSON struct {
		memberJSON
		linkJSON
	}
)

func renderMember(m video.Member) memberJSON {
	return memberJSON{
		RecordType: "member", ID: m.ID, Email: m.Email, Name: m.Name, Role: m.Role, HasPassword: m.Password != "", OIDC: m.Subject != "",
		CreatedAt: timestamp(m.CreatedAt), UpdatedAt: timestamp(m.UpdatedAt), LastLoginAt: optionalTimestamp(m.LastLoginAt),
	}
}

// PasswordPage is the portal's page that a link to choose a password opens. The secret follows as the fragment, which browsers
// send to nobody.
const PasswordPage = "/portal/password#"

func (e *entrance) renderLink(r *request, secret string, expires time.Time) linkJSON {
	return linkJSON{URL: e.root(r.Request) + PasswordPage + secret, ExpiresAt: timestamp(expires)}
}

func (e *entrance) renderInvitation(r *request, m video.Member, secret string, expires time.Time) invitationJSON {
	return invitationJSON{renderMember(m), e.renderLink(r, secret, expires)}
}
