package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// kind is a kind of request, with its share of a hundred.
type kind struct {
	name  string
	share int
	send  func(context.Context, *mix) error
}

var kinds = []kind{
	{"get a room", 30, func(ctx context.Context, m *mix) error { return m.get(ctx, "/rooms/"+m.any().id) }},
	{"list rooms", 15, func(ctx context.Context, m *mix) error {
		return m.get(ctx, fmt.Sprintf("/rooms?page[number]=%d", 1+rand.IntN(20)))
	}},
	{"find a room by name", 5, func(ctx context.Context, m *mix) error {
		return m.get(ctx, fmt.Sprintf("/rooms?filter[unique_name]=load+%d", rand.IntN(len(m.rooms))))
	}},
	{"list sessions", 10, func(ctx context.Context, m *mix) error { return m.get(ctx, "/room_sessions?filter[active]=true") }},
	{"list participants", 10, func(ctx context.Context, m *mix) error { return m.get(ctx, "/room_participants") }},
	{"make a token", 15, func(ctx context.Context, m *mix) error { return m.token(ctx) }},
	{"create a room", 5, func(ctx context.Context, m *mix) error { return m.create(ctx) }},
	{"update a room", 6, func(ctx context.Context, m *mix) error { return m.update(ctx) }},
	{"delete a room", 4, func(ctx context.Context, m *mix) error { return m.remove(ctx) }},
}

// mix makes requests. It is for many goroutines.
type mix struct {
	api   *client
	rooms []room

	mutex sync.Mutex
	made  []string // rooms to delete: nobody else uses them
}

func newMix(api *client, rooms []room) *mix { return &mix{api: api, rooms: rooms} }

// pick chooses a kind by the shares.
func pick() int {
	n := rand.IntN(100)
	for i, k := range kinds {
		if n -= k.share; n < 0 {
			return i
		}
	}
	return 0
}

func (m *mix) any() room { return m.rooms[rand.IntN(len(m.rooms))] }

func (m *mix) get(ctx context.Context, path string) error {
	err := m.api.Call(ctx, "GET", path, nil, nil)
	return err
}

func (m *mix) token(ctx context.Context) error {
	_, err := m.api.make(ctx, "POST", "/rooms/"+m.any().id+"/actions/generate_join_client_token", rig.Object{})
	return err
}

func (m *mix) create(ctx context.Context) error {
	made, err := m.api.make(ctx, "POST", "/rooms", rig.Object{"max_participants": 5, "enable_recording": true})
	if err != nil {
		return err
	}
	id, _ := made["id"].(string)
	m.mutex.Lock()
	m.made = append(m.made, id)
	m.mutex.Unlock()
	return nil
}

func (m *mix) update(ctx context.Context) error {
	_, err := m.api.make(ctx, "PATCH", "/rooms/"+m.any().id, rig.Object{"max_participants": 2 + rand.IntN(49)})
	return err
}

// remove deletes a room that create made, or makes one if there is none.
func (m *mix) remove(ctx context.Context) error {
	m.mutex.Lock()
	if len(m.made) == 0 {
		m.mutex.Unlock()
		return m.create(ctx)
	}
	id := m.made[len(m.made)-1]
	m.made = m.made[:len(m.made)-1]
	m.mutex.Unlock()
	err := m.api.Call(ctx, "DELETE", "/rooms/"+id, nil, nil)
	return err
}
