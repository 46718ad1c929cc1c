package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// pageSize is the largest page there is.
const pageSize = 250

// nobodyLeft waits until REST says of everyone who came that they are gone, and of every session that it has ended. What stays is returned
// as faults.
func (c *client) nobodyLeft(ctx context.Context, came *tally) (faults []string, err error) {
	for end := time.Now().Add(patience); ; {
		if faults, err = c.left(ctx, came); err != nil || len(faults) == 0 || time.Now().After(end) {
			return faults, err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return faults, err
		}
	}
}

func (c *client) left(ctx context.Context, came *tally) (faults []string, err error) {
	came.mutex.Lock()
	defer came.mutex.Unlock()
	people, err := c.closed(ctx, "/room_participants", "left_at", came.participants)
	if err != nil {
		return nil, err
	}
	sessions, err := c.closed(ctx, "/room_sessions", "ended_at", came.ended)
	return append(people, sessions...), err
}

// closed reads a whole list. It says what has no time of its end, and which of those that must be in it are not.
func (c *client) closed(ctx context.Context, list, ending string, known []string) (faults []string, err error) {
	missing := make(map[string]bool, len(known))
	for _, id := range known {
		missing[id] = true
	}
	for page := 1; ; page++ {
		var items []map[string]any
		path := fmt.Sprintf("%s?page[number]=%d&page[size]=%d", list, page, pageSize)
		if err := c.Call(ctx, http.MethodGet, path, nil, &items); err != nil {
			return nil, err
		}
		for _, item := range items {
			id, _ := item["id"].(string)
			delete(missing, id)
			if item[ending] == nil {
				faults = append(faults, fmt.Sprintf("%s/%s has no %s", list, id, ending))
			}
		}
		if len(items) < pageSize {
			break
		}
	}
	for id := range missing {
		faults = append(faults, fmt.Sprintf("%s does not know %s", list, id))
	}
	if most := 5; len(faults) > most {
		faults = append(faults[:most], fmt.Sprintf("%s: %d more such", list, len(faults)-most))
	}
	return faults, nil
}
