package main

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
)

// performance is what somebody sends until it is stopped: one camera, and one microphone on as many lines as there are.
type performance struct {
	camera  line
	sound   []line
	levels  []uint8 // which header extension has the level of sound, on each of its lines
	stop    chan struct{}
	sending sync.WaitGroup
	asked   atomic.Bool // for a keyframe
}

// perform begins to send on lines that are negotiated.
func (s *seat) perform(camera line, sound ...line) *performance {
	p := &performance{camera: camera, sound: sound, stop: make(chan struct{})}
	p.asked.Store(true)
	for _, l := range sound {
		go drain(l.sender) // ends with the connection, as the next
		p.levels = append(p.levels, l.extension(sdp.AudioLevelURI))
	}
	go func() {
		for {
			packets, _, err := camera.sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				switch packet.(type) {
				case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
					p.asked.Store(true)
				}
			}
		}
	}()
	// People are not in step.
	p.sending.Go(func() { p.film(time.Second / pictureRate * time.Duration(s.number) / time.Duration(s.stage.people)) })
	p.sending.Go(func() { p.speak(s) })
	return p
}

func (p *performance) end() {
	if p != nil {
		close(p.stop)
		p.sending.Wait()
	}
}

func (p *performance) wait(next <-chan time.Time) bool {
	select {
	case <-p.stop:
		return false
	case <-next:
		return true
	}
}

func (p *performance) film(delay time.Duration) {
	if !p.wait(time.After(delay)) {
		return
	}
	tick := time.NewTicker(time.Second / pictureRate)
	defer tick.Stop()
	payload := make([]byte, partSize)
	for i := range payload {
		payload[i] = byte(rand.Uint32())
	}
	var sequence uint16
	var key time.Time
	for picture := uint16(0); p.wait(tick.C); picture++ {
		parts, isKey := pictureParts, p.asked.Load() && time.Since(key) > keyRest
		if isKey {
			p.asked.Store(false)
			parts, key = keyParts, time.Now()
		}
		for part := range parts {
			putVP8(payload, picture, part == 0, isKey)
			_ = p.camera.track.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, Marker: part == parts-1, SequenceNumber: sequence, Timestamp: uint32(picture) * (90000 / pictureRate)},
				Payload: payload,
			}) // what a closing connection does not take is no matter
			sequence++
		}
	}
}

// putVP8 writes the head of a part of a picture: a descriptor with a picture id (RFC 7741 section 4.2), and in the first part the frame tag,
// with the size if it is a keyframe (RFC 6386 section 9.1).
func putVP8(b []byte, picture uint16, first, key bool) {
	b[0], b[1] = 0x80, 0x80
	binary.BigEndian.PutUint16(b[2:], picture|0x8000)
	if !first {
		return
	}
	b[0], b[4] = 0x90, 0x11
	if key {
		b[4] = 0x10
		copy(b[7:], []byte{0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}) // 640x360
	}
}

func (p *performance) speak(s *seat) {
	packets, level := s.stage.silence, rtp.AudioLevelExtension{Level: 127}
	if s.talks {
		packets, level = s.stage.voice, rtp.AudioLevelExtension{Level: 20, Voice: true}
	}
	told, _ := level.Marshal() // fails for levels beyond 127 alone
	tick := time.NewTicker(soundTime)
	defer tick.Stop()
	for n := s.number; p.wait(tick.C); n++ {
		for i, l := range p.sound {
			header := rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * frameSize}
			_ = header.SetExtension(p.levels[i], told) // its length is right
			_ = l.track.WriteRTP(&rtp.Packet{Header: header, Payload: packets[n%len(packets)]})
		}
	}
}
