package rest

import (
	"net/http"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// right is what an operation needs of its caller. The document says it too, as x-right, and both must agree.
type right string

const (
	readRight       right = "read"
	mediaRight      right = "media"      // seeing and hearing what was recorded; no operation needs it, but links are left out without
	moderateRight   right = "moderate"   // ending sessions, putting out, muting and recording who is in them
	tokensRight     right = "tokens"     // making client tokens
	writeRight      right = "write"      // changing anything else, and reading what webhooks carried
	administerRight right = "administer" // keys, members and the audit log
)

// allRights are all there are, in the order they are shown.
var allRights = []right{readRight, mediaRight, moderateRight, tokensRight, writeRight, administerRight}

// rightsOf are the rights each kind of key has. A kind that is not here has none.
var rightsOf = map[video.Rights][]right{
	video.RightsAdmin:      allRights,
	video.RightsReadOnly:   {readRight, mediaRight},
	video.RightsTokensOnly: {tokensRight},
}

// rightsAs are the rights of each role in the portal. A role that is not here has none.
var rightsAs = map[video.Role][]right{
	video.RoleOwner:     allRights,
	video.RoleDeveloper: {readRight, mediaRight, moderateRight, tokensRight, writeRight},
	video.RoleSupport:   {readRight, moderateRight},
	video.RoleViewer:    {readRight, mediaRight},
}

// changes reports whether whoever needs the right can change something with it.
func (r right) changes() bool {
	return r == moderateRight || r == writeRight || r == administerRight
}

// caller is who asks: an API key, or a member who is signed in to the portal.
type caller struct {
	id      string // of either
	account video.AccountID
	rights  []right
	plea    string // what to say where a right is lacking
	member  video.Member
	session string // the secret of the member's session; empty with a key
}

func keyCaller(key video.APIKey) caller {
	return caller{id: key.ID, account: key.AccountID, rights: rightsOf[key.Rights], plea: "The API key is " + string(key.Rights)}
}

func memberCaller(member video.Member, session string) caller {
	return caller{
		id: member.ID, account: member.AccountID, rights: rightsAs[member.Role], plea: "Your role is " + string(member.Role),
		member: member, session: session,
	}
}

// entitle refuses a caller that lacks the right.
func entitle(c caller, needed right) error {
	if needed != "" && slices.Contains(c.rights, needed) {
		return nil
	}
	return refuse(http.StatusForbidden, authorizationFailed, "%s, and this needs the right %q.", c.plea, string(needed))
}
