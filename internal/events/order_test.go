package events

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The requests of one session are begun in the order of its events: each connection is made after the request before it was
// sent. The server here takes connections one by one and so sees that order.
func TestOrderPerSession(t *testing.T) {
	o := openOffice(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = listener.Close() }()
	const people = 30
	url := "http://" + listener.Addr().String()
	room, others := o.room(url, "", nil), o.room(url, "", nil)
	session, other := o.session(room), o.session(others)
	var want, wantOther []string
	for range people {
		want = append(want, string(o.join(session, "").ID))
		wantOther = append(wantOther, string(o.join(other, "").ID))
	}
	o.deliver()
	came := map[video.SessionID][]string{}
	for range 2*people + 2 {
		id, of := receive(t, listener)
		came[of] = append(came[of], id)
	}
	if !slices.Equal(came[session][1:], want) || !slices.Equal(came[other][1:], wantOther) {
		t.Errorf("came in the order %v\nand %v", came[session], came[other])
	}
}

func receive(t *testing.T, listener net.Listener) (participant string, session video.SessionID) {
	t.Helper()
	conn, err := listener.Accept()
	must(t, err)
	defer func() { _ = conn.Close() }()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	must(t, err)
	var body struct {
		Data struct {
			Payload struct {
				ParticipantID string          `json:"participant_id"`
				SessionID     video.SessionID `json:"session_id"`
			} `json:"payload"`
		} `json:"data"`
	}
	must(t, json.NewDecoder(r.Body).Decode(&body))
	_, err = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	must(t, err)
	return body.Data.Payload.ParticipantID, body.Data.Payload.SessionID
}

func TestEndpointTakes(t *testing.T) {
	e := &endpoint{starting: map[video.SessionID]int64{"a": 1}, queue: []video.Delivery{
		{Seq: 2, Event: video.Event{SessionID: "a"}},
		{Seq: 3, Event: video.Event{SessionID: "b"}},
		{Seq: 4, Event: video.Event{SessionID: "a"}},
		{Seq: 5},
		{Seq: 6},
	}}
	var taken []int64
	take := func() {
		for {
			d, ok := e.take()
			if !ok {
				return
			}
			taken = append(taken, d.Seq)
		}
	}
	take()
	delete(e.starting, "a")
	take()
	if !slices.Equal(taken, []int64{3, 5, 6, 2, 4}) {
		t.Errorf("taken %v", taken)
	}
	e.queue = []video.Delivery{{}}
	e.slow, e.running = true, 1
	if take(); len(e.queue) != 1 || !e.busy() {
		t.Error("a slow endpoint has one place")
	}
}
