package rest

import (
	"net/http"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// right is what an operation needs of a key. The document says it too, as x-right, and both must agree.
type right string

const (
	readRight   right = "read"
	writeRight  right = "write" // changing anything, and reading what only administrators may see
	tokensRight right = "tokens"
)

// rightsOf are the rights each kind of key has. A kind that is not here has none.
var rightsOf = map[video.Rights][]right{
	video.RightsAdmin:      {readRight, writeRight, tokensRight},
	video.RightsReadOnly:   {readRight},
	video.RightsTokensOnly: {tokensRight},
}

// entitle refuses a key that lacks the right.
func entitle(key video.APIKey, needed right) error {
	if slices.Contains(rightsOf[key.Rights], needed) {
		return nil
	}
	return refuse(http.StatusForbidden, authorizationFailed,
		"The API key is %s, and this needs the right %q.", key.Rights, string(needed))
}
