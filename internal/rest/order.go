package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// ReadComposition reads what createComposition takes, JSON without session_id, for a session of the account, and checks all of it as
// the operation does. Its error names every fault, one a line.
func ReadComposition(
	ctx context.Context, sessions Sessions, recordings Recordings, account video.AccountID, session video.SessionID, content []byte,
) (video.Composition, error) {
	doc, err := served()
	if err != nil {
		return video.Composition{}, fmt.Errorf("rest: %w", err)
	}
	r := &request{Request: (&http.Request{}).WithContext(ctx), account: account, content: content}
	schema := doc.parsed.Components.Schemas["CompositionCreate"].Value
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(content, &fields); err == nil {
		if fields["session_id"], err = json.Marshal(session); err != nil {
			return video.Composition{}, err
		}
		if content, err = json.Marshal(fields); err != nil {
			return video.Composition{}, err
		}
	}
	e := &entrance{Config: Config{Sessions: sessions, Recordings: recordings}}
	r.body, r.unknown, err = readBody(http.Header{}, content, schema)
	if err == nil && len(r.unknown) > 0 {
		err = refuseBody([]fault{faultAt(strings.Split(r.unknown[0], "/"), unprocessable, r.unknown[0]+" means nothing.")})
	}
	op := operation{check: e.checkComposition}
	if err := op.further(r, err); err != nil {
		return video.Composition{}, spelledOut(err)
	}
	c := compositionOf(r.body)
	c.AccountID = account
	return c, nil
}

// spelledOut makes an error for people of a refusal.
func spelledOut(err error) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	lines := make([]string, len(refused.faults))
	for i, f := range refused.faults {
		lines[i] = f.detail
	}
	return errors.New(strings.Join(lines, "\n"))
}

// RenderComposition is a composition as the API shows it, for encoding/json.
func RenderComposition(c video.Composition) any { return renderComposition(c, nil) }
