package store

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type memberRow struct {
	bun.BaseModel `bun:"table:members"`

	ID          string     `bun:"id,pk"`
	Account     account    `bun:"account"`
	Email       string     `bun:"email"`
	EmailKey    string     `bun:"email_key"`
	Name        string     `bun:"name"`
	Role        video.Role `bun:"role"`
	Password    string     `bun:"password"`
	Issuer      string     `bun:"issuer"`
	Subject     string     `bun:"subject"`
	CreatedAt   int64      `bun:"created_at"`
	UpdatedAt   int64      `bun:"updated_at"`
	LastLoginAt *int64     `bun:"last_login_at"`

	AccountID video.AccountID `bun:"account_id,scanonly"`
}

func (r memberRow) member() video.Member {
	return video.Member{
		ID: r.ID, AccountID: r.AccountID, Email: r.Email, Name: r.Name, Role: r.Role, Password: r.Password,
		Issuer: r.Issuer, Subject: r.Subject,
		CreatedAt: moment(r.CreatedAt), UpdatedAt: moment(r.UpdatedAt), LastLoginAt: momentOrNil(r.LastLoginAt),
	}
}

func emailKey(email string) string { return strings.ToLower(email) }

func memberAbsent(id string) *video.Error {
	return video.Errorf(video.CodeNotFound, "no member with id %s", id)
}

// What these take, the document says too.
var (
	emailForm = regexp.MustCompile(`^[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+$`)
	nameForm  = regexp.MustCompile(`^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$`)
)

func checkMember(m video.Member) error {
	if !slices.Contains(video.AllRoles, m.Role) {
		return video.Errorf(video.CodeInvalid, "a role is one of %v", video.AllRoles).WithField("/role")
	}
	return checkPerson(m)
}

// checkPerson checks what a member is called.
func checkPerson(m video.Member) error {
	fits := func(s string, form *regexp.Regexp, most int) bool {
		return utf8.ValidString(s) && form.MatchString(s) && utf8.RuneCountInString(s) <= most
	}
	switch {
	case !fits(m.Email, emailForm, video.MaxEmail):
		return video.Errorf(video.CodeInvalid, "an email address is name@host, of at most %d characters", video.MaxEmail).WithField("/email")
	case !fits(m.Name, nameForm, video.MaxMemberName):
		return video.Errorf(video.CodeInvalid, "a member's name has 1 to %d characters, none of which controls anything", video.MaxMemberName).
			WithField("/name")
	}
	return nil
}

// AddMember keeps a new member and returns it as kept; an empty ID is filled in. An email address that anybody on the server
// has is a duplicate, at /email.
func (s *Store) AddMember(ctx context.Context, m video.Member) (video.Member, error) {
	if err := checkMember(m); err != nil {
		return video.Member{}, err
	}
	number, err := s.existing(ctx, m.AccountID)
	if err != nil {
		return video.Member{}, err
	}
	row := s.newMemberRow(m, number)
	err = s.write(ctx, "add member", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, number, "member.create", row.ID, fmt.Sprintf("%s, %s", row.Email, row.Role))
	})
	return row.member(), emailTaken(err)
}

func (s *Store) newMemberRow(m video.Member, number account) memberRow {
	if m.ID == "" {
		m.ID = video.NewUUID()
	}
	now := s.now().UnixMicro()
	return memberRow{
		ID: m.ID, Account: number, Email: m.Email, EmailKey: emailKey(m.Email), Name: m.Name, Role: m.Role, Password: m.Password,
		Issuer: m.Issuer, Subject: m.Subject,
		CreatedAt: now, UpdatedAt: now, AccountID: m.AccountID,
	}
}

func emailTaken(err error) error {
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "somebody has this email address already").WithField("/email")
	}
	return err
}

// selectMembers reads rows with the id of their account.
func selectMembers(db bun.IDB, rows any) *bun.SelectQuery {
	return db.NewSelect().Model(rows).ColumnExpr("member_row.*").ColumnExpr("a.id AS account_id").
		Join("JOIN accounts AS a ON a.number = member_row.account")
}

// Members returns the account's members, oldest first.
func (s *Store) Members(ctx context.Context, account video.AccountID) ([]video.Member, error) {
	var rows []memberRow
	err := selectMembers(s.reads, &rows).Where("a.id = ?", account).
		OrderExpr("member_row.created_at, member_row.id").Scan(ctx)
	if err != nil {
		return nil, failed("list members", err)
	}
	members := make([]video.Member, len(rows))
	for i, row := range rows {
		members[i] = row.member()
	}
	return members, nil
}

// Member returns a member of the account.
func (s *Store) Member(ctx context.Context, account video.AccountID, id string) (video.Member, error) {
	row, err := findMember(ctx, s.reads, account, id)
	return row.member(), err
}

func findMember(ctx context.Context, db bun.IDB, account video.AccountID, id string) (memberRow, error) {
	var row memberRow
	err := selectMembers(db, &row).Where("member_row.id = ?", id).Where("a.id = ?", account).Scan(ctx)
	return row, one(err, memberAbsent(id), "find member")
}

// MemberByEmail finds a member of any account, whatever the letters' case.
func (s *Store) MemberByEmail(ctx context.Context, email string) (video.Member, error) {
	absent := video.Errorf(video.CodeNotFound, "nobody has this email address")
	if !isText(email) {
		return video.Member{}, absent
	}
	var row memberRow
	err := selectMembers(s.reads, &row).Where("member_row.email_key = ?", emailKey(email)).Scan(ctx)
	return row.member(), one(err, absent, "find member")
}

// HasOwner reports whether somebody owns the account.
func (s *Store) HasOwner(ctx context.Context, account video.AccountID) (bool, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return false, err
	}
	owned, err := owners(s.reads, number).Exists(ctx)
	if err != nil {
		return false, failed("find owner", err)
	}
	return owned, nil
}

func owners(db bun.IDB, number account) *bun.SelectQuery {
	return db.NewSelect().Model((*memberRow)(nil)).Where("account = ?", number).Where("role = ?", video.RoleOwner)
}

// errLastOwner keeps an account from having nobody who can let others in.
var errLastOwner = video.Errorf(video.CodeState, "this is the account's only owner: make somebody else owner first")

// UpdateMember changes what the change holds and returns the member as kept. The account's only owner stays one.
func (s *Store) UpdateMember(ctx context.Context, account video.AccountID, id string, change video.MemberChange) (video.Member, error) {
	var row memberRow
	err := s.write(ctx, "update member", func(ctx context.Context, tx bun.Tx) (err error) {
		if row, err = findMember(ctx, tx, account, id); err != nil {
			return err
		}
		before := row
		if change.Name != nil {
			row.Name = *change.Name
		}
		if change.Role != nil {
			row.Role = *change.Role
		}
		if row == before {
			return nil
		}
		if err := checkMember(row.member()); err != nil {
			return err
		}
		row.UpdatedAt = max(row.UpdatedAt, s.now().UnixMicro())
		if _, err := tx.NewUpdate().Model(&row).Column("name", "role", "updated_at").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := s.stillOwned(ctx, tx, before); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, row.Account, "member.update", id, fmt.Sprintf("%s, %s", row.Email, row.Role))
	})
	return row.member(), err
}

// stillOwned refuses a change of a member that left the account without owner.
func (*Store) stillOwned(ctx context.Context, tx bun.Tx, before memberRow) error {
	if before.Role != video.RoleOwner {
		return nil
	}
	owned, err := owners(tx, before.Account).Exists(ctx)
	if err == nil && !owned {
		err = errLastOwner
	}
	return err
}

// RemoveMember ends a member's sessions and forgets the member, whose name stays in the audit log. The account's only owner
// stays.
func (s *Store) RemoveMember(ctx context.Context, account video.AccountID, id string) error {
	return s.write(ctx, "remove member", func(ctx context.Context, tx bun.Tx) error {
		row, err := findMember(ctx, tx, account, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := s.stillOwned(ctx, tx, row); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, row.Account, "member.delete", id, row.Email)
	})
}
