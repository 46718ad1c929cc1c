package sfu

import "math/rand/v2"

// strain is a reader on invented time: frames come, the kernel's buffer fills, and each burst takes the time that it would on a core, or
// on the part of one that a quota leaves.
type strain struct {
	load
	now     int64
	rate    float64 // datagrams a second
	frame   int     // datagrams that come together
	tracks  []int   // ranks
	lines   []int   // ranks, the same for each track
	period  int64   // of the quota (ns), 0 without
	share   int64   // of the period (ns)
	used    int64   // of the share
	queue   []queued
	next    float64 // when the next frame comes (ns)
	drops   uint32
	random  *rand.Rand
	blind   bool  // nothing is shed
	longest int64 // delay of what was sent (ns)
	sent    int
}

type queued struct {
	at    int64
	track int
}

const bufferDatagrams = 2 * socketBuffer / datagramCost

func newStrain(rate float64, tracks, lines int) *strain {
	s := &strain{now: clockStart, rate: rate, frame: 20, random: rand.New(rand.NewPCG(1, 2)), next: clockStart}
	for range tracks {
		s.tracks = append(s.tracks, s.random.IntN(allRanks))
	}
	for range lines {
		s.lines = append(s.lines, s.random.IntN(allRanks))
	}
	return s
}

// arrive lets frames come until now.
func (s *strain) arrive() {
	for s.next <= float64(s.now) {
		track := s.random.IntN(len(s.tracks))
		for range s.frame {
			if len(s.queue) == bufferDatagrams {
				s.drops++
				continue
			}
			s.queue = append(s.queue, queued{int64(s.next), track})
		}
		s.next += float64(s.frame) / s.rate * 2e9 * s.random.Float64()
	}
}

// spend lets time pass that a processor is needed for.
func (s *strain) spend(ns int64) {
	for s.period > 0 && ns > 0 {
		left := s.share - s.used
		if ns <= left {
			s.used += ns
			break
		}
		ns -= left
		s.now += left
		s.now += s.period - s.now%s.period
		s.used = 0
	}
	s.now += ns
	s.arrive()
}

// wait lets time pass until something comes.
func (s *strain) wait() {
	s.idle(s.now)
	before := s.now
	s.now = int64(s.next) + 1
	if s.period > 0 && s.now/s.period != before/s.period {
		s.used = 0
	}
	s.arrive()
}

// burst reads a burst and sends what is kept of it.
func (s *strain) burst() {
	s.arrive()
	if len(s.queue) == 0 {
		s.wait()
	}
	began := s.now
	n := min(len(s.queue), burstPackets)
	s.begin(began)
	how := shedding{level: s.shed, spread: allRanks / len(s.tracks)}
	sent, last, chains := 0, -1, 0
	for _, d := range s.queue[:n] {
		kept := 0
		for _, line := range s.lines {
			if !how.line(s.tracks[d.track], line) {
				kept++
			}
		}
		sent += kept
		if d.track != last {
			last = d.track
			chains += kept
		}
		if kept > 0 {
			s.longest = max(s.longest, began-d.at)
		}
	}
	s.queue = s.queue[n:]
	s.sent += sent
	s.spend(15_000 + int64(n)*900 + int64(chains)*3000 + int64(sent)*1700)
	if s.blind {
		s.load = load{}
	}
	s.did(n, sent, began, func() backlog { return backlog{bytes: len(s.queue) * datagramCost, dropped: s.drops} })
}

// run lets time pass and returns what was sent.
func (s *strain) run(ns int64) int {
	end, sent := s.now+ns, s.sent
	s.longest = 0
	for s.now < end {
		s.burst()
	}
	return s.sent - sent
}
