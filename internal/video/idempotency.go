package video

import "time"

// KeptAnswer is what is kept of a request that carried an idempotency key.
type KeptAnswer struct {
	Request [32]byte  // hash of what was asked
	BegunAt time.Time // when it was asked first
	Status  int       // of the answer; 0: there is none yet
	Body    []byte    // of the answer
}
