package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// errNoMedia says that a file has no frame in it.
var errNoMedia = errors.New("there is not one frame in the file")

// errBroken says that a cluster is not what was written: a power cut can leave its space without its content.
var errBroken = errors.New("a cluster is broken")

// errHeadless says that a file which is long enough to hold media does not begin as it was written.
var errHeadless = errors.New("the head of the file is broken")

// lastPicture is how long a picture lasts that no other follows, unless the one before it tells.
const lastPicture = 40 * time.Millisecond

// maxCluster is far above what is written: the longest frame there can be, behind a full buffer.
const maxCluster = clusterBytes + 2*packet.MaxFrame

// finished is what a finished file holds.
type finished struct {
	length time.Duration
	size   int64
}

// cluster is one that is whole.
type cluster struct {
	at       int64 // in the file
	time     int64 // ms
	keyframe bool  // its first frame
}

// finish ends a file: it cuts off what is not whole and fills in what is known now. What it writes is in places that
// exist. It may be done again.
func finish(file storage, size int64, kind video.Kind) (finished, error) {
	l, clusters, err := survey(file, size)
	if err != nil {
		return finished{}, err
	}
	if len(clusters) == 0 {
		return finished{}, errNoMedia
	}
	end, length, err := lastCluster(file, clusters[len(clusters)-1], kind)
	for errors.Is(err, errBroken) && len(clusters) > 1 {
		clusters = clusters[:len(clusters)-1]
		end, length, err = lastCluster(file, clusters[len(clusters)-1], kind)
	}
	if errors.Is(err, errBroken) {
		return finished{}, errNoMedia
	}
	if err != nil {
		return finished{}, err
	}
	if end < size {
		if err := file.Truncate(end); err != nil {
			return finished{}, fmt.Errorf("cut off a broken end: %w", err)
		}
	}
	milliseconds := float64(length) / float64(time.Millisecond)
	for _, patch := range []struct {
		at int64
		b  []byte
	}{
		{l.cues, l.cuesOf(clusters)},
		{l.duration, floatElement(idDuration, milliseconds)},
		{l.data - 8, appendSizeIn(nil, int(end-l.data), 8)},
		{l.data, l.seekHead()},
	} {
		if _, err := file.WriteAt(patch.b, patch.at); err != nil {
			return finished{}, fmt.Errorf("fill in the head: %w", err)
		}
	}
	if err := file.Sync(); err != nil {
		return finished{}, fmt.Errorf("bring a recording to the disk: %w", err)
	}
	return finished{length: length, size: end}, nil
}

// survey finds all whole clusters of a file.
func survey(file storage, size int64) (layout, []cluster, error) {
	head := make([]byte, min(size, maxHead))
	if _, err := file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return layout{}, nil, fmt.Errorf("read the head: %w", err)
	}
	l, ok := parseHead(head)
	switch {
	case ok:
	case size > 2*cuesSpace:
		return layout{}, nil, errHeadless
	default:
		return layout{}, nil, errNoMedia
	}
	var clusters []cluster
	for at := l.clusters; at+clusterHead < size; {
		var b [clusterHead + 16]byte
		n, err := file.ReadAt(b[:], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return layout{}, nil, fmt.Errorf("read a cluster: %w", err)
		}
		id, content, head := parseElement(b[:n])
		if id != idCluster || head != 8 || content > maxCluster || int64(content) > size-at-8 || b[8] != idTimestamp || b[9] != 0x84 {
			break
		}
		c := cluster{at: at, time: int64(binary.BigEndian.Uint32(b[10:]))}
		if id, _, head := parseElement(b[clusterHead:n]); id == idSimpleBlock && clusterHead+head+3 < n {
			c.keyframe = b[clusterHead+head+3]&0x80 != 0
		}
		clusters = append(clusters, c)
		at += 8 + int64(content)
	}
	return l, clusters, nil
}

// lastCluster returns where the last cluster ends in the file, and when its last frame is over.
func lastCluster(file storage, c cluster, kind video.Kind) (end int64, length time.Duration, err error) {
	var head [8]byte
	if _, err := file.ReadAt(head[:], c.at); err != nil {
		return 0, 0, fmt.Errorf("read the last cluster: %w", err)
	}
	_, size, _ := parseElement(head[:])
	b := make([]byte, size)
	if _, err := file.ReadAt(b, c.at+8); err != nil {
		return 0, 0, fmt.Errorf("read the last cluster: %w", err)
	}
	start, before := time.Duration(c.time)*time.Millisecond, time.Duration(-1)
	at := start
	lasts := lastPicture
	if len(b) <= 6 {
		return 0, 0, errBroken
	}
	for rest := b[6:]; len(rest) > 0; {
		id, size, n := parseElement(rest)
		if id != idSimpleBlock || size < 4 || size > uint64(len(rest)-n) {
			return 0, 0, errBroken
		}
		block := rest[n : n+int(size)]
		at = start + time.Duration(int16(binary.BigEndian.Uint16(block[1:])))*time.Millisecond
		if at < start || at <= before { // frames are written forward
			return 0, 0, errBroken
		}
		if kind == video.Audio {
			lasts = packet.OpusDuration(block[4:])
		} else if before >= 0 {
			lasts = at - before
		}
		before = at
		rest = rest[n+int(size):]
	}
	return c.at + 8 + int64(size), at + lasts, nil
}

// cuesOf lists the clusters a player can start at, as many as there is room for, evenly.
func (l layout) cuesOf(clusters []cluster) []byte {
	var starts []cluster
	for _, c := range clusters {
		if c.keyframe {
			starts = append(starts, c)
		}
	}
	every := 1 + len(starts)/((cuesSpace-32)/cuePointSize)
	var points []byte
	for i := 0; i < len(starts); i += every {
		c := starts[i]
		where := appendElement(nil, idCueTrackPositions, appendUint(nil, idCueTrack, 1), appendWide(nil, idCueClusterPosition, uint64(c.at-l.data)))
		when := appendElement(nil, idCueTime, binary.BigEndian.AppendUint32(nil, uint32(min(c.time, math.MaxUint32))))
		points = appendElement(points, idCuePoint, when, where)
	}
	b := appendElement(nil, idCues, points)
	return appendVoid(b, cuesSpace-len(b))
}
