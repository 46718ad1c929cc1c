package live

import (
	"encoding/json"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Who comes by a token to watch is a participant whom everybody sees: the server itself says in its context who it is, so that applications
// which know nothing of watchers show them too. It opens no session.

// watcherContext is what applications read of a watcher.
type watcherContext struct {
	Name    string `json:"name"`
	Watcher bool   `json:"watcher"`
}

// showWatcher has the context of one who watches say so, whatever its client wanted it to say.
func (r *JoinRequest) showWatcher() {
	if r.Grant.Watcher == "" {
		return
	}
	context, _ := json.Marshal(watcherContext{r.Grant.Watcher + " (watching)", true}) // cannot fail
	r.Context = string(context)
}

var (
	errNothingToWatch = video.Errorf(video.CodeState, "there is no session to watch")
	errHidden         = video.Errorf(video.CodeForbidden, "who watches by this token is to be seen, as a participant")
)
