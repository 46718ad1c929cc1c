package live

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// IdentityPolicy says what happens when someone joins with the identity (video.Grant) of someone who is in the session
// already. Grants without an identity, and WHIP publishers, who have names, are always let in.
type IdentityPolicy string

const (
	IdentityAllowed  IdentityPolicy = "allow"   // both are in
	IdentityRefused  IdentityPolicy = "refuse"  // the second is refused: identity_in_use
	IdentityReplaced IdentityPolicy = "replace" // the first is put out: video.LeftDuplicate
)

// sameIdentity returns those in the session that someone with this request doubles. It runs in the loop.
func (s *session) sameIdentity(among []*member, request *JoinRequest) (doubles []*member) {
	identity := request.Grant.Identity
	if identity == "" || request.Name != "" || s.host.config.Identities == IdentityAllowed {
		return nil
	}
	for _, m := range among {
		if m.grant.Identity == identity && m.name == "" {
			doubles = append(doubles, m)
		}
	}
	return doubles
}

// admitIdentity returns how many the newcomer will replace, or refuses it. It runs in the loop.
func (s *session) admitIdentity(request *JoinRequest) (replaced int, err error) {
	doubles := s.sameIdentity(slices.Concat(s.members, s.seats), request)
	if len(doubles) > 0 && s.host.config.Identities == IdentityRefused {
		return 0, identityInUse(request.Grant)
	}
	return len(s.sameIdentity(s.members, request)), nil
}

// mayBecome refuses a fresh grant with the identity of somebody else, whom it would not put out. It runs in the loop.
func (s *session) mayBecome(m *member, grant video.Grant) error {
	if grant.Identity == m.grant.Identity {
		return nil
	}
	doubles := s.sameIdentity(slices.Concat(s.members, s.seats), &JoinRequest{Grant: grant, Name: m.name})
	if slices.ContainsFunc(doubles, func(other *member) bool { return other != m }) {
		return identityInUse(grant)
	}
	return nil
}

func identityInUse(grant video.Grant) error {
	return video.Errorf(video.CodeIdentityInUse, "someone with the identity %q is in the room", grant.Identity)
}

// replaceDoubles puts out whom the newcomer replaces. Only now, when nothing can refuse it any more. It runs in the loop.
func (s *session) replaceDoubles(request *JoinRequest) {
	if s.host.config.Identities != IdentityReplaced {
		return
	}
	for _, m := range s.sameIdentity(s.members, request) {
		s.remove(m, video.LeftDuplicate)
	}
}
