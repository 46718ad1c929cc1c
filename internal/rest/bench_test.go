package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// BenchmarkRequests is what a request costs from the handler to the disk and back, without sockets.
func BenchmarkRequests(b *testing.B) {
	h := newHouse(b)
	const rooms = 2000
	ids := make([]video.RoomID, rooms)
	for i := range ids {
		room, err := h.store.CreateRoom(b.Context(), video.Room{AccountID: h.account, UniqueName: fmt.Sprint("room ", i), MaxParticipants: 10})
		h.must(err)
		ids[i] = room.ID
	}
	var turn atomic.Int64
	next := func() video.RoomID { return ids[turn.Add(1)%rooms] }
	operations := []struct {
		name string
		send func() int
		want int
	}{
		{"Get", func() int { return h.ask("GET", "/rooms/"+string(next()), "") }, http.StatusOK},
		{"List", func() int { return h.ask("GET", fmt.Sprintf("/rooms?page[number]=%d", 1+turn.Add(1)%50), "") }, http.StatusOK},
		{"Create", func() int { return h.ask("POST", "/rooms", `{"max_participants": 5}`) }, http.StatusCreated},
		{"Update", func() int { return h.ask("PATCH", "/rooms/"+string(next()), `{"max_participants": 6}`) }, http.StatusOK},
		{"Token", func() int {
			return h.ask("POST", "/rooms/"+string(next())+"/actions/generate_join_client_token", "{}")
		}, http.StatusCreated},
		{"Unauthorized", func() int { return h.ask("GET", "/rooms", "", "Authorization", "Bearer KEY-of-nobody-at-all-000000") }, http.StatusUnauthorized},
	}
	for _, op := range operations {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				if status := op.send(); status != op.want {
					b.Fatalf("status %d", status)
				}
			}
		})
	}
	// Seven reads to three writes, from every processor at once.
	b.Run("Mixed", func(b *testing.B) {
		turns := []int{0, 1, 0, 4, 0, 1, 2, 0, 3, 1}
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				op := operations[turns[turn.Add(1)%int64(len(turns))]]
				if status := op.send(); status != op.want {
					b.Errorf("%s: status %d", op.name, status)
					return
				}
			}
		})
	})
}

// ask sends a request and returns the status of the answer, which nobody reads.
func (h *house) ask(method, target, content string, header ...string) int {
	var body any
	if content != "" {
		body = content
	}
	recorder := httptest.NewRecorder()
	h.handler.ServeHTTP(recorder, newRequest(h, method, target, body, header...))
	return recorder.Code
}
