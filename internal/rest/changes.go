package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// lookEvery is how often a stream of an object or a list looks for changes.
const lookEvery = 2 * time.Second

// glimpse is what there is at a time. Its mark is the same as long as nothing changed that is worth telling.
type glimpse struct {
	sent any
	mark []byte
	end  any // what the event "end" says, after which there is nothing more to tell; nil while there is
}

// wantsEvents reports whether the caller wants to be told of changes as they happen.
func wantsEvents(r *request) bool { return r.Method == http.MethodGet && acceptsEvents(r.Header) }

// tellChanges answers with a stream of events of this name: what look finds at once, and each time anew when its mark changed. It ends
// with what it tells of, when the caller goes, when they may not see any longer what they could, when look fails, or when the server
// drains; and fails only before anything was sent.
func (e *entrance) tellChanges(r *request, name string, every time.Duration, look func() (glimpse, error)) answer {
	return answer{status: http.StatusOK, stream: func(w http.ResponseWriter) error {
		leave, err := e.followers.admit(r.account)
		if err != nil {
			return err
		}
		defer leave()
		tick := time.NewTicker(every)
		defer tick.Stop()
		s := &teller{stream: push{ctx: r.Context(), out: w}, name: name, look: look}
		for {
			if over, err := s.advance(); over || err != nil {
				return err
			}
			select {
			case <-tick.C:
			case <-e.Draining:
				return nil
			case <-r.Context().Done():
				return nil
			}
			if !e.mayStill(r) {
				return nil
			}
		}
	}}
}

// mayStill reports whether the caller has the rights they had when the stream began: links to media are in it.
func (e *entrance) mayStill(r *request) bool {
	now, err := e.authenticate(r.Request, new(video.Actor))
	return err == nil && slices.Equal(now.rights, r.caller.rights)
}

// teller tells one caller of changes.
type teller struct {
	stream push
	name   string
	look   func() (glimpse, error)
	mark   []byte    // of what the caller knows
	spoke  time.Time // when something was sent last
}

// advance sends what is new, and reports whether that was the last.
func (s *teller) advance() (over bool, err error) {
	now, err := s.look()
	if err != nil {
		if s.stream.begun {
			return true, nil // the caller comes back
		}
		return true, err
	}
	var batch bytes.Buffer
	switch {
	case !s.stream.begun || !bytes.Equal(now.mark, s.mark):
		s.mark = now.mark
		writeEvent(&batch, "", s.name, now.sent)
		if now.end != nil {
			writeEvent(&batch, "", "end", now.end)
		}
	case time.Since(s.spoke) >= heartbeat:
		batch.WriteString(": still there\n\n")
	default:
		return false, nil
	}
	s.spoke = time.Now()
	return !s.stream.send(batch.Bytes()) || now.end != nil, nil
}

// showMedia answers with what there is of recordings or compositions, or with a stream of it. Each look signs links anew, which is
// no change.
func (e *entrance) showMedia(r *request, name string, look func() (show func(mediaLinks) envelope, err error)) (answer, error) {
	if wantsEvents(r) {
		return e.tellChanges(r, name, lookEvery, func() (glimpse, error) {
			show, err := look()
			if err != nil {
				return glimpse{}, err
			}
			return glimpse{sent: show(e.links(r)).bare(), mark: marked(show(nil))}, nil
		}), nil
	}
	show, err := look()
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, data: show(e.links(r))}, nil
}

// bare is what an event says: a page of a list with its meta, or an object as it is.
func (v envelope) bare() any {
	if v.Meta == nil {
		return v.Data
	}
	return v
}

func marked(v any) []byte {
	mark, _ := json.Marshal(v) // cannot fail: types of ours
	return mark
}
