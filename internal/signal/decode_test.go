package signal

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// FuzzDecode feeds frames to everything that parses them: nothing may panic, and whatever is refused has a code.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":7,"type":"hello","version":1,"token":"t","client":{"name":"x"}}`,
		`{"id":7,"type":"publish","key":"self","audio":{"mid":"0","enabled":true},"sdp":"v=0"}`,
		`{"id":7,"type":"subscribe","stream_id":"x","audio":true,"video":false,"quality":"low"}`,
		`{"id":7,"type":"send_message","message":{"type":"text","payload":"hi","meta":{}},"recipients":["x"]}`,
		`{"id":7,"type":"send_message","message":[]}`,
		`{"id":7,"type":"report_quality","interval_ms":1e4,"path":"udp","tracks":[{"stream_id":"a0000000-0000-4000-8000-000000000000","kind":"audio","bytes":1.5}]}`,
		`{"id":1e3,"type":"ping"}`, `{"id":null}`, `[]`, `{"id":7,"type":"publish","audio":[]}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		r := decode(frame, false)
		if r.refusal != nil {
			if r.refusal.Code != codeInvalidFrame {
				t.Errorf("refused with %s", r.refusal.Code)
			}
			return
		}
		if r.ID < 1 || r.Type == "" || !json.Valid(frame) {
			t.Errorf("accepted %q as %+v", frame, r)
		}
		_, err := parse[helloFields](r)
		checkCode(t, err)
		_, err = parse[joinFields](r)
		checkCode(t, err)
		fields, err := parse[publishFields](r)
		checkCode(t, err)
		_, err = fields.Audio.line("/audio")
		checkCode(t, err)
		_, err = parse[updateStreamFields](r)
		checkCode(t, err)
		_, err = streamID(r)
		checkCode(t, err)
		_, err = subscription(r)
		checkCode(t, err)
		report, err := parse[reportQualityFields](r)
		checkCode(t, err)
		if err == nil {
			sample, err := report.sample()
			checkCode(t, err)
			if err == nil && (sample.Interval < time.Second || sample.Interval > 2*time.Minute || len(sample.Tracks) != len(report.Tracks)) {
				t.Errorf("accepted %q as %+v", frame, sample)
			}
		}
		message, err := parse[sendMessageFields](r)
		checkCode(t, err)
		checkCode(t, checkMessage(message.Message))
	})
}

func checkCode(t *testing.T, err error) {
	t.Helper()
	if err != nil && video.CodeOf(err) != video.CodeInvalid {
		t.Errorf("refused with %v", err)
	}
}
